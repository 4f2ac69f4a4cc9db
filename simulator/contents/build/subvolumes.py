"""A Btrfs root in subvolumes, as SUSE's installer creates it.

Takes the partition and the folders that are separate subvolumes. The root is the default
subvolume, a snapshot that no mount option names; /var and others are beside it.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from simulator.contents.build import filesystems
from simulator.contents.build.linux import MOUNTED_AT
from simulator.contents.build.partitions import Place, Places
from simulator.contents.build.tools import copied_tree, loop, mounted, run

_ROOT = "@/.snapshots/1/snapshot"
_INFO = (
    "<snapshot><type>single</type><num>1</num><description>first root</description></snapshot>\n"
)


def made(
    image: Path, place: Place, names: tuple[str, ...], populate: Callable[[Path], None]
) -> None:
    """Make the file system with its subvolumes, then the guest's files on it."""
    with tempfile.TemporaryDirectory() as folder:
        filesystems.btrfs(image, place, "root", Path(folder))
    MOUNTED_AT.mkdir(exist_ok=True)
    with loop(image, place.start, place.size) as device, mounted(device, MOUNTED_AT):
        for name in ("@", *(f"@/{one}" for one in names), "@/.snapshots", _ROOT):
            subvolume = MOUNTED_AT / name
            subvolume.parent.mkdir(parents=True, exist_ok=True)
            run("btrfs", "subvolume", "create", subvolume)
        (MOUNTED_AT / "@/.snapshots/1/info.xml").write_text(_INFO)
        for name in (*names, ".snapshots"):
            (MOUNTED_AT / _ROOT / name).mkdir(parents=True)
        run("btrfs", "subvolume", "set-default", MOUNTED_AT / _ROOT)
    with tempfile.TemporaryDirectory() as folder, _whole(image, place, names) as root:
        populate(Path(folder))
        copied_tree(Path(folder), root)
    MOUNTED_AT.rmdir()


def on_subvolumes(
    names: tuple[str, ...], change: Callable[[Path], None]
) -> Callable[[Path, Places], None]:
    """Return a change of the guest's files as a change of a disk image."""

    def on_disk(image: Path, places: Places) -> None:
        MOUNTED_AT.mkdir(exist_ok=True)
        with _whole(image, places[""], names) as root:
            change(root)
        MOUNTED_AT.rmdir()

    return on_disk


@contextmanager
def _whole(image: Path, place: Place, names: tuple[str, ...]) -> Iterator[Path]:
    """Give the guest's root, all its subvolumes mounted as its fstab has them."""
    with ExitStack() as until:
        device = until.enter_context(loop(image, place.start, place.size))
        until.enter_context(mounted(device, MOUNTED_AT))
        for name in (*names, ".snapshots"):
            until.enter_context(mounted(device, MOUNTED_AT / name, f"subvol=@/{name}"))
        yield MOUNTED_AT
