"""The folders and files of a Windows volume, as far as they can be read.

Gives paths; the same ones each time. Names are built from the syllables of real ones, in the
numbers of real folders, and in an order that lets the big folders' indexes grow
together, as on a used disk: their blocks are scattered.
"""

import random
from collections.abc import Iterator

from simulator.contents.build.tools import named

SYSTEM32 = 4500
SYSWOW64 = 2600
DRIVERS = 420
WINSXS = 6000
MANIFESTS = 2500
PACKAGES = 1800
SYSPREP = "Windows/System32/Sysprep"
FOLDERS = named("windows-folders", "\n")
_SYLLABLES = named("windows-syllables")
_ENDINGS = (".dll",) * 16 + (".exe",) * 3 + (".nls", ".drv", ".cpl", ".msc", ".ocx", ".tlb", ".ax")
_COMPONENTS = named("windows-components")
_TOKEN = "31bf3856ad364e35"
_BUILD = "10.0.20348"


def files() -> Iterator[str]:
    """Give the files of the big folders, all folders mixed."""
    chance = random.Random("files")  # noqa: S311 it has to be the same each time
    every = [
        *(f"Windows/System32/{name}" for name in _names(chance, SYSTEM32, _ENDINGS)),
        *(f"Windows/SysWOW64/{name}" for name in _names(chance, SYSWOW64, _ENDINGS)),
        *(f"Windows/System32/drivers/{name}" for name in _names(chance, DRIVERS, (".sys",))),
        *(f"Windows/INF/{name}" for name in _names(chance, 900, (".inf", ".PNF"))),
        *(f"Windows/Fonts/{name}" for name in _names(chance, 300, (".ttf", ".fon"))),
        *(f"Windows/WinSxS/Manifests/{name}.manifest" for name in _sxs(chance, MANIFESTS)),
        *(f"Windows/servicing/Packages/{name}" for name in _packages(chance)),
    ]
    chance.shuffle(every)
    yield from every


def side_by_side() -> list[str]:
    """Return the folders of the component store."""
    chance = random.Random("side by side")  # noqa: S311 it has to be the same each time
    return [f"Windows/WinSxS/{name}" for name in _sxs(chance, WINSXS)]


def _names(chance: random.Random, count: int, endings: tuple[str, ...]) -> list[str]:
    names: set[str] = set()
    while len(names) < count:
        words = chance.choices(_SYLLABLES, k=chance.choice((2, 2, 2, 3)))
        names.add("".join(words) + chance.choice(("", "", "", "32", "2")) + chance.choice(endings))
    return sorted(names)


def _sxs(chance: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        what = f"{chance.choice(_COMPONENTS)}-{''.join(chance.choices(_SYLLABLES, k=2))}"
        where = chance.choice(("amd64", "amd64", "wow64", "x86"))
        yield (
            f"{where}_microsoft-windows-{what}_{_TOKEN}_{_BUILD}.{chance.randrange(1, 9)}"
            f"_none_{chance.randbytes(8).hex()}"
        )


def _packages(chance: random.Random) -> Iterator[str]:
    for number in range(PACKAGES // 2):
        what = "".join(word.title() for word in chance.choices(_SYLLABLES, k=2))
        name = f"Microsoft-Windows-{what}-{number}-Package~{_TOKEN}~amd64~~{_BUILD}.1"
        yield f"{name}.cat"
        yield f"{name}.mum"
