"""An XFS volume, opened to read directories and small files.

dissect finds blocks and inodes. Directories are parsed here, strictly: entries must be consistent,
and on a volume of version 5 (all that mkfs.xfs has created since 2015) the checksums of superblock,
inode and block must match, and each block must name the directory it belongs to
(https://docs.kernel.org/filesystems/xfs/, fs/xfs/libxfs/xfs_da_format.h).
"""

import stat
import struct
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, BinaryIO

from dissect.xfs import XFS
from dissect.xfs.c_xfs import c_xfs

from shared.proof.filesystems.files import (
    Broken,
    Entry,
    Type,
    Unknown,
    gathered,
    inverted,
    read_at,
    specs_of,
    type_of,
    type_of_mode,
    unread,
    without_itself,
)
from shared.proof.filesystems.xfs_log import Journal
from shared.proof.ranges import read_ahead

LARGEST_BLOCK = 64 * 1024
LARGEST_INODE = 2048
V4, V5 = 4, 5

READ = 0b1110_1111
"""Supported features: with these, directories and files are where dissect expects them.

They are file types, sparse inodes, metadata UUID, large times and extent counts, exchanged ranges,
parent pointers. Unsupported: "needs repair" (bit 4), the metadata directory, zones.
"""

_NAMES = {1 << 4: "needsrepair", 1 << 8: "metadir", 1 << 9: "zoned"}
_SB_CRC, _INODE_CRC, _BLOCK_CRC = 224, 100, 4
"""Offsets of the checksum in a superblock, an inode and a directory block."""

_DATA = {V4: (b"XD2B", b"XD2D"), V5: (b"XDB3", b"XDD3")}
"""Magic numbers of a directory's block: if it is the only block, and if there are several."""

_HEADER = {V4: 16, V5: 64}
_FREE = 0xFFFF


class Xfs:
    """An XFS volume; raises `Unknown`, `Broken`, or what dissect raises, if it cannot be read."""

    def __init__(self, file: BinaryIO) -> None:
        head = read_at(file, 0, LARGEST_BLOCK)
        sb = c_xfs.xfs_sb(head)
        sound = 512 <= sb.sb_blocksize <= LARGEST_BLOCK and sb.sb_inodesize <= LARGEST_INODE  # noqa: PLR2004
        if not sound or sb.sb_sectsize > LARGEST_BLOCK:
            msg = "the superblock of the volume is invalid"
            raise Broken(msg)
        self._version = _version(head[: sb.sb_sectsize], sb)
        if self._version == V5 and (other := sb.sb_features_incompat & ~READ):
            raise Unknown(unread("XFS", other, _NAMES))
        self._file, self._sb = file, sb
        self._volume = XFS(file)
        self._node = cache(self._look_up)  # a rehearsed read begins again from its start
        self._type = cache(self._look_up_type)
        self._journal = Journal(file, sb)
        self._block = sb.sb_blocksize << sb.sb_dirblklog
        if self._block > LARGEST_BLOCK:
            msg = "the directory block size of the volume is invalid"
            raise Broken(msg)
        self.root = int(sb.sb_rootino)
        self.specs = specs_of(self._volume.uuid, self._volume.name)

    def is_clean(self) -> bool:
        """Whether the journal has nothing to replay."""
        return self._journal.is_clean()

    def list(self, folder: int) -> Mapping[str, Entry]:
        """Return the entries of a directory."""
        node = self._node(folder)
        if node.filetype != stat.S_IFDIR:
            msg = f"inode {folder} is not a directory"
            raise Broken(msg)
        local = node.inode.di_format == c_xfs.xfs_dinode_fmt.XFS_DINODE_FMT_LOCAL
        return without_itself(gathered(self._short(node) if local else self._long(node)))

    def read(self, file: int, limit: int) -> bytes:
        """Return the first bytes of a file, or of the target of a symbolic link."""
        node = self._node(file)
        if node.filetype == stat.S_IFLNK:
            return str(node.link).encode("utf-8", "surrogateescape")[:limit]
        return bytes(node.open().read(limit))

    def _look_up(self, number: int) -> Any:  # noqa: ANN401 - dissect ships no types
        volume = self._volume
        group, inside = divmod(number, 1 << volume._inum_bits)  # noqa: SLF001 - its version is pinned
        start = group * volume._ag_size  # noqa: SLF001 - as above
        inode = start + inside * self._sb.sb_inodesize
        read_ahead(*(partial(read_at, self._file, at, 1) for at in (start, inode)))
        node = volume.get_inode(number)
        if self._version == V5:
            raw = self._raw(node)
            own = struct.unpack_from(">Q", raw, 152)[0]
            if own != number or not _is_right(raw, _INODE_CRC):
                msg = f"inode {number} is damaged"
                raise Broken(msg)
        return node

    def _raw(self, node: Any) -> bytes:  # noqa: ANN401 - as above
        group, size = node.ag, self._sb.sb_inodesize
        return bytes(read_at(group.fh, node.relative_inum * size, size))

    def _short(self, node: Any) -> Iterator[Entry]:  # noqa: ANN401 - as above
        """Yield the entries of a directory that is stored in its inode."""
        data = bytes(node.datafork().read(node.size))
        count, wide = data[0], data[1]
        length = 8 if wide else 4
        at = 2 + length
        for _ in range(count):
            named = at + 3 + data[at]
            name, at = data[at + 3 : named], named
            kind = data[at] if self._has_types else 0
            at += self._has_types
            number = int.from_bytes(data[at : at + length])
            at += length
            yield self._entry(number, name, kind)
        if at != len(data) or at != node.size:
            msg = f"the entries of directory {node.inum} are inconsistent"
            raise Broken(msg)

    def _long(self, node: Any) -> Iterator[Entry]:  # noqa: ANN401 - as above
        """Yield the entries of a directory that has its own blocks; an emptied block is a hole."""
        runs = list(node.dataruns)
        tree = node.inode.di_format == c_xfs.xfs_dinode_fmt.XFS_DINODE_FMT_BTREE
        if tree and len(list(node._iter_blocks())) != node.data_extents:  # noqa: SLF001 - pinned
            msg = f"directory {node.inum} is truncated"
            raise Broken(msg)
        whole = {number for number, there in enumerate(_there(runs)) if there}
        each = self._block // self._sb.sb_blocksize
        stream = node.open()
        for number in range(-(-node.size // self._block)):
            if not whole & set(range(number * each, (number + 1) * each)):
                continue
            block = read_at(stream, number * self._block, self._block)
            yield from self._of_block(node, block)

    def _of_block(self, node: Any, block: bytes) -> Iterator[Entry]:  # noqa: ANN401 - as above
        single, one_of_many = _DATA[self._version]
        right = block[:4] in (single, one_of_many) and len(block) == self._block
        if right and self._version == V5:
            owner = struct.unpack_from(">Q", block, 40)[0]
            right = owner == node.inum and _is_right(block, _BLOCK_CRC)
        if not right:
            msg = f"directory {node.inum} is damaged"
            raise Broken(msg)
        end = len(block)
        if block[:4] == single:
            (leaves,) = struct.unpack_from(">I", block, len(block) - 8)
            end -= 8 + 8 * leaves
        at = _HEADER[self._version]
        while at < end:
            number, length = struct.unpack_from(">HH", block, at)
            if number == _FREE:
                tag = at + length - 2
            else:
                length = -(-(8 + 1 + block[at + 8] + self._has_types + 2) // 8) * 8
                tag = at + length - 2
                yield self._long_entry(block, at)
            if length == 0 or length % 8 or at + length > end or _tag(block, tag) != at:
                msg = f"the entries of directory {node.inum} are inconsistent"
                raise Broken(msg)
            at += length

    def _long_entry(self, block: bytes, at: int) -> Entry:
        (number,), length = struct.unpack_from(">Q", block, at), block[at + 8]
        name = block[at + 9 : at + 9 + length]
        kind = block[at + 9 + length] if self._has_types else 0
        return self._entry(number, name, kind)

    @property
    def _has_types(self) -> bool:
        return bool(self._volume._has_ftype)  # noqa: SLF001 - its version is pinned

    def _entry(self, number: int, name: bytes, kind: int) -> Entry:
        text = name.decode("utf-8", "surrogateescape")
        if self._has_types:
            return Entry(text, type_of(kind), number)
        return Entry(text, self._type(number), number)

    def _look_up_type(self, number: int) -> Type:
        return type_of_mode(self._volume.get_inode(number).filetype)


def _version(head: bytes, sb: Any) -> int:  # noqa: ANN401 - dissect ships no types
    """Return the volume's version; raise unless its superblock is valid for that version."""
    version = int(sb.sb_versionnum & c_xfs.XFS_SB_VERSION_NUMBITS)
    written = head[_SB_CRC : _SB_CRC + 4]
    if version == V5 and _is_right(head, _SB_CRC):
        return V5
    if version == V4 and not any(written):
        return V4
    msg = "the superblock of the volume is damaged"
    raise Broken(msg)


def _is_right(data: bytes, at: int) -> bool:
    """Whether the checksum of a structure matches, computed with the checksum field as zero."""
    written = int.from_bytes(data[at : at + 4], "little")
    return inverted(data[:at] + bytes(4) + data[at + 4 :]) == written


def _tag(block: bytes, at: int) -> int:
    """Return the start offset that an entry records for itself."""
    return int.from_bytes(block[at : at + 2])


def _there(runs: list[tuple[int | None, int]]) -> Iterator[bool]:
    """Yield for each file system block of a directory whether it is allocated."""
    for place, length in runs:
        yield from [place is not None] * min(length, LARGEST_BLOCK)
