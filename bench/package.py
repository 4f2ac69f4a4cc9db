"""The deployment package: its contents, and what its imports cost a cold start, compiled and not.

Builds it as `make package` does and imports it in fresh processes that see nothing else,
alternating with a copy without its compiled files. Times are medians of this machine's CPU time;
Python's own modules are compiled in both.
"""

import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from infra.package import COMPILED, SITE, Package, build

TIMES = 7
LARGEST = 8
MIB = 1024**2
ENVIRONMENT = {"SUBSCRIPTIONS": "5a1e0000-0000-4000-8000-00000000a2e5"}
IMPORTS = """
import json, sys, time
sys.path[:0] = sys.argv[1:]
begun = time.process_time()
import function_app
started = time.process_time()
import shared.proof.verdict
print(json.dumps([started - begun, time.process_time() - started]))
"""


@dataclass(frozen=True)
class Imports:
    """Milliseconds until the app can handle an event, and in addition at its first proof."""

    start_ms: float
    first_proof_ms: float


@dataclass(frozen=True)
class Part:
    """What the package contains under one name: files, and their size unpacked."""

    name: str
    files: int
    mib: float


@dataclass(frozen=True)
class Measured:
    """The package's zipped size, its parts, largest first, and its imports."""

    zip_mib: float
    parts: list[Part]
    compiled: Imports
    not_compiled: Imports


def run(root: Path, out: Path) -> Measured:
    """Build the package and measure it."""
    package = build(root, out / "package", root / ".package")
    sources = out / "package" / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(package.folder, sources, ignore=shutil.ignore_patterns(COMPILED))
    times = [(_import(package.folder), _import(sources)) for _ in range(TIMES)]
    (out / "package.txt").write_text("".join(f"{path}\n" for path in package.files()))
    return Measured(
        zip_mib=round(package.zip.stat().st_size / MIB, 1),
        parts=parts(package),
        compiled=_median([compiled for compiled, _ in times]),
        not_compiled=_median([other for _, other in times]),
    )


def parts(package: Package) -> list[Part]:
    """Return what the package contains by top-level name; all dist-info counts as one part."""
    sizes: dict[str, list[int]] = {}
    for path in package.files():
        within = path.relative_to(SITE) if path.is_relative_to(SITE) else path
        name = "*.dist-info" if within.parts[0].endswith(".dist-info") else within.parts[0]
        sizes.setdefault(name, []).append((package.folder / path).stat().st_size)
    found = [
        Part(name, len(sizes_of_part), round(sum(sizes_of_part) / MIB, 2))
        for name, sizes_of_part in sizes.items()
    ]
    return sorted(found, key=lambda part: -part.mib)


def show(measured: Measured) -> Table:
    """Return a table of what the imports cost."""
    table = Table(
        "modules", "start ms", "first proof ms", title="The package: what its imports cost"
    )
    for name, imports in (("compiled", measured.compiled), ("not", measured.not_compiled)):
        table.add_row(name, f"{imports.start_ms:.0f}", f"{imports.first_proof_ms:.0f}")
    return table


def show_parts(measured: Measured) -> Table:
    """Return a table of what the package contains, its small parts in one row."""
    title = f"The package: {measured.zip_mib} MiB zipped, all files in .bench/package.txt"
    table = Table("part", "files", "MiB", title=title)
    large, small = measured.parts[:LARGEST], measured.parts[LARGEST:]
    rest = Part(f"{len(small)} more", sum(p.files for p in small), sum(p.mib for p in small))
    everything = [*large, rest]
    total = Part("all", sum(p.files for p in everything), sum(p.mib for p in everything))
    for part in (*everything, total):
        table.add_row(part.name, str(part.files), f"{part.mib:.1f}")
    return table


def _import(folder: Path) -> tuple[float, float]:
    """Return the CPU seconds that a fresh process needs for the app's imports, and a proof's."""
    paths = [str(folder), str(folder / SITE)]
    ran = subprocess.run(  # noqa: S603 the command is our own
        [sys.executable, "-I", "-S", "-B", "-c", IMPORTS, *paths],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    start, proof = json.loads(ran.stdout)
    return start, proof


def _median(times: list[tuple[float, float]]) -> Imports:
    start, proof = (
        round(statistics.median(column) * 1000, 1) for column in zip(*times, strict=True)
    )
    return Imports(start, proof)
