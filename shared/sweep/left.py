"""What captures leave behind: source VMs with their disks, failed and superseded versions.

Pure. Nothing of it is deleted by Stillframe: it is named, and priced as far as the price list goes.
The network interfaces and public addresses of these VMs are not read, and a version's size is not
known, so they have no price here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.model.facts import ObservedImage, Provisioning
from shared.model.ids import VersionRef, VmRef
from shared.model.tags import SourceTag


@dataclass(frozen=True, slots=True)
class LeftVm:
    """A captured VM: its disks, GiB in all, and their list price of a month, None if unknown."""

    ref: VmRef
    disks: int
    size_gb: int
    month: float | None

    def row(self) -> dict[str, Any]:
        """Return the row that the event and the tables show."""
        return {
            "ResourceId": self.ref.id,
            "disks": self.disks,
            "sizeGB": self.size_gb,
            "x_ListCostPerMonth": self.month,
        }


@dataclass(frozen=True, slots=True)
class LeftVersions:
    """Versions that failed, and ours that are older than another of their definition."""

    failed: tuple[str, ...] = ()
    superseded: int = 0
    replicas: int = 0


def left_versions(images: Iterable[ObservedImage]) -> LeftVersions:
    """Return the versions that nobody gets by `latest`; `replicas` are those of the superseded."""
    versions = [(image.ref, image) for image in images if isinstance(image.ref, VersionRef)]
    failed = tuple(ref.id for ref, one in versions if one.provisioning is Provisioning.FAILED)
    good = [(ref, one) for ref, one in versions if one.provisioning is Provisioning.SUCCEEDED]
    newest: dict[str, tuple[int, ...]] = {}
    for ref, _ in good:
        newest[_definition(ref)] = max(newest.get(_definition(ref), ()), _number(ref))
    old = [
        one
        for ref, one in good
        if SourceTag.STARTED in one.tags and _number(ref) < newest[_definition(ref)]
    ]
    return LeftVersions(failed, len(old), sum(one.replicas for one in old))


def _definition(ref: VersionRef) -> str:
    return ref.key.rpartition("/versions/")[0]


def _number(ref: VersionRef) -> tuple[int, ...]:
    return tuple(int(part) for part in ref.version.split(".") if part.isdecimal())
