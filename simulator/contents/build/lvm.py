"""Logical volumes, written by LVM's own tools on a kernel without device mapper.

Takes a disk's place for a physical volume; gives the places of the logical volumes, each in one
piece, so that file systems can be created there. `scatter` then moves the end of one of them, as if
it had been extended later, as the volume group describes it; `gathered` moves it back while
something is changed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.contents.build.partitions import MIB, Place, Places
from simulator.contents.build.tools import loop, run

_EXTENT = 4 * MIB
FIRST = MIB
_EXTENTS = {"": 512, "usr": 512, "home": 80, "var": 384, "tmp": 80}
"""Extents of 4 MiB by the folder that the volume is mounted at, in the order of the disk."""
_NAMES = {"": "rootlv"}
# The last extents of /var lie at the end of all.
_MOVED = ("var", 128)
_CONFIG = """
devices { use_devicesfile=0 scan=["/dev"] obtain_device_list_from_udev=0 }
activation { udev_sync=0 udev_rules=0 }
backup { backup=0 archive=0 }
"""
_GROUP = """contents = "Text Format Volume Group"
version = 1

rootvg {{
id = "{identity}-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaaa"
seqno = 1
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = 8192
max_lv = 0
max_pv = 0
metadata_copies = 0
physical_volumes {{
pv0 {{
id = "{identity}-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbbb"
device = "/dev/sda4"
status = ["ALLOCATABLE"]
flags = []
dev_size = {sectors}
pe_start = 2048
pe_count = {extents}
}}
}}
logical_volumes {{
{volumes}
}}
}}
"""
_VOLUME = """{name} {{
id = "{identity}-{short}-cccc-cccc-cccc-cccc-cccccc"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
creation_time = 1780300800
creation_host = "simulated"
segment_count = {count}
{segments}
}}"""
_SEGMENT = """segment{number} {{
start_extent = {start}
extent_count = {extents}
type = "striped"
stripe_count = 1
stripes = [ "pv0", {at} ]
}}"""
_IDENTITY = "Simula"


def volumes(group: Place) -> Places:
    """Return the place of each volume while it is in one piece."""
    places, at = {}, group.start + FIRST
    for folder, extents in _EXTENTS.items():
        places[folder] = Place(at, extents * _EXTENT)
        at += extents * _EXTENT
    return places


def made(image: Path, group: Place) -> None:
    """Make the physical volume and the group with its volumes, described as scattered."""
    folder = prepared(image)
    described = folder / "rootvg"
    described.write_text(_described(group))
    identity = f"{_IDENTITY}-bbbb-bbbb-bbbb-bbbb-bbbb-bbbbbb"
    with loop(image, group.start, group.size) as device:
        known = ("--uuid", identity, "--restorefile", "rootvg")
        lvm(folder, "pvcreate", "-y", *known, str(device))
        lvm(folder, "vgcfgrestore", "--force", "-y", "-f", "rootvg", "rootvg")


def prepared(image: Path) -> Path:
    """Return a folder in which LVM's commands find their settings."""
    folder = image.parent / "lvm"
    folder.mkdir(exist_ok=True)
    (folder / "lvm.conf").write_text(_CONFIG)
    return folder


def scatter(image: Path, group: Place) -> None:
    """Move the end of a volume to its place in the group."""
    near, far = _ends(group)
    _moved(image, near, far)


@contextmanager
def gathered(image: Path, group: Place) -> Iterator[None]:
    """Keep all volumes in one piece for as long as this lasts."""
    near, far = _ends(group)
    _moved(image, far, near)
    yield
    _moved(image, near, far)


def lvm(folder: Path, *words: str) -> None:
    """Run an LVM command."""
    # What it writes down of the machine that it runs on is to be the same on each.
    apart = ("unshare", "--uts", "sh", "-c", 'hostname simulated; cd "$0"; exec "$@"', folder)
    run(*apart, "env", "LVM_SYSTEM_DIR=.", "lvm", *words)


def _ends(group: Place) -> tuple[Place, Place]:
    folder, extents = _MOVED
    places = volumes(group)
    size = extents * _EXTENT
    near = Place(places[folder].start + places[folder].size - size, size)
    last = places[next(reversed(places))]
    return near, Place(last.start + last.size, size)


def _moved(image: Path, source: Place, target: Place) -> None:
    """Move data to another place and leave zeros, without filling up the file."""
    with image.open("r+b") as file:
        for at in range(0, source.size, MIB):
            file.seek(source.start + at)
            data = file.read(MIB)
            if data.strip(b"\0"):
                file.seek(target.start + at)
                file.write(data)
                file.seek(source.start + at)
                file.write(bytes(MIB))
        os.fsync(file.fileno())


def _described(group: Place) -> str:
    return _GROUP.format(
        identity=_IDENTITY,
        sectors=group.size // 512,
        extents=(group.size - FIRST) // _EXTENT,
        volumes="\n".join(_volume(folder, group) for folder in _EXTENTS),
    )


def _volume(folder: str, group: Place) -> str:
    pieces = [volumes(group)[folder]]
    if folder == _MOVED[0]:
        near, far = _ends(group)
        pieces = [Place(pieces[0].start, pieces[0].size - near.size), far]
    segments, start = [], 0
    for number, piece in enumerate(pieces, 1):
        extents, at = piece.size // _EXTENT, (piece.start - group.start - FIRST) // _EXTENT
        segments.append(_SEGMENT.format(number=number, start=start, extents=extents, at=at))
        start += extents
    return _VOLUME.format(
        name=_NAMES.get(folder, f"{folder}lv"),
        identity=_IDENTITY,
        short=(folder or "root")[:4].ljust(4, "x"),
        count=len(pieces),
        segments="\n".join(segments),
    )
