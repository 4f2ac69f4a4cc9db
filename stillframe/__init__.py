"""The installed commands: `stillframe` (`cli/`) and `stillframe-sim` (`simulator/`).

In the wheel this folder holds `shared`, `cli` and `simulator`, which import each other by these
names. So a command first puts this folder on the path of its own process; nothing else in a site
is changed. In a checkout they are beside this folder, where the path leads already.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = ("cli", "shared", "simulator")
NO_SIMULATOR = "stillframe-sim needs what the extra `sim` brings: pip install 'stillframe[sim]'"


def main() -> int:
    """Run `stillframe`; return the process's status."""
    _put_on_path()
    from cli.__main__ import main as run  # noqa: PLC0415 - found by the path that was just made

    return run()


def simulate() -> int:
    """Run `stillframe-sim`; return the process's status."""
    _put_on_path()
    try:
        from simulator.__main__ import main as run  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OURS:
            raise
        print(f"{NO_SIMULATOR} (there is no {error.name})", file=sys.stderr)
        return 1
    return run()


def _put_on_path() -> None:
    if (HERE / "shared").is_dir():
        sys.path.insert(0, str(HERE))
