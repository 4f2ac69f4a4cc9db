"""A VM's etag, with which clients change only the version that they have read."""

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms


def test_a_vms_version_is_a_header_too(sim: Simulator, arm: Arms) -> None:
    """GET and PUT answer with the same ETag as in the body; a change gives a new one."""
    vm, owner = sim.client.create_vm("web"), arm("owner")
    seen = owner("GET", vm)
    assert seen.headers["ETag"] == seen.json()["etag"]
    body = {"location": "westeurope", "tags": {"team": "images"}}
    changed = owner("PUT", vm, body)
    assert changed.headers["ETag"] == changed.json()["etag"] != seen.json()["etag"]
