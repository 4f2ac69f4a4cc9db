"""An ext2, ext3 or ext4 volume, opened to read directories and small files.

dissect finds blocks and inodes. Directories are parsed here, strictly: the entries of each block
must fill it exactly, and if the volume has metadata checksums (all that mke2fs has created since
2018), those of superblock, inode and block must match
(https://docs.kernel.org/filesystems/ext4/, fs/ext4/dir.c, namei.c).
"""

import stat
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, BinaryIO

from dissect.extfs import ExtFS
from dissect.extfs.c_ext import c_ext

from shared.proof.filesystems.files import (
    ITSELF,
    Broken,
    Entry,
    Type,
    Unknown,
    checksum,
    gathered,
    read_at,
    specs_of,
    type_of,
    type_of_mode,
    unread,
    without_itself,
)

SUPERBLOCK, SUPERBLOCK_LENGTH = 1024, 1024
BLOCKS, INODES = range(7), (128, 256, 512, 1024)
"""Valid sizes: of a block as 1 KiB shifted left by this, and of an inode in bytes."""

READ = (
    c_ext.EXT2_FEATURE_INCOMPAT_FILETYPE
    | c_ext.EXT3_FEATURE_INCOMPAT_RECOVER
    | c_ext.EXT4_FEATURE_INCOMPAT_EXTENTS
    | c_ext.EXT4_FEATURE_INCOMPAT_64BIT
    | c_ext.EXT4_FEATURE_INCOMPAT_MMP
    | c_ext.EXT4_FEATURE_INCOMPAT_FLEX_BG
    | c_ext.EXT4_FEATURE_INCOMPAT_EA_INODE
    | c_ext.EXT4_FEATURE_INCOMPAT_CSUM_SEED
    | c_ext.EXT4_FEATURE_INCOMPAT_LARGEDIR
)
"""Supported features: with these, directories and files are where dissect expects them.

All others are unsupported: with `inline_data`, dissect returns a small directory as empty.
"""

_NAMES = {
    0x1: "compression",
    0x8: "journal_dev",
    0x10: "meta_bg",
    0x1000: "dirdata",
    0x8000: "inline_data",
    0x10000: "encrypt",
    0x20000: "casefold",
}
_ENTRY = struct.Struct("<IHBB")
_TAIL, _TAIL_TYPE = 12, 0xDE
"""The last entry of a block contains its checksum, and has no name."""

_WHOLE_64_KIB = (0, 0xFFFF)


class Ext:
    """An ext volume; raises `Unknown`, `Broken`, or what dissect raises, if it cannot be read."""

    root = int(c_ext.EXT2_ROOT_INO)

    def __init__(self, file: BinaryIO) -> None:
        head = read_at(file, SUPERBLOCK, SUPERBLOCK_LENGTH)
        self._sb = sb = c_ext.ext4_super_block(head)
        if sb.s_log_block_size not in BLOCKS or sb.s_inode_size not in INODES:
            msg = "the superblock of the volume is invalid"
            raise Broken(msg)
        if other := sb.s_feature_incompat & ~READ:
            raise Unknown(unread("ext", other, _NAMES))
        self._file = file
        self._seed = self._checked(head)
        self._volume = ExtFS(file)
        self._node = cache(self._look_up)  # a rehearsed read begins again from its start
        self._type = cache(self._look_up_type)
        label = sb.s_volume_name.split(b"\0")[0].decode("utf-8", "replace")
        self.specs = specs_of(self._volume.uuid, label)

    def is_clean(self) -> bool:
        """Whether the journal has nothing to replay."""
        return not self._sb.s_feature_incompat & c_ext.EXT3_FEATURE_INCOMPAT_RECOVER

    def list(self, folder: int) -> Mapping[str, Entry]:
        """Return the entries of a directory."""
        node = self._node(folder)
        size = node.size
        if node.filetype != stat.S_IFDIR or size % self._volume.block_size:
            msg = f"inode {folder} is not a valid directory"
            raise Broken(msg)
        content = node.open().read(size)
        if len(content) != size:
            msg = f"directory {folder} is truncated"
            raise Broken(msg)
        found = gathered(self._of_blocks(node, content))
        if not all(name in found for name in ITSELF):
            msg = f"directory {folder} has no . and .. entries"
            raise Broken(msg)
        return without_itself(found)

    def read(self, file: int, limit: int) -> bytes:
        """Return the first bytes of a file, or of the target of a symbolic link."""
        return bytes(self._node(file).open().read(limit))

    def _checked(self, head: bytes) -> int | None:
        """Return the seed of checksums; None if the volume has none."""
        (written,) = struct.unpack_from("<I", head, SUPERBLOCK_LENGTH - 4)
        has = self._sb.s_feature_ro_compat & c_ext.EXT4_FEATURE_RO_COMPAT_METADATA_CSUM
        if not has and not written:
            return None
        if not has or checksum(head[:-4]) != written:
            msg = "the superblock of the volume is damaged"
            raise Broken(msg)
        if self._sb.s_feature_incompat & c_ext.EXT4_FEATURE_INCOMPAT_CSUM_SEED:
            return int(self._sb.s_checksum_seed)
        return checksum(self._sb.s_uuid)

    def _look_up(self, number: int) -> Any:  # noqa: ANN401 - dissect ships no types
        node = self._volume.get_inode(number)
        if self._seed is not None:
            self._check_inode(node)
        return node

    def _check_inode(self, node: Any) -> None:  # noqa: ANN401 - as above
        """Raise unless the checksum of an inode matches its content."""
        raw = self._raw(node.inum)
        extra = struct.unpack_from("<H", raw, 128)[0] if len(raw) > 128 else 0  # noqa: PLR2004
        has_high = extra >= 4  # noqa: PLR2004 - the end of the field, after the first 128 bytes
        zeroed = bytearray(raw)
        zeroed[124:126] = bytes(2)
        written = struct.unpack_from("<H", raw, 124)[0]
        if has_high:
            zeroed[130:132] = bytes(2)
            written |= struct.unpack_from("<H", raw, 130)[0] << 16
        right = checksum(bytes(zeroed), self._seed_of(node))
        if written != (right if has_high else right & 0xFFFF):
            msg = f"inode {node.inum} is damaged"
            raise Broken(msg)

    def _seed_of(self, node: Any) -> int:  # noqa: ANN401 - as above
        assert self._seed is not None  # noqa: S101 called only for volumes with checksums
        return checksum(struct.pack("<II", node.inum, node.inode.i_generation), self._seed)

    def _raw(self, number: int) -> bytes:
        """Return the bytes of an inode, located as dissect does."""
        volume, sb = self._volume, self._sb
        group, index = divmod(number - 1, sb.s_inodes_per_group)
        found = volume._read_group_desc(group)  # noqa: SLF001 - its version is pinned
        high = getattr(found, "bg_inode_table_hi", 0)
        table = (high << 32 | found.bg_inode_table_lo) * volume.block_size
        return read_at(self._file, table + index * sb.s_inode_size, sb.s_inode_size)

    def _of_blocks(self, node: Any, content: bytes) -> Iterator[Entry]:  # noqa: ANN401 - as above
        """Yield the entries of a directory, block by block."""
        size = self._volume.block_size
        for at in range(0, len(content), size):
            block = content[at : at + size]
            self._check_block(node, at, block)
            yield from self._entries(block)

    def _check_block(self, node: Any, at: int, block: bytes) -> None:  # noqa: ANN401 - as above
        """Raise unless a directory block has its checksum; index blocks have no names and pass."""
        if self._seed is None:
            return
        number, length, name, kind = _ENTRY.unpack_from(block, len(block) - _TAIL)
        if (number, length, name, kind) == (0, _TAIL, 0, _TAIL_TYPE):
            (written,) = struct.unpack_from("<I", block, len(block) - 4)
            if checksum(block[:-_TAIL], self._seed_of(node)) == written:
                return
        elif node.inode.i_flags & c_ext.EXT4_INDEX_FL and (at == 0 or self._is_index(block)):
            return
        msg = f"directory {node.inum} is damaged"
        raise Broken(msg)

    def _is_index(self, block: bytes) -> bool:
        number, length, _, _ = _ENTRY.unpack_from(block)
        return number == 0 and self._length(length) == len(block)

    def _length(self, length: int) -> int:
        whole = self._volume.block_size == 65536 and length in _WHOLE_64_KIB  # noqa: PLR2004
        return 65536 if whole else length

    def _entries(self, block: bytes) -> Iterator[Entry]:
        """Yield the entries of a directory block; raise unless they fill it exactly."""
        at = 0
        while at < len(block):
            if at + _ENTRY.size > len(block):
                msg = "a directory block is truncated"
                raise Broken(msg)
            number, written, name_length, kind = _ENTRY.unpack_from(block, at)
            length = self._length(written)
            fits = _ENTRY.size + name_length <= length and at + length <= len(block)
            if length % 4 or not fits or number > self._sb.s_inodes_count:
                msg = "the entries of a directory are inconsistent"
                raise Broken(msg)
            if number:
                name = block[at + _ENTRY.size : at + _ENTRY.size + name_length]
                yield self._entry(number, name.decode("utf-8", "surrogateescape"), kind)
            at += length

    def _entry(self, number: int, name: str, kind: int) -> Entry:
        if self._sb.s_feature_incompat & c_ext.EXT2_FEATURE_INCOMPAT_FILETYPE:
            return Entry(name, type_of(kind), number)
        return Entry(name, self._type(number), number)

    def _look_up_type(self, number: int) -> Type:
        return type_of_mode(self._volume.get_inode(number).filetype)
