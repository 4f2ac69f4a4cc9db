"""A Btrfs volume, opened to read directories and small files.

dissect walks the trees; the nodes are checked here: each has the checksum of its content and its
own address. The inode of a directory has the total length of all its names, which shows whether an
entry is missing (https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html).

A subvolume is a tree of its own; inode numbers here combine the subvolume's and the inode's number.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from dissect.btrfs.btrfs import Btrfs as Volume
from dissect.btrfs.btrfs import INode, Subvolume
from dissect.btrfs.c_btrfs import c_btrfs

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
    unread,
)

SUPERBLOCK, SUPERBLOCK_LENGTH = int(c_btrfs.BTRFS_SUPER_INFO_OFFSET), 4096
LARGEST_NODE = 64 * 1024
MOST_SUBVOLUMES = 64

READ = 0b1_0000_0111_0111_1111
"""Supported features: with these, trees are where dissect expects them.

Unsupported: RAID 5, 6 and 1C, zones, extent trees of version 2, stripe trees.
"""

_NAMES = {
    1 << 7: "raid56",
    1 << 11: "raid1c34",
    1 << 12: "zoned",
    1 << 13: "extent_tree_v2",
    1 << 14: "raid_stripe_tree",
}
_CHECKSUMS = {
    0: lambda data: inverted(data).to_bytes(4, "little"),
    2: lambda data: hashlib.sha256(data).digest(),
    3: lambda data: hashlib.blake2b(data, digest_size=32).digest(),
}
_CHECKSUM_LENGTH = 32
_INODES = 1 << 64
_FIRST_INODE = int(c_btrfs.BTRFS_FIRST_FREE_OBJECTID)
_EMPTY = 0
"""The directory in a snapshot that represents a nested subvolume: always empty."""

_READ_ONLY = 1


class _Checked(Volume):  # type: ignore[misc] # dissect ships no types
    """dissect's reader, with checks of each node."""

    def _read_node(self, address: int) -> bytes:
        node = bytes(super()._read_node(address))
        same = len(node) == self.node_size and int.from_bytes(node[48:56], "little") == address
        if not same or not _is_right(node, self.sb.csum_type):
            msg = "a node of its Btrfs file system is damaged"
            raise Broken(msg)
        return node


class Btrfs:
    """A Btrfs volume; raises `Unknown`, `Broken`, or what dissect raises, if it cannot be read."""

    def __init__(self, file: BinaryIO) -> None:
        head = read_at(file, SUPERBLOCK, SUPERBLOCK_LENGTH)
        sb = c_btrfs.btrfs_super_block(head)
        if sb.csum_type not in _CHECKSUMS:
            msg = f"its Btrfs file system has an unsupported checksum type ({sb.csum_type})"
            raise Unknown(msg)
        if not _is_right(head, sb.csum_type) or not 4096 <= sb.nodesize <= LARGEST_NODE:  # noqa: PLR2004
            msg = "the superblock of the volume is damaged"
            raise Broken(msg)
        if other := sb.incompat_flags & ~READ:
            raise Unknown(unread("Btrfs", other, _NAMES))
        if sb.num_devices != 1:
            msg = f"its Btrfs file system spans {sb.num_devices} devices"
            raise Unknown(msg)
        self._sb = sb
        self._volume = _Checked(file)
        self.root = _number(self._volume.default_subvolume.objectid)
        self.specs = specs_of(self._volume.uuid, self._volume.label)

    def is_clean(self) -> bool:
        """Whether there is no log tree, which has writes after the last commit."""
        return not self._sb.log_root

    def list(self, folder: int) -> Mapping[str, Entry]:
        """Return the entries of a directory."""
        if folder == _EMPTY:
            return {}
        node = self._node(folder)
        if not node.is_dir():
            msg = f"inode {node.inum} is not a directory"
            raise Broken(msg)
        entries = gathered(self._entries(node))
        if 2 * sum(len(_bytes(name)) for name in entries) != node.size:
            msg = f"the entries of directory {node.inum} are inconsistent"
            raise Broken(msg)
        return entries

    def read(self, file: int, limit: int) -> bytes:
        """Return the first bytes of a file, or of the target of a symbolic link."""
        try:
            return bytes(self._node(file).open().read(limit))
        except RuntimeError as error:  # raised by dissect if the zstd library is missing
            msg = "a file on its Btrfs file system is compressed with zstd, which is not supported"
            raise Unknown(msg) from error

    def subvolumes(self) -> Iterator[tuple[str, int]]:
        """Yield the path and the root directory of each writable subvolume."""
        for count, subvolume in enumerate(self._volume.subvolumes()):
            if count == MOST_SUBVOLUMES:
                msg = f"its Btrfs file system has more than {MOST_SUBVOLUMES} subvolumes"
                raise Unknown(msg)
            if not subvolume.tree.root_item.flags & _READ_ONLY:
                yield subvolume.path, _number(subvolume.objectid)

    def _node(self, number: int) -> Any:  # noqa: ANN401 - dissect ships no usable types
        subvolume, inode = divmod(number, _INODES)
        return INode(self._volume.open_subvolume(subvolume), inode)

    def _entries(self, node: Any) -> Iterator[Entry]:  # noqa: ANN401 - as above
        subvolume: Subvolume = node.subvolume
        key = (node.inum, c_btrfs.BTRFS_DIR_INDEX_KEY, 2)
        for _, data in subvolume.tree.cursor().iter(*key, ignore_offset=True):
            item = c_btrfs.btrfs_dir_item(data)
            name = bytes(item.name).decode("utf-8", "surrogateescape")
            if item.location.type == c_btrfs.BTRFS_ROOT_ITEM_KEY:
                yield Entry(name, Type.FOLDER, self._nested(subvolume, item.location.objectid))
            else:
                number = subvolume.objectid * _INODES + item.location.objectid
                yield Entry(name, type_of(int(item.type)), number)

    def _nested(self, parent: Subvolume, child: int) -> int:
        """Return the root directory of a nested subvolume; in a snapshot it is empty."""
        root_tree = self._volume._root_tree  # noqa: SLF001 - its version is pinned
        try:
            root_tree.find(parent.objectid, c_btrfs.BTRFS_ROOT_REF_KEY, child)
        except KeyError:
            return _EMPTY
        return _number(child)


def _number(subvolume: int) -> int:
    return int(subvolume) * _INODES + _FIRST_INODE


def _is_right(data: bytes, kind: int) -> bool:
    right = _CHECKSUMS[kind](data[_CHECKSUM_LENGTH:])
    return bool(data[: len(right)] == right)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
