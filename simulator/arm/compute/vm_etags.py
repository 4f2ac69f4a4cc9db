"""The etag of a VM: in its body and a header, and the conditions of a write."""

from simulator.arm.compute.records import Vm
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, check_etag
from simulator.arm.core.errors import Json

# Recorded with api-version 2024-07-01, and in no answer of an earlier one.
_SINCE = "2024-03-01"


def with_etag(call: Call, vm: Vm, body: Json, answer: Answer | None = None) -> Answer:
    """Return an answer with the VM's etag in a header, which clients send back in If-Match."""
    answer = answer or Answer()
    answer.body = dated(call, body)
    if call.api_version >= _SINCE:
        answer.headers["ETag"] = f'"{vm.etag}"'
    return answer


def dated(call: Call, body: Json) -> Json:
    """Leave out the members that the caller's api-version does not have."""
    return (
        body
        if call.api_version >= _SINCE
        else {name: value for name, value in body.items() if name != "etag"}
    )


def check_vm_etag(call: Call, vm: Vm | None) -> None:
    """Refuse a write whose conditions are not met; older api-versions have none."""
    if call.api_version >= _SINCE:
        check_etag(call, vm, vm.etag if vm else None)
