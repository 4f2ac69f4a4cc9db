"""Run the commands against a simulated subscription."""

import os
import subprocess
import sys
from pathlib import Path

from simulator.simulator import Simulator

ROOT = Path(__file__).parents[2]


def run(
    simulator: Simulator, *said: str, principal: str = "app", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a principal, in an environment without Stillframe's settings."""
    mine = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # noqa: S603 - our own interpreter and command
        [sys.executable, "-m", "cli", *said],
        env=mine | simulator.environment(principal) | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
