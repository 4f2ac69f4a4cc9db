"""LVM: the physical volumes of a disk -> the logical volumes that can be read from them.

A volume group can span several partitions, and other disks. Its newest metadata is used. A logical
volume that needs a missing physical volume is returned with the reason; the others are still read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from dissect.volume.lvm import LVM2
from dissect.volume.lvm.physical import LVM2Device, parse_metadata

from shared.proof.filesystems.files import Broken, read_at

MOST = 64
"""The most logical volumes read in one group."""

METADATA_LIMIT = 1024 * 1024
_HEADER = 512
"""Bytes at the start of a metadata area which are not part of its ring buffer."""

_LINEAR = {"linear", "striped"}
_POOLS = {"thin-pool", "cache-pool", "vdo-pool"}
"""Types of logical volumes that only contain other logical volumes."""


@dataclass(frozen=True, slots=True)
class Logical:
    """A logical volume, `group/volume`; `file` is None if it cannot be opened, with `why`.

    If the group itself cannot be read, `group` is empty and `volume` names the partition.
    """

    group: str
    volume: str
    file: BinaryIO | None
    why: str = ""

    @property
    def name(self) -> str:
        """The name as people write it."""
        return f"{self.group}/{self.volume}" if self.group else self.volume

    @property
    def mapped(self) -> str:
        """The device mapper name, in which hyphens of both parts are doubled."""
        group, volume = (part.replace("-", "--") for part in (self.group, self.volume))
        return f"/dev/mapper/{group}-{volume}"


class _Device(LVM2Device):  # type: ignore[misc] # dissect ships no types
    """dissect's physical volume, plus metadata that wraps around the end of its area."""

    @cached_property
    def metadata(self) -> dict[str, Any] | None:
        """Return the group's metadata on this physical volume; None if it is in no group."""
        if not self._metadata_areas or not self._metadata_areas[0][1]:
            return None
        header, (location, *_) = self._metadata_areas[0]
        if not location.size:
            return None
        if location.size > METADATA_LIMIT or not _HEADER <= location.offset < header.size:
            msg = "the LVM metadata is invalid"
            raise Broken(msg)
        first = min(location.size, header.size - location.offset)
        text = read_at(self.fh, header.start + location.offset, first)
        text += read_at(self.fh, header.start + _HEADER, location.size - first)
        return dict(parse_metadata(text.rstrip(b"\0").decode()))


def logical_volumes(physical: Mapping[str, BinaryIO]) -> Iterator[Logical]:
    """Yield the visible logical volumes of every group that has a physical volume on this disk.

    `physical` maps the names of partitions to their volumes.
    """
    devices: list[_Device] = []
    groups: dict[str, list[_Device]] = {}
    for name, file in physical.items():
        try:
            device = _Device(file)
            if device.metadata is not None:
                groups.setdefault(_group(device)["id"], []).append(device)
            devices.append(device)
        except Exception as error:  # noqa: BLE001 - on damaged metadata the parser can raise anything
            yield Logical("", name, None, f"LVM cannot be read: {error}")
    for members in groups.values():
        newest = max(members, key=lambda device: int(_group(device)["seqno"]))
        yield from _of_group([newest, *(device for device in devices if device is not newest)])


def _of_group(devices: Sequence[_Device]) -> Iterator[Logical]:
    """Yield the volumes of the group in the metadata of the first physical volume."""
    if "logical_volumes" not in _group(devices[0]):
        return
    group = LVM2(list(devices)).volume_group
    for volume in group.lv[:MOST]:
        if volume.is_visible and volume.type not in _POOLS:
            yield _opened(group.name, volume)


def _group(device: _Device) -> dict[str, Any]:
    """Return the only group in the metadata of a physical volume."""
    assert device.metadata is not None  # noqa: S101 those without metadata are in no group
    return next(value for value in device.metadata.values() if isinstance(value, dict))


def _opened(group: str, volume: Any) -> Logical:  # noqa: ANN401 - dissect's LogicalVolume
    if why := _missing(volume):
        return Logical(group, volume.name, None, why)
    return Logical(group, volume.name, volume.open())


def _missing(volume: Any) -> str:  # noqa: ANN401 - as above
    """Return why a logical volume cannot be opened; empty if it can."""
    if not volume.segments:
        return "it has no extents"
    for segment in volume.segments:
        if segment.type not in _LINEAR:
            return f"logical volumes of the type {segment.type} are not supported"
        if segment.stripe_count != 1:
            return "striped logical volumes are not supported"
        physical = volume.volume_group.physical_volumes
        for name, _ in segment.stripes:
            if name not in physical or physical[name].dev is None:
                return f"part of it is on the physical volume {name}, which is not on this disk"
    return ""
