"""`make clients`, or `python -m tests.clients [NAME ..]`: clients of Azure use the simulator.

Each has its own environment, created on the first run, and its own simulator on free ports.
Prints each step, then a table. Exits with 1 if any step failed.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

from simulator.simulator import Simulator
from tests.clients import ansible, arm_compute, az, custodian
from tests.clients.steps import Steps

SPEED = 120.0  # simulated seconds in a real one
POLL_AFTER = 1  # without Retry-After most of them ask every 30 real seconds


class Client(Protocol):
    """What the module of a client has."""

    DONE: str

    def prepare(self) -> str:
        """Create the environment if it is missing, and return the client's version."""
        ...

    def drive(self, simulator: Simulator, home: Path, steps: Steps) -> None:
        """Take every step, with a folder as home."""
        ...


CLIENTS: dict[str, Client] = {
    "az": az,
    "custodian": custodian,
    "arm-compute": arm_compute,
    "ansible": ansible,
}


def main() -> int:
    """Run the clients asked for, all of them by default; return the process's status."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CLIENTS))
    names: list[str] = parser.parse_args().names or list(CLIENTS)
    if unknown := set(names) - set(CLIENTS):
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    runs = [_run(name, CLIENTS[name]) for name in names]
    Console(width=130).print("\n", _table(runs))
    return 1 if any(steps.failed or not steps.taken for _, steps in runs) else 0


def _run(name: str, client: Client) -> tuple[str, Steps]:
    version = client.prepare()
    steps = Steps(name)
    with tempfile.TemporaryDirectory(prefix=f"clients-{name}-") as folder:
        home, state = Path(folder) / "home", Path(folder) / "sim"
        home.mkdir()
        with Simulator(speed=SPEED, state_dir=state) as simulator:
            simulator.client.settings(retry_after=POLL_AFTER)
            client.drive(simulator, home, steps)
    return version, steps


def _table(runs: list[tuple[str, Steps]]) -> Table:
    table = Table(title="Clients of Azure against the simulator")
    for name in ("client", "version", "what was done"):
        table.add_column(name)
    for name in ("passed", "failed", "seconds"):
        table.add_column(name, justify="right")
    for version, steps in runs:
        failed = len(steps.failed)
        passed = len(steps.taken) - failed
        numbers = (str(passed), str(failed), f"{steps.seconds:.0f}")
        table.add_row(steps.client, version, CLIENTS[steps.client].DONE, *numbers)
        for step in steps.failed:
            table.add_row("", "[red]failed[/red]", step.name)
    return table


if __name__ == "__main__":
    sys.exit(main())
