"""Cloud Custodian on the same stub: the only rival that finds stopped VMs by their run state.

`BENCH_RIVALS=1`: it is installed into an environment of its own (`.clients`, some hundred MiB).
"""

import json
import os
import resource
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.clients.environments import HERE, python

NAME = "Cloud Custodian"
POLICY = Path(__file__).with_name("custodian.yml")
_PATIENCE = 1800


def wanted() -> bool:
    """Whether rivals are to be measured."""
    return bool(os.environ.get("BENCH_RIVALS"))


def custodian(environment: dict[str, str]) -> dict[str, float]:
    """Find the stopped VMs with Custodian; return what that took, as `bench/ways.py` does."""
    command = python("custodian") / "bin" / "custodian"
    with TemporaryDirectory() as home:
        more = {
            "HOME": home,
            "AZURE_USE_MSI": "1",
            "AZURE_SUBSCRIPTION_ID": environment["SUBSCRIPTIONS"],
            "AZURE_TENANT_ID": "00000000-0000-4000-8000-000000000000",
            "PYTHONPATH": str(HERE / "custodian_endpoint"),
        }
        asked = _requests(environment)
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(  # noqa: S603 the rival
            [command, "run", "--output-dir", home, POLICY],
            env=environment | more,
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads((Path(home) / "stopped" / "resources.json").read_text())
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wall = time.perf_counter() - begun
    counts = {"found": len(found), "requests": _requests(environment) - asked - 1}
    return {**counts, "cpu": cpu, "wall": wall, "peak": after.ru_maxrss / 1024}


def _requests(environment: dict[str, str]) -> int:
    """Return how many requests the stub has answered."""
    url = f"{environment['ARM_ENDPOINT']}/_requests"
    return int(requests.get(url, verify=environment["SSL_CERT_FILE"], timeout=30).text)
