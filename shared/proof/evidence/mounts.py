"""Resolve paths of a Linux root: its /etc/fstab and the file systems of the disk -> files.

Files under a mount point are hidden by the mounted volume, and may be years old. So a path is
looked up on the volume where the guest would find it. If that volume cannot be read, this raises
`NotRead` with its name; the path is never looked up on another volume.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from shared.proof.filesystems.btrfs import Btrfs
from shared.proof.filesystems.files import Broken, Entry, FileSystem, Type
from shared.proof.filesystems.volumes import Volume

TEXT_LIMIT = 64 * 1024
MOST_LINKS = 8
"""Symbolic links followed for one path; the kernel follows 40."""

_OCTAL = re.compile(r"\\([0-7]{3})")
_BY = re.compile(r"/dev/disk/by-(uuid|label|partuuid|partlabel)/(.+)")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_UNIT_OF = {
    PurePosixPath("/var"): "var.mount",
    PurePosixPath("/var/lib"): "var-lib.mount",
    PurePosixPath("/var/lib/waagent"): "var-lib-waagent.mount",
    PurePosixPath("/etc"): "etc.mount",
}
_UNITS = PurePosixPath("/etc/systemd/system")
_ROOT = PurePosixPath("/")


class NotRead(Exception):
    """The volume that is mounted there, or the way to find it, cannot be read."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A volume and its file system; `files` is None if that cannot be read, with `why`."""

    volume: Volume
    files: FileSystem | None
    why: str = ""

    @property
    def specs(self) -> frozenset[str]:
        """The names that /etc/fstab can use for it."""
        return self.volume.specs | (self.files.specs if self.files else frozenset())


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /etc/fstab."""

    spec: str
    at: PurePosixPath
    options: tuple[str, ...] = ()

    @property
    def subvolume(self) -> str | None:
        """The path of the Btrfs subvolume that it mounts, if it names a subvolume."""
        named = (option[7:] for option in self.options if option.startswith("subvol="))
        return next((path.strip("/") for path in named), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A file or directory: an entry on a file system."""

    files: FileSystem
    entry: Entry

    def read(self, limit: int) -> bytes:
        """Return the first bytes of a file."""
        return self.files.read(self.entry.number, limit)

    def text(self) -> str:
        """Return the text of a configuration file; raise `Broken` if it is not text."""
        data = self.read(TEXT_LIMIT)
        if b"\0" in data:  # a hard stop or damage: file contents have no checksums
            msg = f"{self.entry.name} is not a text file"
            raise Broken(msg)
        return data.decode("utf-8", "replace")

    def list(self) -> Mapping[str, Entry]:
        """Return the entries of a directory."""
        return self.files.list(self.entry.number)


@dataclass(slots=True)
class System:
    """A root directory on a volume, and its guest's mounts; `used` are the file systems read.

    `folders` are directories that have been read, by file system and number.
    """

    volume: Volume
    files: FileSystem
    number: int
    disk: Sequence[Opened]
    folders: dict[tuple[int, int], Mapping[str, Entry]] = field(default_factory=dict)
    mounts: dict[PurePosixPath, Mount] = field(default_factory=dict)
    used: list[FileSystem] = field(default_factory=list)
    _roots: dict[PurePosixPath, Place] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.used.append(self.files)
        fstab = self.find("/etc/fstab")
        self.mounts = {mount.at: mount for mount in fstab_of(fstab.text() if fstab else "")}
        self.mounts |= self._units()

    def _units(self) -> dict[PurePosixPath, Mount]:
        """Return the mounts by systemd mount units, whose device this module does not resolve."""
        folder = self.find(str(_UNITS))
        names = folder.list() if folder and folder.entry.type is Type.FOLDER else {}
        return {at: Mount(str(_UNITS / unit), at) for at, unit in _UNIT_OF.items() if unit in names}

    def claims(self, opened: Opened) -> bool:
        """Whether the guest mounts a volume somewhere, so that it is not another root."""
        return any(mount.spec in opened.specs for mount in self.mounts.values())

    def find(self, path: str) -> Place | None:
        """Return the file or directory at a path, following links; None if there is none."""
        return self._follow(PurePosixPath(path), MOST_LINKS)

    def _follow(self, path: PurePosixPath, links: int) -> Place | None:
        here, at = _folder(self.files, self.number), _ROOT
        for name in path.parts[1:]:
            if here.entry.type is not Type.FOLDER:
                return None
            at /= name
            found = self._list(here).get(name)
            if at in self.mounts:
                here = self._mounted(at)
            elif found is None:
                return None
            elif found.type is Type.LINK:
                return self._through(Place(here.files, found), at, path, links)
            else:
                here = Place(here.files, found)
        return here

    def _through(
        self, link: Place, at: PurePosixPath, path: PurePosixPath, links: int
    ) -> Place | None:
        """Resolve the rest of a path behind a symbolic link."""
        if not links:
            msg = f"too many symbolic links at {at}"
            raise NotRead(msg)
        target = at.parent / link.read(4096).decode("utf-8", "surrogateescape")
        return self._follow(_plain(target / path.relative_to(at)), links - 1)

    def _list(self, folder: Place) -> Mapping[str, Entry]:
        """Return the entries of a directory; cached, because several paths go through it."""
        key = (id(folder.files), folder.entry.number)
        if key not in self.folders:
            self.folders[key] = folder.list()
        return self.folders[key]

    def _mounted(self, at: PurePosixPath) -> Place:
        """Return the root directory of the volume mounted at a path."""
        if at not in self._roots:
            self._roots[at] = self._mount(self.mounts[at])
        return self._roots[at]

    def _mount(self, mount: Mount) -> Place:
        at = mount.at
        named = [opened for opened in self.disk if mount.spec in opened.specs]
        if len(named) != 1:
            what = "names several volumes" if named else "is not a readable volume"
            msg = f"{at} is on {mount.spec}, which {what} of this disk"
            raise NotRead(msg)
        (opened,) = named
        if opened.files is None:
            msg = f"{at} is on {opened.volume.name}: {opened.why}"
            raise NotRead(msg)
        if opened.files not in self.used:
            self.used.append(opened.files)
        return _folder(opened.files, _root_of(opened.files, mount))


def fstab_of(text: str) -> list[Mount]:
    """Return the lines of an /etc/fstab that mount something at boot."""
    found = []
    for line in text.splitlines():
        words = [_OCTAL.sub(lambda digits: chr(int(digits[1], 8)), word) for word in line.split()]
        if len(words) < 3 or words[0].startswith("#") or not words[1].startswith("/"):  # noqa: PLR2004 - device, point, type
            continue
        options = tuple(words[3].split(",")) if len(words) > 3 else ()  # noqa: PLR2004 - as above
        if "noauto" not in options or "x-systemd.automount" in options:
            found.append(Mount(spec_of(words[0]), _plain(PurePosixPath(words[1])), options))
    return found


def spec_of(text: str) -> str:
    """Return a device name of /etc/fstab in its normalized form."""
    if found := _BY.fullmatch(text):
        name = _HEX.sub(lambda digits: chr(int(digits[1], 16)), found[2])
        text = f"{found[1].upper()}={name}"
    kind, equals, name = text.partition("=")
    if not equals:
        return text
    name = name.strip("\"'")
    return f"{kind}={name.lower() if kind.endswith('UUID') else name}"


def _root_of(files: FileSystem, mount: Mount) -> int:
    """Return the root directory of a volume as mounted: on Btrfs, that of the subvolume."""
    if not isinstance(files, Btrfs) or mount.subvolume is None:
        return files.root
    for path, number in files.subvolumes():
        if path == mount.subvolume:
            return number
    msg = f"{mount.at} is on the subvolume {mount.subvolume}, which does not exist"
    raise NotRead(msg)


def _folder(files: FileSystem, number: int) -> Place:
    return Place(files, Entry("", Type.FOLDER, number))


def _plain(path: PurePosixPath) -> PurePosixPath:
    """Return a path without `..`."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    return _ROOT.joinpath(*parts)
