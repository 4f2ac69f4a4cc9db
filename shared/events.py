"""Which VM or image an event is about: a delivered payload -> `Wake`, or None if it is not for us.

Pure. Takes the event's type, subject and data as the Functions host passes them, in either schema.
An event says which VM or image to visit, not what to do, so most of it is not read. Malformed
events raise `Unreadable`, because a retry cannot help. Health events also announce that a VM is
stopping; that is read too, because the visit may happen before the VM has stopped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.model.errors import Unreadable
from shared.model.ids import CopyRef, ImageRef, VmRef, find_copy, find_image
from shared.model.instants import read_instant

HEALTH = "Microsoft.ResourceNotifications.HealthResources."
RESOURCES = "Microsoft.Resources.Resource"

_STOPPING = {
    "VirtualMachineStoppedInternally",
    "VirtualMachineStopInitiatedByControlPlane",
}
_VM_OPERATIONS = (
    "microsoft.compute/virtualmachines/",
    "microsoft.resources/tags/",
)
_IMAGE_OPERATIONS = (
    "microsoft.compute/images/",
    "microsoft.compute/galleries/images/versions/",
)


_COPY_OPERATIONS = (
    "microsoft.compute/disks/",
    "microsoft.compute/snapshots/",
    "microsoft.compute/restorepointcollections/",
)


@dataclass(frozen=True, slots=True)
class Wake:
    """What to visit: a VM, an image, or the VM that something is part of a copy of.

    `stopping` is when the platform announced that the VM stops.
    """

    ref: VmRef | ImageRef | CopyRef
    stopping: datetime | None = None


def read_event(kind: str, subject: str, data: object) -> Wake | None:
    """Return what an event is about, None if not for us; raise `Unreadable` if malformed."""
    if not isinstance(data, Mapping):
        msg = f"the data of {kind!r} is {type(data).__name__}, not an object"
        raise Unreadable(msg)
    if kind.startswith(HEALTH):
        return _read_health(data)
    if kind.startswith(RESOURCES):
        return _read_resource(subject, data)
    return None


def _read_health(data: Mapping[str, Any]) -> Wake | None:
    properties = _at(data, "resourceInfo", "properties")
    target = _text(properties, "targetResourceId")
    if "/virtualmachinescalesets/" in target.lower():
        return None
    ref = VmRef.find(target)
    if ref is None:
        msg = f"a health event names no virtual machine: {target[:200]!r}"
        raise Unreadable(msg)
    if _text(properties, "annotationName") not in _STOPPING:
        return Wake(ref)
    return Wake(ref, stopping=read_instant(_text(properties, "occurredTime")))


def _read_resource(subject: str, data: Mapping[str, Any]) -> Wake | None:
    operation = _text(data, "operationName").lower()
    resource = _text(data, "resourceUri") or subject
    if operation.startswith(_IMAGE_OPERATIONS):
        image = find_image(resource) or find_image(subject)
        return Wake(image) if image else None
    if operation.startswith(_COPY_OPERATIONS):
        copy = find_copy(resource) or find_copy(subject)
        return Wake(copy) if copy else None
    if operation.startswith(_VM_OPERATIONS):
        vm = VmRef.find(resource) or VmRef.find(subject)
        return Wake(vm) if vm else None
    return None


def _at(data: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for name in path:
        inner = data.get(name)
        if not isinstance(inner, Mapping):
            msg = f"the event has no object {name!r}"
            raise Unreadable(msg)
        data = inner
    return data


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
