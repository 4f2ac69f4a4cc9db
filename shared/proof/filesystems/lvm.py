"""LVM: the physical volumes of a disk -> the logical volumes that can be read from them.

One volume group may lie on several partitions, and partly on other disks. What its newest metadata
say counts; a volume that needs what is not here is named with the reason, and hides no other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from dissect.volume.lvm import LVM2
from dissect.volume.lvm.physical import LVM2Device, parse_metadata

from shared.proof.filesystems.files import Broken

MOST = 64
"""Logical volumes looked at in one group."""

METADATA_LIMIT = 1024 * 1024
_HEADER = 512
"""Bytes at the start of a metadata area, over which the ring of its texts does not go."""

_LINEAR = {"linear", "striped"}
_POOLS = {"thin-pool", "cache-pool", "vdo-pool"}
"""Kinds of logical volumes that others are made of."""


@dataclass(frozen=True, slots=True)
class Logical:
    """A logical volume, `group/volume`; `file` is None where it cannot be opened, with `why`.

    Where even the group cannot be read, `group` is empty and `volume` names the partition.
    """

    group: str
    volume: str
    file: BinaryIO | None
    why: str = ""

    @property
    def name(self) -> str:
        """How people write it."""
        return f"{self.group}/{self.volume}" if self.group else self.volume

    @property
    def mapped(self) -> str:
        """Its name under the device mapper, whose parts double their hyphens."""
        group, volume = (part.replace("-", "--") for part in (self.group, self.volume))
        return f"/dev/mapper/{group}-{volume}"


class _Device(LVM2Device):  # type: ignore[misc] # dissect ships no types
    """dissect's physical volume, with metadata that go round the end of their area."""

    @cached_property
    def metadata(self) -> dict[str, Any] | None:
        """Return what the physical volume says of its group; None where it is in none."""
        if not self._metadata_areas or not self._metadata_areas[0][1]:
            return None
        header, (location, *_) = self._metadata_areas[0]
        if not location.size:
            return None
        if location.size > METADATA_LIMIT or not _HEADER <= location.offset < header.size:
            msg = "the metadata of LVM are unsound"
            raise Broken(msg)
        first = min(location.size, header.size - location.offset)
        self.fh.seek(header.start + location.offset)
        text = self.fh.read(first)
        self.fh.seek(header.start + _HEADER)
        text += self.fh.read(location.size - first)
        return dict(parse_metadata(text.rstrip(b"\0").decode()))


def logical_volumes(physical: Mapping[str, BinaryIO]) -> Iterator[Logical]:
    """Yield the visible logical volumes of every group that has a physical volume here.

    `physical` are the volumes by the names of their partitions.
    """
    devices: list[_Device] = []
    groups: dict[str, list[_Device]] = {}
    for name, file in physical.items():
        try:
            device = _Device(file)
            if device.metadata is not None:
                groups.setdefault(_group(device)["id"], []).append(device)
            devices.append(device)
        except Exception as error:  # noqa: BLE001 - broken metadata make their parser raise anything
            yield Logical("", name, None, f"its LVM cannot be read: {error}")
    for members in groups.values():
        newest = max(members, key=lambda one: int(_group(one)["seqno"]))
        yield from _of_group([newest, *(one for one in devices if one is not newest)])


def _of_group(devices: Sequence[_Device]) -> Iterator[Logical]:
    """Yield the volumes of the group that the first physical volume speaks of."""
    if "logical_volumes" not in _group(devices[0]):
        return
    group = LVM2(list(devices)).volume_group
    for volume in group.lv[:MOST]:
        if volume.is_visible and volume.type not in _POOLS:
            yield _opened(group.name, volume)


def _group(device: _Device) -> dict[str, Any]:
    """Return the one group that a physical volume's metadata speak of."""
    assert device.metadata is not None  # noqa: S101 those without are in no group
    return next(one for one in device.metadata.values() if isinstance(one, dict))


def _opened(group: str, volume: Any) -> Logical:  # noqa: ANN401 - dissect's LogicalVolume
    if why := _missing(volume):
        return Logical(group, volume.name, None, why)
    return Logical(group, volume.name, volume.open())


def _missing(volume: Any) -> str:  # noqa: ANN401 - as above
    """Return why a logical volume cannot be opened; nothing where it can."""
    if not volume.segments:
        return "it has no extents"
    for segment in volume.segments:
        if segment.type not in _LINEAR:
            return f"it is of the type {segment.type}, which is not read here"
        if segment.stripe_count != 1:
            return "it is striped, which is not read here"
        physical = volume.volume_group.physical_volumes
        for name, _ in segment.stripes:
            if name not in physical or physical[name].dev is None:
                return f"a part of it lies on the physical volume {name}, which is not on this disk"
    return ""
