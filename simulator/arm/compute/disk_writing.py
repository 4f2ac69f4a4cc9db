"""Writing a disk or a snapshot: the operation, the answer to PUT or PATCH, the poll's output."""

from collections.abc import Callable

from simulator.arm.compute.disk_bodies import write_body
from simulator.arm.compute.records import Disk, Snapshot
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.operations import Family


def written(call: Call, resource: Disk | Snapshot, shown: Callable[[str], Json]) -> Answer:
    """Answer 202 and write; `shown` gives the resource's body with the group as it is passed."""
    body = write_body(call, shown(call.group), resource.sku)
    resource.provisioning = "Updating"

    def settle() -> None:
        resource.operation, resource.provisioning = None, "Succeeded"
        operation.output = shown(resource.group)

    def fail() -> None:
        resource.operation, resource.provisioning = None, "Failed"

    operation = call.world.operations.start(
        "update",
        resource.location,
        call.world.seconds("disk"),
        settle,
        fail=fail,
        family=Family.DISK,
        doomed=call.doomed,
    )
    resource.operation = operation
    return call.accepted(operation, 202, body)
