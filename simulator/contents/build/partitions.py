"""Partition tables, written by `sfdisk`.

Takes the partitions of a disk in order, gives the place of each. Azure's own images have these
layouts: inferred from disks that people have shown, sizes rounded.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from simulator.contents.build.tools import empty, run

MIB = 1024**2
GIB = 1024**3
_SECTOR = 512

# Types by GPT's GUID and MBR's number.
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
MSR = "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"
WINDOWS_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
WINDOWS_RECOVERY = "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"
LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
LINUX_LVM = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
FLATCAR_USR = "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6"
FLATCAR_ROOT = "3884DD41-8582-4404-B9A8-E9B84F2DF50E"
FLATCAR_RESERVED = "C95DC21A-DF0E-4340-8D7B-26CBFA9A03E0"
MBR_NTFS = "7"
MBR_LINUX = "83"
MBR_LVM = "8e"
MBR_LDM = "42"


@dataclass(frozen=True)
class Wanted:
    """A partition to create: `mib` is its size, None for the rest of the disk except `spare` MiB.

    `number` is its place in the table if that is not the next one, `title` its name there if
    that differs from its name here.
    """

    name: str
    type: str
    mib: int | None
    active: bool = False
    spare: int = 1
    number: int | None = None
    title: str | None = None


@dataclass(frozen=True)
class Place:
    """The place of a partition on its disk, in bytes."""

    start: int
    size: int


type Places = dict[str, Place]


def partitioned(image: Path, size_gb: int, table: str, wanted: tuple[Wanted, ...]) -> Places:
    """Make an empty disk with a table (gpt, dos) and its partitions; return those by name."""
    empty(image, size_gb * GIB)
    places: Places = {}
    identity = _of_disk(image)
    label = str(identity) if table == "gpt" else f"0x{identity.hex[:8]}"
    lines = [f"label: {table}", f"label-id: {label}", "unit: sectors"]
    start = MIB
    for one in wanted:
        size = one.mib * MIB if one.mib else size_gb * GIB - start - one.spare * MIB
        places[one.name] = Place(start, size)
        lines.append(_line(one, places[one.name], table, image))
        start += size
    run("sfdisk", "--quiet", image, text="\n".join(lines) + "\n")
    return places


def identity_of(image: Path, name: str) -> str:
    """Return the GPT's own identity of a partition."""
    return str(uuid5(NAMESPACE_URL, _of_disk(image).hex + name))


def _of_disk(image: Path) -> UUID:
    return uuid5(NAMESPACE_URL, image.name)


def _line(one: Wanted, place: Place, table: str, image: Path) -> str:
    line = f"{one.number}: " if one.number else ""
    line += f"start={place.start // _SECTOR}, size={place.size // _SECTOR}, type={one.type}"
    if table == "gpt":
        line += f', uuid={identity_of(image, one.name)}, name="{one.title or one.name}"'
    return line + (", bootable" if one.active else "")
