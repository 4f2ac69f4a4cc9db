"""`make demo`: a subscription, the app and the story, all on this machine.

The exit status is 0 only if every VM reached the ending that the cast defines.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.__main__ import main as stillframe
from demo.cast import GALLERY, IMAGES_GROUP
from demo.engineer import Engineer
from demo.screen import Screen, results
from demo.story import set_the_scene, tell
from demo.summary import read_bills, summarize
from simulator.deployment import Deployment
from simulator.simulator import Simulator

ROOT = Path(__file__).parent.parent
OUT = ROOT / ".demo"
COLUMNS = 110
REPORT = OUT / "report.html"
SPEED = 60.0
"""Simulated seconds per real second: minutes in Azure are seconds here."""

LASTS = timedelta(minutes=25)
"""About how long the story is in simulated time: it begins so long ago, and ends now."""


def main() -> int:
    """Run the story; return the exit status."""
    console, started = _console(), time.monotonic()
    logging.basicConfig(filename=_log_file(), level=logging.WARNING)
    console.print(
        f"Starting a simulated Azure subscription ({SPEED:.0f} times faster than life) and the "
        "function app, which reads each OS disk before it generalizes anything (PROOF=required)."
    )
    begins = datetime.now(UTC) - LASTS
    with Simulator(speed=SPEED, start_at=begins, state_dir=OUT / "simulator") as simulator:
        os.environ.update(simulator.environment())
        settings = {
            "SUBSCRIPTIONS": simulator.subscription_id,
            "IMAGE_RESOURCE_GROUP": (
                f"/subscriptions/{simulator.subscription_id}/resourceGroups/{IMAGES_GROUP}"
            ),
            "COST_GUARD_ACTION": "flag",
            "COST_GUARD_CURRENCY": "EUR",
            "OUTCOME_TOPIC": f"{simulator.arm_endpoint}/topics/outcomes/api/events",
            "BOOT_DIAGNOSTICS": simulator.environment()["BOOT_DIAGNOSTICS"],
        }
        template = ROOT / "infra" / "snapshots" / "guarding.snapshot.json"
        engineer = Engineer(simulator)
        with Deployment(simulator, ROOT, settings, template, OUT / "host.log"):
            courses = set_the_scene(simulator.client, engineer)
            with Screen(console, courses) as screen:
                good = tell(simulator.client, engineer, courses, screen.show)
            bills = read_bills(simulator.client)
            console.print(results(courses, bills))
            if not good:
                console.print(f"[red]not every VM ended as expected[/red]; see {OUT / 'host.log'}")
                return 1
            summary = summarize(simulator.client, courses, bills, time.monotonic() - started)
            look_at_tests(engineer, summary["boot_tests"], simulator.ca_path)
            if failed := write_report(settings):
                return failed
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    console.print(_conclusion(summary))
    console.print(_next(), highlight=False, soft_wrap=True)
    return 0


def write_report(settings: Mapping[str, str]) -> int:
    """Write the report of the subscription as it is at the end; return the exit status."""
    os.environ.update(settings)
    return stillframe(["report", "--output", str(REPORT)])


def look_at_tests(engineer: Engineer, tests: list[dict[str, Any]], trusted: Path) -> None:
    """Save each screenshot; note what is `latest`: it must be the image only if that has booted."""
    for test in tests:
        definition, _, version = test["image"].removeprefix(f"{GALLERY}/").rpartition("/")
        test["latest"] = engineer.latest(definition)
        if (test["latest"] == version) != (test["verdict"] == "booted"):
            msg = f"{test['image']} is {test['verdict']}, and {test['latest']} is latest"
            raise SystemExit(msg)
        picture = OUT / f"{test['vm']}.png"
        engineer.download(test["screenshot"], picture, trusted)
        test["screenshot_file"] = f"{OUT.name}/{picture.name}"


def _console() -> Console:
    """Return the terminal, or for a log a console of `COLUMNS` columns."""
    console = Console()
    return console if console.is_terminal else Console(width=COLUMNS)


def _log_file() -> Path:
    OUT.mkdir(exist_ok=True)
    return OUT / "simulator.log"


def _conclusion(summary: dict[str, Any]) -> str:
    requests = [capture["arm_requests"] for capture in summary["captures"]]
    proofs = [capture["proof_requests"] for capture in summary["captures"]]
    reads = [capture["disk_reads"] for capture in summary["captures"]]
    return (
        f"Each image took {_span(requests)} requests to Azure, none of them "
        f"waiting, and its proof {_span(proofs)} more and {_span(reads)} ranges of its disk. "
        f"{_of_tests(summary['boot_tests'])} The workshop is empty again. "
        "All prices are the simulator's: plausible, not Azure's. "
        f"{OUT.name}/summary.json has the figures, {OUT.name}/host.log the app's log. It took "
        f"{summary['seconds']:.0f} s."
    )


def _next() -> str:
    return (
        "\nNext:\n"
        f"  open {OUT.name}/report.html in a browser: what `stillframe report` shows\n"
        "  make report             the same of your own subscriptions, after az login; read-only\n"
        "  make sim                this simulator until Ctrl-C: order images, watch the report\n"
        '  README.md, "Deploy"     the app in your subscription'
    )


def _of_tests(tests: list[dict[str, Any]]) -> str:
    """Return what came of the boot tests, with the files that have their screenshots."""
    told = [
        f"{test['vm']} {test['verdict']} and is {'' if test['latest'] else 'never '}latest "
        f"({test['screenshot_file']})"
        for test in tests
    ]
    return f"Booted in the workshop: {', '.join(told)}."


def _span(numbers: list[int]) -> str:
    least, most = min(numbers), max(numbers)
    return f"{least}" if least == most else f"{least} to {most}"


if __name__ == "__main__":
    sys.exit(main())
