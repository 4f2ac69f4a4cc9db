"""The programs that build disk images: processes, loop devices, mounts, a fixed clock.

Each takes what it works on and closes it again: a loop device or a mount lasts as long as its
`with` block. User-space programs see a fixed time, so that they write the same each time;
the kernel's own file systems stamp what they write with the real time.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUILT = "2026-06-01 08:00:00"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def run(
    *words: str | Path, text: str | None = None, at: str = BUILT, fine: tuple[int, ...] = (0,)
) -> str:
    """Run a program at a fixed time, with `text` as its input; return its output."""
    stands = {
        "FAKETIME": at,
        "E2FSPROGS_FAKE_TIME": "1780300800",
        "SOURCE_DATE_EPOCH": "1780300800",
        "LD_PRELOAD": FAKETIME,
        "TZ": "UTC",
    }
    done = subprocess.run(  # noqa: S603 the builder's own words
        [str(word) for word in words],
        input=text,
        env=os.environ | stands,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in fine:
        msg = f"{words} ended with {done.returncode}: {done.stderr}"
        raise RuntimeError(msg)
    return done.stdout


def named(what: str, between: str | None = None) -> list[str]:
    """Return a list of names that is stored beside the builder; `between` them is white space."""
    text = (Path(__file__).parent / "names" / f"{what}.txt").read_text("utf-8")
    return text.strip().split(between)


def empty(image: Path, size: int) -> None:
    """Make a file of zeros that takes no room."""
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(size)


def copied(image: Path, name: str) -> Path:
    """Return a copy of an image with a name beside it."""
    copy = image.with_name(name)
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)  # noqa: S603, S607 the builder's own words
    return copy


def copied_tree(source: Path, target: Path) -> None:
    """Copy a folder's contents into another, including into folders that exist already."""
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)  # noqa: S603, S607 as above


@contextmanager
def loop(image: Path, offset: int = 0, size: int = 0) -> Iterator[Path]:
    """Yield a block device for a part of an image (to its end without a size)."""
    found = subprocess.run(  # noqa: S603 the builder's own words
        ["losetup", "--find", "--show", f"--offset={offset}", f"--sizelimit={size}", image],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    device = found.stdout.strip()
    try:
        yield Path(device)
    finally:
        with image.open("rb") as file:
            os.fsync(file.fileno())
        subprocess.run(["losetup", "--detach", device], check=True)  # noqa: S603, S607 as above


@contextmanager
def mounted(device: Path, folder: Path, options: str = "defaults") -> Iterator[None]:
    """Mount a file system of the kernel's on a folder."""
    subprocess.run(["mount", "-o", options, device, folder], check=True)  # noqa: S603, S607 as above
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)  # noqa: S603, S607 as above


@contextmanager
def mounted_ntfs(device: Path, at: str = BUILT) -> Iterator[Path]:
    """Give the folder where an NTFS volume is mounted, at an instant."""
    with tempfile.TemporaryDirectory() as folder:
        run("ntfs-3g", device, folder, at=at)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)  # noqa: S603, S607 as above
