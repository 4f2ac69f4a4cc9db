"""Windows disks: their layouts, and the volumes on them.

Takes an image, its size and generation, gives the disk of a guest that never ran Sysprep and the
place of its Windows.
"""

from collections.abc import Callable
from pathlib import Path

from simulator.contents.build import filesystems, ntfs_raw, partitions, windows_tree
from simulator.contents.build.partitions import MIB, Place, Places, Wanted, partitioned
from simulator.contents.build.tools import BUILT, loop, mounted_ntfs
from simulator.contents.build.windows_tree import SYSPREP

STATE = "Windows/Setup/State/State.ini"
SYSPREP_RAN = "2026-11-24 10:00:00"
WINDOWS = "Windows"
ANOTHER = "Another Windows"
_DATA = "Data"
_KERNEL = "Windows/System32/ntoskrnl.exe"
_OLD_FILES = ("Windows/Temp/setup.tmp", "Windows/Logs/old.log", "Windows/System32/readme.txt")

_EFI = Wanted("EFI system partition", partitions.ESP, 100)
_MSR = Wanted("Microsoft reserved partition", partitions.MSR, 16)
_RECOVERY = Wanted("Recovery", partitions.WINDOWS_RECOVERY, 450)
_RESERVED = Wanted("System Reserved", partitions.MBR_NTFS, 500, active=True)
_GEN2 = (_EFI, _MSR, Wanted(WINDOWS, partitions.WINDOWS_DATA, None, spare=451), _RECOVERY)
_GEN1 = (_RESERVED, Wanted(WINDOWS, partitions.MBR_NTFS, None))
_TWO = (
    _EFI,
    _MSR,
    Wanted(WINDOWS, partitions.WINDOWS_DATA, 4096),
    Wanted(ANOTHER, partitions.WINDOWS_DATA, None),
)
_WITH_DATA = (
    _EFI,
    _MSR,
    Wanted(WINDOWS, partitions.WINDOWS_DATA, 6144),
    Wanted(_DATA, partitions.WINDOWS_DATA, None),
)
# A dynamic disk's volumes have this type; its database, at the disk's end, is left out.
_DYNAMIC = (_RESERVED, Wanted(WINDOWS, partitions.MBR_LDM, None))

_HELD = b"\xcc"


def disk(image: Path, size_gb: int, generation: str) -> Places:
    """Make the usual disk, as Azure's own images have it."""
    if generation == "V1":
        return _gen1(image, size_gb, _GEN1)
    places = partitioned(image, size_gb, "gpt", _GEN2)
    filesystems.vfat(image, places["EFI system partition"], "EFI", "EFI/Microsoft", "EFI/Boot")
    _small_volume(image, places["Recovery"], "Recovery", "Recovery/WindowsRE/Winre.wim")
    _windows(image, places[WINDOWS])
    return places


def dynamic(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk that Windows has converted to a dynamic one."""
    del generation  # such a disk has an MBR here
    return _gen1(image, size_gb, _DYNAMIC)


def two(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk with two Windows installations."""
    del generation  # the second one needs a GPT here
    places = partitioned(image, size_gb, "gpt", _TWO)
    filesystems.vfat(image, places["EFI system partition"], "EFI", "EFI/Microsoft", "EFI/Boot")
    for name in (WINDOWS, ANOTHER):
        _windows(image, places[name], share=8)
    return places


def with_data(image: Path, size_gb: int, generation: str) -> Places:
    r"""Make a disk with a data volume that has a folder \Windows, and no Windows in it."""
    del generation  # the partitions are those of a GPT
    places = _beside_data(image, size_gb)
    with (
        loop(image, places[_DATA].start, places[_DATA].size) as device,
        mounted_ntfs(device) as volume,
    ):
        for name in _OLD_FILES:
            (volume / name).parent.mkdir(parents=True, exist_ok=True)
            (volume / name).write_bytes(b"kept\r\n")
    return places


def with_damaged(image: Path, size_gb: int, generation: str) -> Places:
    """Make a disk whose second volume has lost its file table, and is not told of therefore."""
    del generation  # the partitions are those of a GPT
    places = _beside_data(image, size_gb)
    ntfs_raw.without_table(image, places.pop(_DATA))
    return places


def _beside_data(image: Path, size_gb: int) -> Places:
    places = partitioned(image, size_gb, "gpt", _WITH_DATA)
    filesystems.vfat(image, places["EFI system partition"], "EFI", "EFI/Microsoft", "EFI/Boot")
    _windows(image, places[WINDOWS], share=8)
    filesystems.ntfs(image, places[_DATA], _DATA)
    return places


def changed(
    image: Path,
    place: Place,
    change: Callable[[Path], None],
    *,
    clean: bool = True,
    at: str = BUILT,
) -> None:
    """Change the files of a volume; leave it shut down cleanly or not."""
    with loop(image, place.start, place.size) as device, mounted_ntfs(device, at) as volume:
        change(volume)
    ntfs_raw.write_journal(image, place, clean=clean)


def state(volume: Path, name: str) -> None:
    """Write the state of Setup, as Windows does: over the existing file."""
    (volume / STATE).write_bytes(f"[State]\r\nImageState={name}\r\n".encode())


def log_line(what: str, at: str) -> bytes:
    """Return a line of Sysprep's log."""
    return f"{at}, Info                  SYSPRP {what}\r\n".encode()


def _gen1(image: Path, size_gb: int, wanted: tuple[Wanted, ...]) -> Places:
    places = partitioned(image, size_gb, "dos", wanted)
    _small_volume(image, places["System Reserved"], "System Reserved", "Boot/BCD")
    _windows(image, places[WINDOWS])
    return places


def _windows(image: Path, place: Place, share: int = 1) -> None:
    filesystems.ntfs(image, place, WINDOWS)
    with ntfs_raw.in_pieces(image, place):
        changed(image, place, lambda volume: _populate(volume, share))


def _small_volume(image: Path, place: Place, label: str, file: str) -> None:
    filesystems.ntfs(image, place, label)
    with loop(image, place.start, place.size) as device, mounted_ntfs(device) as volume:
        (volume / file).parent.mkdir(parents=True)
        (volume / file).write_bytes(_HELD * MIB)


def _populate(volume: Path, share: int) -> None:
    """Make the folders and files of a Windows that runs; of the many, one in `share`."""
    files = list(windows_tree.files())[::share]
    for folder in sorted({Path(name).parent for name in files}):
        (volume / folder).mkdir(parents=True, exist_ok=True)
    # The smaller folders come in between, so that what belongs together does not lie together.
    folders = dict(zip(range(0, len(files), 300 // share), windows_tree.FOLDERS, strict=False))
    stores = dict(enumerate(windows_tree.side_by_side()[::share]))
    for number, name in enumerate(files):
        # Now and then some data, so that the folders' indexes do not lie in one piece.
        data = _HELD * 4096 * (1 + number % 7) if number % 40 == 0 else b""
        (volume / name).write_bytes(data)
        for other in (folders.get(number), stores.get(number)):
            if other:
                (volume / other).mkdir(parents=True, exist_ok=True)
    for name in ("sysprep.exe", "unbcl.dll", "en-US/sysprep.exe.mui"):
        (volume / SYSPREP / name).write_bytes(b"MZ".ljust(4096, b"\x90"))
    (volume / _KERNEL).write_bytes(b"MZ".ljust(4096, b"\x90"))
    for name in ("Cleanup", "Generalize", "Respecialize", "Specialize"):
        (volume / SYSPREP / f"ActionFiles/{name}.xml").write_text(f"<sysprepInformation>{name}")
    for name in ("SAM", "SECURITY", "SOFTWARE", "SYSTEM", "DEFAULT"):
        (volume / "Windows/System32/config" / name).write_bytes(b"regf".ljust(8192, b"\0"))
    state(volume, "IMAGE_STATE_COMPLETE")
    # Windows Setup's own logs, and those of the Sysprep that Azure's image was once made with.
    for logs in (volume / "Windows/Panther", volume / SYSPREP / "Panther"):
        (logs / "setuperr.log").write_bytes(b"")
        (logs / "setupact.log").write_bytes(log_line("The image was made", BUILT) * 90)
