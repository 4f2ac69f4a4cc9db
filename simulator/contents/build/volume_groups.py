"""Volume groups of any shape, written by LVM's own tools without a device mapper.

Takes the physical volumes and the extents of each logical one; gives the volumes as
pieces. A thin volume's blocks have a fixed order; `thin_restore` writes which of them
are in use.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from simulator.contents.build import pieces
from simulator.contents.build.lvm import FIRST, lvm, prepared
from simulator.contents.build.partitions import MIB, Place
from simulator.contents.build.pieces import Piece, Volume
from simulator.contents.build.tools import loop, run

_EXTENT = 4 * MIB
NAME = "rootvg"
POOL = "pool00"
_POOL_DATA, _POOL_METADATA = f"{POOL}_tdata", f"{POOL}_tmeta"
_HIDDEN = (_POOL_DATA, _POOL_METADATA, "lvol0_pmspare")
_CHUNK = 64 * 1024
# The chunks of a pool come in stretches of this many bytes, every seventh after the other.
_STRETCH, _STEP = MIB, 7

type Section = Mapping[str, object]


class Stretch(NamedTuple):
    """Some extents of a physical volume, which is named by its number."""

    physical: int
    first: int
    extents: int


@dataclass(frozen=True)
class Physical:
    """A physical volume, and whether it is the one on the other disk."""

    place: Place
    elsewhere: bool = False


@dataclass(frozen=True)
class Group:
    """A volume group; thin volumes are given by their extents, their pool's parts are `linear`."""

    physical: tuple[Physical, ...]
    linear: Mapping[str, tuple[Stretch, ...]] = field(default_factory=dict)
    thin: Mapping[str, int] = field(default_factory=dict)

    def volume(self, name: str) -> Volume:
        """Return a logical volume as pieces."""
        if name not in self.thin:
            return Volume(tuple(self._pieces(self.linear[name])))
        (room,) = self._pieces(self.linear[_POOL_DATA])
        found = tuple(
            Piece(at, Place(room.place.start + _at_in_pool(at, room.place.size), _STRETCH))
            for at in range(0, self.thin[name] * _EXTENT, _STRETCH)
        )
        return Volume(found, self._map)

    def _pieces(self, stretches: tuple[Stretch, ...]) -> list[Piece]:
        found, at = [], 0
        for stretch in stretches:
            physical = self.physical[stretch.physical]
            start = physical.place.start + FIRST + stretch.first * _EXTENT
            found.append(Piece(at, Place(start, stretch.extents * _EXTENT), physical.elsewhere))
            at += stretch.extents * _EXTENT
        return found

    def _map(self, image: Path, file: Path) -> None:
        """Write which blocks of the pool a thin volume has."""
        (room,) = self._pieces(self.linear[_POOL_DATA])
        (metadata,) = self._pieces(self.linear[_POOL_METADATA])
        text = file.with_suffix(".xml")
        text.write_text(_mappings(file, room.place.size))
        with loop(image, metadata.place.start, metadata.place.size) as device:
            run("thin_restore", "-i", text, "-o", device)
            run("thin_check", device)
        text.unlink()


def made(image: Path, group: Group) -> None:
    """Make the physical volumes and write the group to each."""
    folder = prepared(image)
    described = {"contents": "Text Format Volume Group", "version": 1, NAME: _described(group)}
    (folder / NAME).write_text(_written(described))
    with ExitStack() as until:
        for number, physical in enumerate(group.physical):
            disk, place = pieces.disk_of(image, elsewhere=physical.elsewhere), physical.place
            device = until.enter_context(loop(disk, place.start, place.size))
            known = ("--uuid", _id(f"pv{number}"), "--restorefile", NAME)
            lvm(folder, "pvcreate", "-y", *known, str(device))
        lvm(folder, "vgcfgrestore", "--force", "-y", "-f", NAME, NAME)


def empty_physical(image: Path, place: Place) -> None:
    """Make a physical volume that belongs to no group."""
    folder = prepared(image)
    with loop(image, place.start, place.size) as device:
        lvm(folder, "pvcreate", "-y", "--norestorefile", "--uuid", _id("alone"), str(device))


def _at_in_pool(at: int, size: int) -> int:
    return at // _STRETCH * _STEP % (size // _STRETCH) * _STRETCH


def _mappings(file: Path, room: int) -> str:
    """Return the input of thin_restore: the chunks of a volume that are not empty."""
    with file.open("rb") as volume:
        stretches = list(pieces.data(volume.fileno(), 0, file.stat().st_size))
    used = sorted(
        {chunk for at, end in stretches for chunk in range(at // _CHUNK, -(-end // _CHUNK))}
    )
    lines = [
        f'<single_mapping origin_block="{chunk}" '
        f'data_block="{_chunk_in_pool(chunk, room)}" time="0"/>'
        for chunk in used
    ]
    return (
        f'<superblock uuid="" time="0" transaction="1" version="2" '
        f'data_block_size="{_CHUNK // 512}" nr_data_blocks="{room // _CHUNK}">\n'
        f'<device dev_id="1" mapped_blocks="{len(used)}" transaction="0" creation_time="0" '
        'snap_time="0">\n' + "\n".join(lines) + "\n</device>\n</superblock>\n"
    )


def _chunk_in_pool(chunk: int, room: int) -> int:
    return (_at_in_pool(chunk * _CHUNK, room) + chunk * _CHUNK % _STRETCH) // _CHUNK


def _described(group: Group) -> Section:
    volumes = {name: _linear(name, group.linear[name]) for name in group.linear}
    if group.thin:
        volumes[POOL] = _pool(group.linear[_POOL_DATA])
        volumes |= {name: _thin(name, extents) for name, extents in group.thin.items()}
    return {
        "id": _id(NAME),
        "seqno": 1,
        "format": "lvm2",
        "status": ["RESIZEABLE", "READ", "WRITE"],
        "flags": [],
        "extent_size": _EXTENT // 512,
        "max_lv": 0,
        "max_pv": 0,
        "metadata_copies": 0,
        "physical_volumes": {
            f"pv{number}": _physical(number, one) for number, one in enumerate(group.physical)
        },
        "logical_volumes": volumes,
    }


def _physical(number: int, physical: Physical) -> Section:
    return {
        "id": _id(f"pv{number}"),
        "device": f"/dev/sd{'b1' if physical.elsewhere else f'a{number + 3}'}",
        "status": ["ALLOCATABLE"],
        "flags": [],
        "dev_size": physical.place.size // 512,
        "pe_start": FIRST // 512,
        "pe_count": (physical.place.size - FIRST) // _EXTENT,
    }


def _logical(name: str, *segments: Section) -> Section:
    visible = [] if name in _HIDDEN else ["VISIBLE"]
    return {
        "id": _id(name),
        "status": ["READ", "WRITE", *visible],
        "flags": [],
        "creation_time": 1780300800,
        "creation_host": "simulated",
        "segment_count": len(segments),
    } | {f"segment{number}": one for number, one in enumerate(segments, 1)}


def _linear(name: str, stretches: tuple[Stretch, ...]) -> Section:
    segments, at = [], 0
    for stretch in stretches:
        segments.append(
            {
                "start_extent": at,
                "extent_count": stretch.extents,
                "type": "striped",
                "stripe_count": 1,
                "stripes": [f"pv{stretch.physical}", stretch.first],
            }
        )
        at += stretch.extents
    return _logical(name, *segments)


def _pool(room: tuple[Stretch, ...]) -> Section:
    segment = {
        "start_extent": 0,
        "extent_count": sum(stretch.extents for stretch in room),
        "type": "thin-pool",
        "metadata": _POOL_METADATA,
        "pool": _POOL_DATA,
        "transaction_id": 1,
        "chunk_size": _CHUNK // 512,
        "discards": "passdown",
        "zero_new_blocks": 1,
    }
    return _logical(POOL, segment)


def _thin(name: str, extents: int) -> Section:
    segment = {
        "start_extent": 0,
        "extent_count": extents,
        "type": "thin",
        "thin_pool": POOL,
        "transaction_id": 0,
        "device_id": 1,
    }
    return _logical(name, segment)


def _written(section: Section) -> str:
    """Return a section in LVM's own notation."""
    lines = []
    for name, value in section.items():
        if isinstance(value, Mapping):
            lines.append(f"{name} {{\n{_written(value)}}}")
        elif isinstance(value, list):
            lines.append(f"{name} = [{', '.join(_word(one) for one in value)}]")
        else:
            lines.append(f"{name} = {_word(value)}")
    return "\n".join(lines) + "\n"


def _word(value: object) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


def _id(name: str) -> str:
    digits = uuid5(NAMESPACE_URL, f"lvm {name}").hex
    ends = (6, 10, 14, 18, 22, 26, 32)
    return "-".join(digits[start:end] for start, end in zip((0, *ends), ends, strict=False))
