"""Ansible."""

from pathlib import Path

from simulator.simulator import Simulator
from tests.clients.steps import Steps

DONE = ""


def prepare() -> str:
    """Say nothing."""
    return ""


def drive(simulator: Simulator, home: Path, steps: Steps) -> None:
    """Do nothing."""
