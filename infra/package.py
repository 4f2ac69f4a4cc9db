#!/usr/bin/env python3.13
"""`make package`: builds what is deployed, as a folder, `.package/app`, and as `.package/app.zip`.

Takes from the checkout what `DEPLOYED` names, and what `requirements.txt` locks, in the builds
for the function app's Python and platform, each checked against its hash. Both are byte-compiled,
and the zip is byte for byte the same each time. Needs only Python 3.13 and pip; `azd` runs
it through `azd/package.py`.

The compiled files are not checked against their sources (unchecked-hash). Those that pip writes
contain their source's time; a package is unpacked at another time, so each cold start would compile
again. Nothing is compiled in place: in the checkout such files would stay in use after an edit.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / ".package"
PYTHON = (3, 13)
SITE = Path(".python_packages/lib/site-packages")
"""Where the Functions worker looks for an app's requirements."""

PIP = (
    *("--require-hashes", "--no-deps", "--no-compile", "--only-binary", ":all:"),
    *("--python-version", "3.13", "--implementation", "cp"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
)
"""Options for pip: exactly what is locked, in the builds that fit the function app's machine."""

DEPLOYED = (
    *("function_app.py", "host.json", "requirements.txt", "shared/**/*.py"),
    *("shared/page/*.j2", "shared/page/*.css"),
    *("LICENSE", "NOTICE"),
)
"""The checkout's own files that are deployed, as patterns within it."""

COMPILED = "__pycache__"
IGNORE = Path(".funcignore")
NOTHING_IGNORED = (
    "# All of this folder is deployed. Without this file azd leaves out compiled modules.\n"
)
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of each file in the zip; no zip can hold an earlier one."""


class PackageError(Exception):
    """No package was built; the text says why."""


@dataclass(frozen=True)
class Package:
    """A built package: the folder, and the zip of it."""

    folder: Path
    zip: Path

    def files(self) -> list[Path]:
        """Return the paths of what is deployed, relative to the folder, sorted."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        within = (path.relative_to(self.folder) for path in found)
        return sorted(path for path in within if path != IGNORE)


def build(root: Path, out: Path, kept: Path) -> Package:
    """Build a checkout's package in `out`; installed requirements are cached in `kept`."""
    if sys.version_info[:2] != PYTHON:
        here = sys.version.split()[0]
        msg = f"the function app runs Python 3.13 and cannot use what {here} compiles"
        raise PackageError(msg)
    out.mkdir(parents=True, exist_ok=True)
    package = Package(out / "app", out / "app.zip")
    shutil.rmtree(package.folder, ignore_errors=True)
    package.zip.unlink(missing_ok=True)
    for path in chosen(root):
        target = package.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)
    compile_all(package.folder)
    shutil.copytree(requirements(root / "requirements.txt", kept), package.folder / SITE)
    pack(package)
    (package.folder / IGNORE).write_text(NOTHING_IGNORED)
    return package


def chosen(root: Path) -> Iterator[Path]:
    """Yield the checkout's own files that are deployed, as paths within it."""
    for pattern in DEPLOYED:
        yield from sorted(path.relative_to(root) for path in root.glob(pattern))


def requirements(pinned: Path, kept: Path) -> Path:
    """Return the folder with the requirements, installed and compiled if it is not there yet."""
    asked = pinned.read_bytes() + " ".join(PIP).encode()
    folder = kept / f"site-{hashlib.sha256(asked).hexdigest()[:16]}"
    if not folder.exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as beginning:
            site = Path(beginning) / "site"
            _install(pinned, site)
            shutil.rmtree(site / "bin", ignore_errors=True)  # console scripts
            compile_all(site)
            site.rename(folder)
    return folder


def compile_all(folder: Path) -> None:
    """Compile each module in a folder, in a separate process and always in the same way."""
    command = [sys.executable, "-m", "compileall", "-q", "-s", str(folder), str(folder)]
    _run(
        [*command, "--invalidation-mode", "unchecked-hash"],
        "the modules could not be compiled",
        PYTHONHASHSEED="0",
    )


def pack(package: Package) -> None:
    """Write the zip: sorted, without times or owners."""
    with zipfile.ZipFile(package.zip, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in package.files():
            entry = zipfile.ZipInfo(path.as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, (package.folder / path).read_bytes())


def _install(pinned: Path, site: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = ["--target", str(site), "--requirement", str(pinned)]
    _run([*pip, *PIP, *wanted], "the requirements could not be installed")


def _run(command: list[str], failure: str, **environment: str) -> None:
    ran = subprocess.run(  # noqa: S603 the command is our own
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        msg = f"{failure}:\n{ran.stdout}{ran.stderr}"
        raise PackageError(msg)


def main() -> int:
    """Build the package and print what it contains; return the exit status."""
    try:
        package = build(ROOT, OUT, OUT)
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    size = package.zip.stat().st_size / 1024**2
    where = package.zip.relative_to(ROOT)
    print(f"{where}: {size:.1f} MiB, {len(package.files())} files, for Python 3.13 on Linux x86-64")
    return 0


if __name__ == "__main__":
    sys.exit(main())
