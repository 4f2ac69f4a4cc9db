"""Ways to find the stopped VMs of a subscription; each runs as a process that prints its costs.

`python bench/ways.py <way>`: `stillframe` (a sweep in which nothing is new), `pipeline` (one list,
by the SDK's pipeline and msgspec), `floor` (one list, by http.client and msgspec), `models` (one
list, by the SDK's models). It imports only what that way needs: a way's memory is its own.
"""

import http.client
import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BASE = os.environ["ARM_ENDPOINT"]
SUBSCRIPTION = os.environ["SUBSCRIPTIONS"]
LIST = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"
    "?api-version=2026-04-01&statusOnly=true"
)
STOPPED = "PowerState/stopped"
EVENTS = 200


def stillframe() -> Callable[[], int]:
    """Sweep, as the timer's function does."""
    from datetime import UTC, datetime, timedelta

    from shared.cloud.azure import connect
    from shared.model.settings import read_settings
    from shared.sweep.sweeper import Sweeper

    azure = connect(read_settings(os.environ | {"OUTCOME_TOPIC": ""}))
    list(azure.arm.locks(SUBSCRIPTION))  # the first request pays for token and TLS

    def sweep() -> int:
        now = datetime.now(UTC).replace(minute=30)
        return len(Sweeper(azure).sweep(now - timedelta(minutes=5), now).flagged)

    return sweep


def pipeline() -> Callable[[], int]:
    """Read one list with the SDK's pipeline, and its states with msgspec."""
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    from shared.cloud import wire
    from shared.cloud.arm import page_of
    from shared.cloud.client import find_credential, policies_of

    client: Any = PipelineClient(BASE, policies=policies_of(BASE, find_credential(), []))
    client.send_request(HttpRequest("GET", f"{BASE}/subscriptions/{SUBSCRIPTION}/locks"))

    def read() -> int:
        found, url = 0, f"{BASE}{LIST}"
        while url:
            page, _ = page_of(client.send_request(HttpRequest("GET", url)).content, wire.VmPage)
            found += sum(_is_stopped(row) for row in page.value)
            url = page.next_link or ""
        return found

    return read


def floor(*more: str) -> Callable[[], int]:
    """Read one list, and `more`, with the least that is possible in Python."""
    import msgspec

    from shared.cloud import wire

    decoder = msgspec.json.Decoder(wire.VmPage)
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    connection = http.client.HTTPSConnection(urlsplit(BASE).netloc, context=context)

    def get(path: str) -> bytes:
        connection.request("GET", path, headers={"Authorization": "Bearer t"})
        return connection.getresponse().read()

    get(f"/subscriptions/{SUBSCRIPTION}/locks")

    def read() -> int:
        found, url = 0, LIST
        while url:
            page = decoder.decode(get(url))
            found += sum(_is_stopped(row) for row in page.value)
            url = (page.next_link or "").removeprefix(BASE)
        for first in more:
            url = first
            while url:
                url = (decoder.decode(get(url)).next_link or "").removeprefix(BASE)
        return found

    return read


def floor_of_both() -> Callable[[], int]:
    """Read both lists with the least that is possible in Python, one after the other."""
    return floor(LIST.removesuffix("&statusOnly=true"))


def models() -> Callable[[], int]:
    """Read one list with the SDK's own operation and models."""
    client = _sdk()

    def read() -> int:
        found = 0
        for vm in client.virtual_machines.list_all(status_only="true"):
            view = vm.properties.instance_view if vm.properties else None
            found += any(one.code == STOPPED for one in (view.statuses if view else None) or ())
        return found

    return read


def event() -> Callable[[], int]:
    """Handle events about a VM without an order: one read, nothing to do."""
    return _events("idle")


def waiting_event() -> Callable[[], int]:
    """Handle events about a VM that runs and waits for Sysprep: its order is checked again."""
    return _events("waiting")


def deallocating_event() -> Callable[[], int]:
    """Handle events about a VM that has stopped: it is deallocated."""
    return _events("off")


def _events(name: str) -> Callable[[], int]:
    from datetime import UTC, datetime

    from shared.cloud.azure import connect
    from shared.model.ids import VmRef
    from shared.model.settings import read_settings
    from shared.reconcile import reconcile

    azure = connect(read_settings(os.environ | {"OUTCOME_TOPIC": "", "PROOF": "off"}))
    ref = VmRef(SUBSCRIPTION, "rg-fleet", name)

    def handle() -> int:
        for _ in range(EVENTS):
            reconcile(azure, ref, datetime.now(UTC))
        return EVENTS

    reconcile(azure, ref, datetime.now(UTC))
    return handle


def get_by_models() -> Callable[[], int]:
    """Read a VM with the SDK's own operation and models."""
    client = _sdk()

    def read() -> int:
        for _ in range(EVENTS):
            client.virtual_machines.get("rg-fleet", "idle", expand="instanceView")
        return EVENTS

    client.virtual_machines.get("rg-fleet", "idle", expand="instanceView")
    return read


def _sdk() -> Any:  # noqa: ANN401 imported only by those ways
    """Return the SDK's client, with its models."""
    from azure.identity import ManagedIdentityCredential
    from azure.mgmt.compute import ComputeManagementClient

    return ComputeManagementClient(
        ManagedIdentityCredential(),
        SUBSCRIPTION,
        base_url=BASE,
        credential_scopes=[f"{BASE}/.default"],
    )


def _is_stopped(row: object) -> bool:
    view = row.properties.instance_view  # type: ignore[attr-defined]
    return any(status.code == STOPPED for status in view.statuses)


def _requests() -> int:
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    connection = http.client.HTTPSConnection(urlsplit(BASE).netloc, context=context)
    connection.request("GET", "/_requests")
    return int(connection.getresponse().read())


def _peak_mib() -> float:
    """Return the most memory that this process has held; Linux counts it from exec."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main(way: str) -> None:
    """Prepare a way, run it once, print what that took."""
    found = {
        "stillframe": stillframe,
        "pipeline": pipeline,
        "floor": floor,
        "floor-of-both": floor_of_both,
        "models": models,
        "event": event,
        "waiting-event": waiting_event,
        "deallocating-event": deallocating_event,
        "get-by-models": get_by_models,
    }
    run = found[way]()
    before, cpu, wall = _requests(), time.process_time(), time.perf_counter()
    stopped = run()
    took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    counts = {"found": stopped, "requests": _requests() - before - 1, "peak": _peak_mib()}
    print(json.dumps(took | counts))


if __name__ == "__main__":
    main(sys.argv[1])
