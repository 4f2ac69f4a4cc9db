"""Microsoft's compute client for Node: `arm_compute.mjs` takes the steps, this starts it."""

import json
import shutil
import subprocess
from pathlib import Path

from simulator.simulator import Simulator
from simulator.trial import client_environment
from tests.clients.environments import HERE, bare, node
from tests.clients.steps import Step, Steps

DONE = "VMs, instance views, images, galleries, versions, disks, snapshots, pages, refusals"
SCRIPT = "arm_compute.mjs"


def prepare() -> str:
    """Create the environment if it is missing, and return the client's version."""
    package = node("arm-compute") / "node_modules" / "@azure" / "arm-compute" / "package.json"
    return f"@azure/arm-compute {json.loads(package.read_text())['version']}"


def drive(simulator: Simulator, home: Path, steps: Steps) -> None:
    """Take every step."""
    simulator.client.create_vm("web", group="rg-node", generation="V1", sysprep="succeeded")
    simulator.client.create_vm("spare", group="rg-node", os="Linux", power="deallocated")
    folder = node("arm-compute")
    shutil.copy(HERE / SCRIPT, folder)  # a module finds packages from where it lies
    environment = bare(simulator, home) | client_environment(simulator)
    with subprocess.Popen(  # noqa: S603 - our own script
        [shutil.which("node") or "node", SCRIPT],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        assert running.stderr
        for line in running.stdout:
            steps.add(Step(**json.loads(line)))
        said = running.stderr.read()
    if running.returncode:
        steps.add(Step("the script itself", 0.0, f"ended with {running.returncode}: {said}"))
