"""Folders are listed whole or not at all: as dissect lists them, and with a byte changed."""

import stat
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import pytest
from dissect.btrfs.btrfs import Btrfs as DissectBtrfs
from dissect.extfs import ExtFS
from dissect.xfs import XFS

from shared.proof.evidence.linux import READERS
from shared.proof.filesystems.files import FileSystem, Type
from shared.proof.filesystems.volumes import Kind, Volume, find_volumes
from shared.proof.ranges import Ranges
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER

LAYOUTS = {None: Kind.EXT, "linux-xfs": Kind.XFS, "linux-btrfs": Kind.BTRFS}
OPENED: dict[Kind, Callable[[BinaryIO], Any]] = {
    Kind.EXT: lambda file: ExtFS(file).root,
    Kind.XFS: lambda file: XFS(file).root,
    Kind.BTRFS: lambda file: DissectBtrfs(file).root,
}


class Whole(Ranges):
    """A disk of which as much may be read as one likes; `patches` are bytes that were changed."""

    def __init__(self, layout: str | None) -> None:
        source = contents(Guest("Linux", "V2", 8, "never", layout=layout))
        self.patches: dict[int, int] = {}
        self.source = source

        def fetch(offset: int, length: int) -> bytes:
            data = bytearray(source.read(offset, length))
            for at, byte in self.patches.items():
                if offset <= at < offset + length:
                    data[at - offset] ^= byte
            return bytes(data)

        super().__init__(fetch, source.size - FOOTER)
        self.ranges = self.fetched = -(10**12)

    def forget(self) -> None:
        """Have every block fetched anew."""
        self._blocks.clear()


def root_of(disk: Ranges, kind: Kind) -> Volume:
    """Return the volume of the root, the largest of its kind."""
    return [one for one in find_volumes(disk) if one.kind is kind][-1]


def below(files: FileSystem, folder: int, path: str = "") -> Iterator[tuple[str, Type]]:
    """Yield everything below a folder."""
    for name, entry in files.list(folder).items():
        yield f"{path}/{name}", entry.type
        if entry.type is Type.FOLDER:
            yield from below(files, entry.number, f"{path}/{name}")


def below_by_dissect(node: Any, path: str = "") -> Iterator[tuple[str, Type]]:  # noqa: ANN401 - no types
    """Yield the same as dissect tells it."""
    listed = ((one if isinstance(one, tuple) else (one.filename, one)) for one in node.iterdir())
    for name, one in listed:
        if name in (".", ".."):
            continue
        mode = one.type if hasattr(one, "is_dir") else one.filetype
        kinds = {stat.S_IFREG: Type.FILE, stat.S_IFDIR: Type.FOLDER, stat.S_IFLNK: Type.LINK}
        yield f"{path}/{name}", kinds.get(mode, Type.OTHER)
        if mode == stat.S_IFDIR:
            yield from below_by_dissect(one, f"{path}/{name}")


@pytest.mark.parametrize(("layout", "kind"), LAYOUTS.items())
def test_every_folder_is_listed_as_dissect_lists_it(layout: str | None, kind: Kind) -> None:
    """Of thousands of files none is missing, and none is too many."""
    volume = root_of(Whole(layout), kind)
    file = cast("BinaryIO", volume.file)
    files = READERS[kind](file)
    found = dict(below(files, files.root))
    assert found == dict(below_by_dissect(OPENED[kind](file)))
    assert len(found) > 3000
    assert files.is_clean()


@pytest.mark.parametrize(("layout", "kind"), LAYOUTS.items())
def test_no_byte_of_a_folder_changes_unseen(layout: str | None, kind: Kind) -> None:
    """Wherever a byte is changed that a listing reads, it ends in an error, or changes nothing."""
    disk = Whole(layout)
    spans: list[tuple[int, int]] = []
    read = disk.read

    def traced(size: int | None = -1) -> bytes:
        at = disk.tell()
        data = read(size)
        spans.append((at, len(data)))
        return data

    cast("Any", disk).read = traced

    def listing() -> list[str]:
        files = READERS[kind](cast("BinaryIO", root_of(disk, kind).file))
        waagent = files.root
        for name in ("var", "lib", "waagent"):
            waagent = files.list(waagent)[name].number
        return sorted(files.list(waagent))

    sound = listing()
    assert "provisioned" in sound
    seen = 0
    for at, length in list(dict.fromkeys(spans)):
        for place in range(at, at + length, max(1, length // 24)):
            disk.patches = {place: 0x5A}
            disk.forget()
            try:
                assert listing() == sound, place
            except AssertionError:
                raise
            except Exception:  # noqa: BLE001 - whatever a parser raises
                seen += 1
    assert seen > 100
