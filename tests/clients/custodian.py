"""Cloud Custodian: policies that find VMs by their state, and tag, lock and deallocate them.

It gets its tokens from the managed-identity endpoint; `custodian_endpoint` sets the ARM endpoint.
"""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.owner import owner_session
from simulator.simulator import Simulator
from tests.clients.environments import HERE, bare, pinned, python
from tests.clients.steps import Steps, Wrong, expect

DONE = "VMs by instance view, tag, mark, lock, power, resize, delete; images, disks, groups"
GROUP = "rg-custodian"
PATIENCE = 30.0  # real seconds for what a policy began and did not wait for


def prepare() -> str:
    """Create the environment if it is missing, and return the client's version."""
    python("custodian")
    return f"c7n-azure {pinned('custodian', 'c7n-azure')}"


def drive(simulator: Simulator, home: Path, steps: Steps) -> None:
    """Take every step."""
    steering = simulator.client
    busy = steering.create_vm("busy", group=GROUP, tags={"team": "red"})
    idle = steering.create_vm("idle", group=GROUP, os="Linux", power="stopped")
    steering.create_group("rg-empty")
    custodian = Custodian(simulator, home)
    _put_others(simulator)
    _stopped(custodian, steps, idle)
    _power(custodian, steps, idle)
    _marks(custodian, steps, busy)
    _others(custodian, steps)
    with steps.step("delete"):
        expect(custodian("delete"), ["idle"])
        custodian.wait(lambda: [vm["name"] for vm in steering.vms()] == ["busy", "source"])


class Custodian:
    """Runs one policy after another, as the owner."""

    def __init__(self, simulator: Simulator, home: Path) -> None:
        self.simulator = simulator
        self._command = python("custodian") / "bin" / "custodian"
        self._out = home / "out"
        self._environment = bare(simulator, home) | {
            "AZURE_USE_MSI": "1",
            "PYTHONPATH": str(HERE / "custodian_endpoint"),
        }

    def __call__(self, policy: str) -> list[str]:
        """Run a policy and return the names that it found; Wrong if it or an action failed."""
        return [one["name"] for one in self.found(policy)]

    def found(self, policy: str) -> list[dict[str, Any]]:
        """Run a policy and return what it found; Wrong if it or one of its actions failed."""
        done = subprocess.run(  # noqa: S603 - the client under test
            [
                *(self._command, "run", "--policies", policy, "--output-dir", self._out),
                HERE / "custodian_policies.yml",
            ],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # Of an action that failed only the log tells.
        if done.returncode or ":ERROR " in done.stderr:
            msg = f"custodian run --policies {policy}: {done.returncode} {done.stderr}"
            raise Wrong(msg)
        written = self._out / policy / "resources.json"
        found: list[dict[str, Any]] = json.loads(written.read_text())
        return found

    def vm(self, vm: str) -> dict[str, Any]:
        """Return what a VM really is at."""
        return self.simulator.client.vm(vm)

    def settle(self, vm: str, power: str) -> None:
        """Wait until a VM is at a power state and no operation runs; Wrong if it never is."""

        def is_there() -> bool:
            now = self.vm(vm)
            return (now["power"], now["provisioning"]) == (power, "Succeeded")

        self.wait(is_there)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait for what a policy began, which Custodian does not do; Wrong if it never is so."""
        until = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > until:
                msg = f"not so after {PATIENCE:.0f} seconds; the VMs: {self.simulator.client.vms()}"
                raise Wrong(msg)
            time.sleep(0.1)


def _stopped(custodian: Custodian, steps: Steps, idle: str) -> None:
    with steps.step("running, by instance view"):
        expect(custodian("running"), ["busy"])
    with steps.step("stopped, by instance view: tag, stop"):
        expect(custodian("stopped-tag-and-deallocate"), ["idle"])
        custodian.settle(idle, "deallocated")
        expect(custodian.vm(idle)["tags"], {"custodian": "found-stopped"})
    with steps.step("deallocated, by instance view"):
        expect(custodian("deallocated"), ["idle", "source"])
    with steps.step("by tag; untag"):
        expect(custodian("by-tag"), ["idle"])
        expect(custodian("untag"), ["idle"])
        expect(custodian.vm(idle)["tags"], {})


def _power(custodian: Custodian, steps: Steps, idle: str) -> None:
    with steps.step("resize"):
        custodian("resize")
        custodian.settle(idle, "deallocated")
        [shown] = [vm for vm in custodian.found("deallocated") if vm["name"] == "idle"]
        expect(shown["properties"]["hardwareProfile"]["vmSize"], "Standard_D2s_v5")
    with steps.step("start"):
        custodian("start")
        custodian.settle(idle, "running")
    with steps.step("restart"):
        custodian("restart")
        custodian.settle(idle, "running")
    with steps.step("poweroff"):
        custodian("power-off")
        custodian.settle(idle, "stopped")


def _marks(custodian: Custodian, steps: Steps, busy: str) -> None:
    with steps.step("mark-for-op; marked-for-op"):
        expect(custodian("mark"), ["busy"])
        expect(set(custodian.vm(busy)["tags"]), {"team", "custodian_status"})
        expect(custodian("marked"), ["busy"])
    with steps.step("lock; resource-lock"):
        expect(custodian("locked"), [])
        expect(custodian("lock"), ["busy"])
        expect(custodian("locked"), ["busy"])
    with steps.step("network-interface: no public address"):
        expect(custodian("without-address"), ["busy", "idle", "source"])


def _others(custodian: Custodian, steps: Steps) -> None:
    with steps.step("images, by a value"):
        expect(custodian("images"), ["golden"])
    with steps.step("disks, by a value: tag"):
        expect(custodian("disks-tag"), ["loose"])
        [disk] = custodian.found("disks-tag")
        expect(disk["tags"], {"attached": "never"})
    with steps.step("snapshots"):
        expect(custodian("snapshots"), ["snap"])
    with steps.step("resource groups: tag"):
        expect(custodian("groups-tag"), [GROUP])
        [group] = custodian.found("groups-tag")
        expect(group["tags"], {"team": "red"})
    with steps.step("resource groups: empty-group"):
        # The first has a topic in it, which the simulator's lists of resources leave out.
        expect(custodian("empty-groups"), ["simulator", "rg-empty"])
    with steps.step("resources of every kind"):
        types = {one["type"].rpartition("/")[2] for one in custodian.found("resources")}
        kinds = {"resourceGroups", "virtualMachines", "disks", "images", "snapshots"}
        expect(types, kinds)


def _put_others(simulator: Simulator) -> None:
    """Put a disk, a snapshot and a managed image there, since Custodian creates nothing."""
    source = simulator.client.create_vm(
        "source", group=GROUP, generation="V1", power="deallocated", generalized=True
    )
    compute = source.partition("/virtualMachines/")[0]
    empty = {"createOption": "Empty"}
    copy = {"createOption": "Copy", "sourceResourceId": f"{compute}/disks/loose"}
    bodies: dict[str, dict[str, object]] = {
        "disks/loose?api-version=2025-01-02": {"creationData": empty, "diskSizeGB": 8},
        "snapshots/snap?api-version=2025-01-02": {"creationData": copy},
        "images/golden?api-version=2025-04-01": {
            "sourceVirtualMachine": {"id": source},
            "hyperVGeneration": "V1",
        },
    }
    with owner_session(simulator) as owner:
        for path, properties in bodies.items():
            body = {"location": "westeurope", "properties": properties}
            url = f"{simulator.arm_endpoint}{compute}/{path}"
            owner.put(url, json=body, timeout=30).raise_for_status()
            time.sleep(0.3)  # at this speed half a minute, and each of these lasts less
