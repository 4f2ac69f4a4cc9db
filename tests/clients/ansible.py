"""Ansible's Azure collection: `playbook.yml` has the steps, this starts it and reads its events.

The collection comes with the package `ansible`; its own `requirements.txt` names what it needs.
It is configured only by the environment that `make sim` gives to all clients.
"""

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.simulator import Simulator
from simulator.trial import client_environment
from tests.clients.environments import HERE, bare, python
from tests.clients.steps import Step, Steps

DONE = "groups, VMs, tags, locks, disks, snapshots, images, galleries, versions; twice the same"
COLLECTION = "ansible_collections/azure/azcollection"
ENDED = {"v2_runner_on_ok", "v2_runner_on_failed", "v2_runner_on_unreachable"}


def prepare() -> str:
    """Create the environment if it is missing, and return the client's version."""
    [manifest] = python("ansible").glob(f"lib/python*/site-packages/{COLLECTION}/MANIFEST.json")
    version = json.loads(manifest.read_text())["collection_info"]["version"]
    return f"azure.azcollection {version}"


def drive(simulator: Simulator, home: Path, steps: Steps) -> None:
    """Take every step."""
    words: dict[str, object] = {"group": "rg-ansible", "generation": "V1"}
    tags = {"team": "red"}
    simulator.client.create_vm("web", sysprep="succeeded", tags=tags, **words)
    simulator.client.create_vm("spare", os="Linux", power="deallocated", **words)
    binaries = python("ansible") / "bin"
    with subprocess.Popen(  # noqa: S603 - the client under test
        [binaries / "ansible-playbook", HERE / "playbook.yml"],
        cwd=home,
        env=bare(simulator, home) | _settings(simulator, binaries),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout
        other = [line for line in running.stdout if not _told(line, steps)]
    if running.returncode:
        said = f"ended with {running.returncode}: {''.join(other)}"
        steps.add(Step("the playbook itself", 0.0, said))


def _settings(simulator: Simulator, binaries: Path) -> dict[str, str]:
    return client_environment(simulator) | {
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl",
        "ANSIBLE_PYTHON_INTERPRETER": str(binaries / "python"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


def _told(line: str, steps: Steps) -> bool:
    """Take a line for the end of a step, and say whether it is an event of Ansible's at all."""
    try:
        event = json.loads(line)
    except ValueError:
        return False
    if event.get("_event") in ENDED:
        task, [result] = event["task"], event["hosts"].values()
        wrong = _wrong(result) if event["_event"] != "v2_runner_on_ok" else None
        duration = task["duration"]
        begun, ended = (datetime.fromisoformat(duration[at]) for at in ("start", "end"))
        steps.add(Step(task["name"], (ended - begun).total_seconds(), wrong))
    return True


def _wrong(result: dict[str, Any]) -> str:
    """Return what a failed task says: of a loop, what each failed round says."""
    parts = [part for part in result.get("results", ()) if part.get("failed") or "msg" in part]
    said = [str(part.get("msg")) for part in parts or [result]]
    return "; ".join([*said, str(result.get("assertion", ""))]).rstrip("; ")
