"""What Sysprep leaves on a Windows volume.

Each takes the folder where the volume is mounted and changes the files as the guest would. The
values of State.ini are documented (Windows Setup States). Inferred: that a Sysprep which fails its
validation leaves COMPLETE there, because by its own log it begins the generalize pass, and with it
UNDEPLOYABLE, only afterwards; and that a VM keeps the tag file of the image it was made from.
"""

from collections.abc import Callable
from pathlib import Path

from simulator.contents.build import windows
from simulator.contents.build.partitions import Places
from simulator.contents.build.tools import run
from simulator.contents.build.windows import SYSPREP_RAN, WINDOWS, log_line
from simulator.contents.build.windows_tree import SYSPREP

TAG = f"{SYSPREP}/Sysprep_succeeded.tag"
ERRORS = f"{SYSPREP}/Panther/setuperr.log"
LOG_ROOM = 16 * 1024


def on_windows(
    change: Callable[[Path], None], *, of: str = WINDOWS, clean: bool = True
) -> Callable[[Path, Places], None]:
    """Return the change as a change of a disk image."""

    def on_disk(image: Path, places: Places) -> None:
        windows.changed(image, places[of], change, clean=clean, at=SYSPREP_RAN)

    return on_disk


def began(volume: Path) -> None:
    """Sysprep runs: the generalize pass has begun and is not over."""
    windows.state(volume, "IMAGE_STATE_UNDEPLOYABLE")
    _acted(volume, "=== Beginning of a new sysprep run ===")


def succeeded(volume: Path) -> None:
    """Sysprep is done: the state says so, and the tag file exists."""
    without_tag(volume)
    tagged(volume)


def without_tag(volume: Path) -> None:
    """The generalize pass is done, but Sysprep did not come to its end."""
    windows.state(volume, "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE")
    _acted(volume, "=== Beginning of a new sysprep run ===")


def audited(volume: Path) -> None:
    """Sysprep is done, with /audit: the next boot does not go to the out-of-box experience."""
    windows.state(volume, "IMAGE_STATE_GENERALIZE_RESEAL_TO_AUDIT")
    tagged(volume)


def specialized(volume: Path) -> None:
    """Sysprep is done, but was not told to generalize."""
    windows.state(volume, "IMAGE_STATE_SPECIALIZE_RESEAL_TO_OOBE")
    tagged(volume)


def specialized_to_audit(volume: Path) -> None:
    """Sysprep is done with /audit, and was not told to generalize."""
    windows.state(volume, "IMAGE_STATE_SPECIALIZE_RESEAL_TO_AUDIT")
    tagged(volume)


def tagged(volume: Path) -> None:
    """Sysprep has left its tag file, in this run or before the VM was made."""
    _acted(volume, f"FCreateTagFile:Successfully created tag file {TAG.replace('/', '\\')}")
    (volume / TAG).write_bytes(b"")
    run("setfattr", "-n", "system.ntfs_dos_name", "-v", "SYSPRE~1.TAG", volume / TAG)


def failed(volume: Path) -> None:
    """Sysprep failed its validation; its log is room for a reason that is filled in later."""
    _acted(volume, "=== Beginning of a new sysprep run ===")
    (volume / ERRORS).write_bytes(bytes(LOG_ROOM))


def failed_later(volume: Path) -> None:
    """Sysprep failed in the generalize pass."""
    windows.state(volume, "IMAGE_STATE_UNDEPLOYABLE")
    failed(volume)


def _acted(volume: Path, what: str) -> None:
    with (volume / SYSPREP / "Panther/setupact.log").open("ab") as log:
        log.write(log_line(what, SYSPREP_RAN))
