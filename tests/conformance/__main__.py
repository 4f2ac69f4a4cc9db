"""Compare the simulator with recordings of Azure and write the page of differences.

`python -m tests.conformance --recordings FOLDER [--page FILE]`
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.conformance.page import page
from tests.conformance.recordings import cassettes
from tests.conformance.replay import Replay
from tests.conformance.simulated import simulated
from tests.conformance.tally import Tally

PAGE = Path(__file__).parents[2] / "simulator" / "CONFORMANCE.md"


def main() -> None:
    """Replay all recordings, write the page, print the totals."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.conformance")
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--page", type=Path, default=PAGE)
    said = parser.parse_args()
    tally = replayed(said.recordings)
    said.page.write_text(page(tally, sources(said.recordings)), encoding="utf-8")
    total = tally.total()
    sys.stdout.write(
        f"{total.pairs} pairs: {total.same} same, {total.explained} explained, "
        f"{total.unexplained} unexplained; {said.page}\n"
    )


def replayed(recordings: Path) -> Tally:
    """Replay all recordings in a folder and count the results."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as state, simulated(Path(state)) as azure:
        for cassette in cassettes(recordings):
            counted = tally.cassettes.setdefault(cassette.source, Counter())
            counted.update(cassettes=1, requests=len(cassette.exchanges))
            replay = Replay(azure, cassette)
            for pair in replay.pairs():
                tally.add(pair)
                counted["pairs"] += 1
            tally.skipped.update(replay.skipped)
    return tally


def sources(recordings: Path) -> dict[str, str]:
    """Return the contents of the collections' SOURCE files, by the collection's name."""
    return {
        path.parent.name: path.read_text(encoding="utf-8").strip()
        for path in sorted(recordings.glob("*/SOURCE"))
    }


if __name__ == "__main__":
    main()
