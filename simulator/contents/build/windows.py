"""Windows disks: their volumes, and what Sysprep leaves on them.

Takes a size and a generation, gives the image of a disk that never saw Sysprep, and what has to be
changed on its volume for each state. State.ini's values are documented (Windows Setup States);
that a Sysprep which fails its validation leaves it at COMPLETE is inferred from the order of
Sysprep's own log, which begins the generalize pass, and with it UNDEPLOYABLE, only afterwards.
"""

from collections.abc import Callable
from pathlib import Path

from simulator.contents.build import partitions, windows_tree
from simulator.contents.build.partitions import MIB, Place, Wanted, partitioned
from simulator.contents.build.tools import loop, ntfs, run
from simulator.contents.build.windows_tree import SYSPREP

SYSPREP_RAN = "2026-11-24 10:00:00"
STATE = "Windows/Setup/State/State.ini"
TAG = f"{SYSPREP}/Sysprep_succeeded.tag"
ERRORS = f"{SYSPREP}/Panther/setuperr.log"
LOG_ROOM = 16 * 1024

GEN2 = [
    Wanted("EFI system partition", partitions.ESP, 100),
    Wanted("Microsoft reserved partition", partitions.MSR, 16),
    Wanted("Basic data partition", partitions.WINDOWS_DATA, None, spare=451),
    Wanted("Recovery", partitions.WINDOWS_RECOVERY, 450),
]
GEN1 = [
    Wanted("System Reserved", partitions.MBR_NTFS, 500, active=True),
    Wanted("Windows", partitions.MBR_NTFS, None),
]
# Where Windows lies, by generation.
VOLUME = {"V1": "Windows", "V2": "Basic data partition"}

_HELD = b"\xcc"
_INFO = "2026-11-24 09:59:00, Info                  SYSPRP "


def disk(image: Path, size_gb: int, generation: str) -> Place:
    """Make the disk of a guest that never ran Sysprep; return where its Windows lies."""
    places = partitioned(image, size_gb, *(("gpt", GEN2) if generation == "V2" else ("dos", GEN1)))
    if generation == "V2":
        _efi(image, places["EFI system partition"])
        _small_volume(image, places["Recovery"], "Recovery", "Recovery/WindowsRE/Winre.wim")
    else:
        _small_volume(image, places["System Reserved"], "System Reserved", "Boot/BCD")
    windows = places[VOLUME[generation]]
    with loop(image, windows.start, windows.size) as device:
        formatted(device, windows.start, "Windows")
        with ntfs(device) as volume:
            populate(volume)
    return windows


def changed(image: Path, windows: Place, change: Callable[[Path], None]) -> None:
    """Let the guest change its files while Sysprep runs."""
    with loop(image, windows.start, windows.size) as device, ntfs(device, SYSPREP_RAN) as volume:
        change(volume)


def formatted(device: Path, start: int, label: str) -> None:
    """Make an NTFS volume that begins at a byte of its disk."""
    geometry = ("-p", str(start // 512), "-s", "512", "-S", "63", "-H", "255", "-c", "4096")
    run("mkntfs", "-Q", "-F", "-L", label, *geometry, device)


def populate(volume: Path) -> None:
    """Make the folders and files of a Windows that runs."""
    for folder in windows_tree.FOLDERS:
        (volume / folder).mkdir(parents=True)
    stores = windows_tree.side_by_side()
    for number, name in enumerate(windows_tree.files()):
        file = volume / name
        # Now and then some data, so that the folders' indexes do not lie in one piece.
        file.write_bytes(_HELD * 4096 * (1 + number % 7) if number % 40 == 0 else b"")
        if number < len(stores):
            (volume / stores[number]).mkdir()
    for name in ("sysprep.exe", "unbcl.dll", "en-US/sysprep.exe.mui"):
        (volume / SYSPREP / name).write_bytes(b"MZ".ljust(4096, b"\x90"))
    for name in ("Cleanup", "Generalize", "Respecialize", "Specialize"):
        (volume / SYSPREP / f"ActionFiles/{name}.xml").write_text(f"<sysprepInformation>{name}")
    for name in ("SAM", "SECURITY", "SOFTWARE", "SYSTEM", "DEFAULT"):
        (volume / "Windows/System32/config" / name).write_bytes(b"regf".ljust(8192, b"\0"))
    state(volume, "IMAGE_STATE_COMPLETE")
    # Windows Setup's own logs, and those of the Sysprep that the image was once made with.
    for folder in ("Windows/Panther", f"{SYSPREP}/Panther"):
        (volume / folder / "setuperr.log").write_bytes(b"")
        (volume / folder / "setupact.log").write_bytes(_log("The image was made") * 90)


def state(volume: Path, name: str) -> None:
    """Write how far Setup is, as Windows does: over the file that is there."""
    (volume / STATE).write_bytes(f"[State]\r\nImageState={name}\r\n".encode())


def began(volume: Path) -> None:
    """Sysprep runs: the generalize pass has begun and is not over."""
    state(volume, "IMAGE_STATE_UNDEPLOYABLE")
    _acted(volume, "Beginning of a new sysprep run", "Pre-validing 'generalize'")


def succeeded(volume: Path) -> None:
    """Sysprep is done: the state says so, and the tag file is there."""
    state(volume, "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE")
    _acted(volume, "Beginning of a new sysprep run", "Successfully created tag file")
    (volume / TAG).write_bytes(b"")
    run("setfattr", "-n", "system.ntfs_dos_name", "-v", "SYSPRE~1.TAG", volume / TAG)


def failed(volume: Path) -> None:
    """Sysprep failed its validation; its log is room for a reason that is filled in later."""
    _acted(volume, "Beginning of a new sysprep run", "Pre-validing 'generalize'")
    (volume / ERRORS).write_bytes(bytes(LOG_ROOM))


def _acted(volume: Path, *what: str) -> None:
    with (volume / SYSPREP / "Panther/setupact.log").open("ab") as log:
        log.writelines(_log(line) for line in what)


def _log(what: str) -> bytes:
    return f"{_INFO}{what}\r\n".encode()


def _efi(image: Path, place: Place) -> None:
    with loop(image, place.start, place.size) as device:
        run("mkfs.vfat", "-F", "32", "-i", "5346494D", "--invariant", device)
        run("mmd", "-i", device, "::EFI", "::EFI/Microsoft", "::EFI/Microsoft/Boot", "::EFI/Boot")


def _small_volume(image: Path, place: Place, label: str, file: str) -> None:
    with loop(image, place.start, place.size) as device:
        formatted(device, place.start, label)
        with ntfs(device) as volume:
            (volume / file).parent.mkdir(parents=True)
            (volume / file).write_bytes(_HELD * MIB)
