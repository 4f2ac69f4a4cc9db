"""Rivals on the same stub: they find stopped VMs by their run state, with one request or more a VM.

`BENCH_RIVALS=1`: each is installed into an environment of its own (`.clients`, a GiB together).
"""

import json
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from bench.stub import TENANT
from tests.clients.environments import HERE, python

POLICY = Path(__file__).with_name("custodian.yml")
_PATIENCE = 1800
STOPPED = "[?powerState=='VM stopped'].name"

type Took = dict[str, float]


def measure(environment: dict[str, str], vms: int) -> dict[str, Took]:
    """Return what each rival took, by its name; nothing unless `BENCH_RIVALS` is set.

    `environment` is where the stub is found. A rival is left out for fleets that take it minutes.
    """
    if not os.environ.get("BENCH_RIVALS"):
        return {}
    return {name: run(environment) for name, (run, most) in _RIVALS.items() if vms <= most}


def _custodian(environment: dict[str, str]) -> Took:
    command = python("custodian") / "bin" / "custodian"
    with TemporaryDirectory() as home:
        more = {
            "HOME": home,
            "AZURE_USE_MSI": "1",
            "AZURE_SUBSCRIPTION_ID": environment["SUBSCRIPTIONS"],
            "AZURE_TENANT_ID": TENANT,
            "PYTHONPATH": str(HERE / "custodian_endpoint"),
        }
        took = _run([command, "run", "--output-dir", home, POLICY], environment | more, Path(home))
        found = json.loads((Path(home) / "stopped" / "resources.json").read_text())
    return {**took, "found": len(found)}


def _az(environment: dict[str, str]) -> Took:
    base = environment["ARM_ENDPOINT"]
    names = ("resource-manager", "active-directory", "active-directory-resource-id")
    endpoints = " ".join(f"--endpoint-{name} {base}" for name in names)
    with TemporaryDirectory() as home:
        settings = environment | {
            "HOME": home,
            "AZURE_CONFIG_DIR": home,
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",  # or MSAL asks login.microsoftonline.com
        }

        def run(said: str) -> Took:
            command = python("az") / "bin" / "az"
            return _run([command, *shlex.split(said)], settings, Path(home))

        run(f"cloud register -n Stub --skip-endpoint-discovery {endpoints}")
        run("cloud set -n Stub")
        run(f"login --service-principal -u rival -p secret --tenant {TENANT}")
        took = run(f'vm list -d --query "{STOPPED}"')
        found = json.loads((Path(home) / "said").read_text())
    return {**took, "found": len(found)}


def _run(command: Sequence[str | Path], environment: dict[str, str], home: Path) -> Took:
    """Run a command; return its requests, and its own seconds and MiB."""
    asked, began = _requests(environment), time.perf_counter()
    with (home / "said").open("w") as said, (home / "errors").open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=errors)  # noqa: S603 a rival
        stuck = threading.Timer(_PATIENCE, process.kill)
        stuck.start()
        _, status, used = os.wait4(process.pid, 0)  # of this process alone, unlike getrusage
        stuck.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(
            process.returncode, list(map(str, command)), stderr=(home / "errors").read_text()
        )
    return {
        "requests": _requests(environment) - asked - 1,
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.perf_counter() - began,
        "peak": used.ru_maxrss / 1024,
    }


def _requests(environment: dict[str, str]) -> int:
    """Return how many requests the stub has answered."""
    url = f"{environment['ARM_ENDPOINT']}/_requests"
    return int(requests.get(url, verify=environment["SSL_CERT_FILE"], timeout=30).text)


_RIVALS: dict[str, tuple[Callable[[dict[str, str]], Took], int]] = {
    "Cloud Custodian": (_custodian, 10_000),
    "az vm list -d": (_az, 1_000),
}
"""By name: how it is run, and the most VMs for which it is."""
