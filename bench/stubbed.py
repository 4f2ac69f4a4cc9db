"""A stub of Azure with rows of the simulator, and what a way to use it takes, as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from azure.core.rest import HttpRequest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient

from bench.stub import NAMED, SUBSCRIPTION
from shared.model.instants import write_instant
from simulator.simulator import HOST, Simulator

ORDERED = {
    "stillframe-capture": "managed-image",
    "stillframe-status": "waiting",
    "stillframe-detail": "ready; run Sysprep with /generalize /oobe /shutdown; the capture then "
    "starts automatically",
    "stillframe-image": "managed-image",
}
"""The tags of a VM whose order is answered, and waits for Sysprep."""

_PATIENCE = 600


def measure(way: str, environment: dict[str, str], home: Path) -> dict[str, float]:
    """Return what a way took, run with the modules of a checkout."""
    here = Path(__file__).with_name("ways.py")
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, str(here), way],
        env=environment | {"PYTHONPATH": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def rows_of(out: Path) -> dict[str, str]:
    """Return rows of both lists, of a VM that runs and of one that is stopped and reported.

    And what a GET gives of a VM with an order: one waits for Sysprep, one has stopped; and of one
    without.
    """
    now = datetime.now(UTC)
    told = {
        "stillframe-billed-since": write_instant(now - timedelta(hours=5)),
        "stillframe-billed-alerted": write_instant(now - timedelta(hours=4)),
        "owner": "build-team",
    }
    with Simulator(state_dir=out / "simulator") as simulator:
        words = {"group": "rg-fleet", "age": 9 * 3600.0}
        simulator.client.create_vm(NAMED, **words, tags={"owner": "build-team", "env": "prod"})
        running = _asked(simulator)
        simulator.client.reset()
        simulator.client.create_vm(NAMED, **words, power="stopped", tags=told)
        stopped = _asked(simulator)
        single = {"vm plain": running["vm"], "disk": stopped["disk"], "nic": stopped["nic"]}
        for power in ("running", "stopped"):
            simulator.client.reset()
            simulator.client.create_vm(NAMED, **words, power=power, tags=ORDERED)
            single[f"vm {power}"] = _asked(simulator)["vm"]
    found = {f"{kind} running": row for kind, row in running.items()}
    return found | {f"{kind} stopped": row for kind, row in stopped.items()} | single


def _asked(simulator: Simulator) -> dict[str, str]:
    """Return the only VM as both lists and a GET have it."""
    os.environ.update(simulator.environment("owner"))
    base = simulator.arm_endpoint
    credential = ManagedIdentityCredential(client_id=os.environ["AZURE_CLIENT_ID"])
    client = ComputeManagementClient(
        credential, simulator.subscription_id, base_url=base, credential_scopes=[f"{base}/.default"]
    )
    root = f"/subscriptions/{simulator.subscription_id}"
    path = f"{root}/providers/Microsoft.Compute/virtualMachines?api-version=2026-04-01"
    one = f"{root}/resourceGroups/rg-fleet/providers/Microsoft.Compute/virtualMachines/{NAMED}"

    def asked(url: str) -> Any:  # noqa: ANN401 JSON
        answer = client.send_request(HttpRequest("GET", url))
        answer.raise_for_status()
        return answer.json()

    vm = asked(f"{one}?$expand=instanceView&api-version=2026-04-01")
    disk = vm["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    (nic,) = (named["id"] for named in vm["properties"]["networkProfile"]["networkInterfaces"])
    return {
        "disk": json.dumps(asked(f"{disk}?api-version=2026-03-02")),
        "nic": json.dumps(asked(f"{nic}?api-version=2024-07-01")),
        "plain": json.dumps(asked(path)["value"][0]),
        "statusOnly": json.dumps(asked(f"{path}&statusOnly=true")["value"][0]),
        "vm": json.dumps(vm),
    }


@contextmanager
def stubbed(out: Path, rows: dict[str, str], vms: int, delay: float) -> Iterator[dict[str, str]]:
    """Run the stub; give the environment in which a way finds it."""
    authority = trustme.CA()
    leaf = authority.issue_cert(HOST)
    certificate, trusted = out / "stub.pem", out / "stub-ca.pem"
    certificate.write_bytes(
        leaf.private_key_pem.bytes() + b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    )
    authority.cert_pem.write_to_path(trusted)
    plan = {"rows": rows, "vms": vms, "stopped": vms // 50, "delay": delay}
    file = out / "stub.json"
    file.write_text(json.dumps(plan | {"certificate": str(certificate)}))
    with subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, "-m", "bench.stub", str(file)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout  # noqa: S101 it is a pipe
        base = f"https://{HOST}:{running.stdout.readline().strip()}"
        try:
            yield {
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "ARM_ENDPOINT": base,
                "IDENTITY_ENDPOINT": f"{base}/msi/token",
                "IDENTITY_HEADER": "h",
                "REQUESTS_CA_BUNDLE": str(trusted),
                "SSL_CERT_FILE": str(trusted),
                "SUBSCRIPTIONS": SUBSCRIPTION,
                "PRICES_ENDPOINT": "",
            }
        finally:
            running.terminate()
