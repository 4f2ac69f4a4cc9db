"""Build the stored disk images: `python -m simulator.contents.build`, as root.

Takes no input, writes simulator/contents/data and prints what it built. README.md lists the
programs that it needs.
"""

import argparse
import tempfile
from pathlib import Path

from simulator.contents import store
from simulator.contents.build import ntfs_raw
from simulator.contents.build.check import check
from simulator.contents.build.pack import Pack
from simulator.contents.build.partitions import Places
from simulator.contents.build.plan import RECIPES, Change, Recipe
from simulator.contents.build.tools import copied
from simulator.contents.build.windows import WINDOWS
from simulator.contents.build.windows_states import ERRORS
from simulator.contents.store import DATA, Entry, Log


def main() -> None:
    """Make every image and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workspace", type=Path, help="where 10 GB are free")
    parser.add_argument("--only", nargs="+", default=[""], help="layouts that begin so, no others")
    parser.add_argument("--keep", action="store_true", help="the others stay as they are stored")
    words = parser.parse_args()
    pack = Pack()
    for recipe in RECIPES:
        if recipe.layout.startswith(tuple(words.only)):
            with tempfile.TemporaryDirectory(dir=words.workspace) as folder:
                _make(pack, recipe, Path(folder) / "disk.img")
        elif words.keep:
            _keep(pack, recipe)
    if words.keep or words.only == [""]:
        pack.write(DATA)
        size = sum(file.stat().st_size for file in DATA.iterdir())
        print(f"{len(pack.entries)} images in {size / 1024**2:.2f} MiB")


def _make(pack: Pack, recipe: Recipe, image: Path) -> None:
    places = recipe.disk(image, recipe.size_gb, recipe.generation)
    base = _entry(recipe, recipe.layout, recipe.sysprep)
    if places:
        check(image, places)
    _add(pack, base, image)
    for change in recipe.changes:
        copy = copied(image, "copy.img")
        change.make(copy, places)
        if change.clean:
            check(copy, places)
        own = _entry(recipe, change.layout or recipe.layout, change.sysprep)
        _add(pack, own | {"base": base["name"], "log": _log(change, copy, places)}, copy)


def _keep(pack: Pack, recipe: Recipe) -> None:
    named = {entry["name"]: entry for entry in store.entries()}
    pack.keep(named[_entry(recipe, recipe.layout, recipe.sysprep)["name"]])
    for change in recipe.changes:
        pack.keep(named[_entry(recipe, change.layout or recipe.layout, change.sysprep)["name"]])


def _entry(recipe: Recipe, layout: str, sysprep: str | None) -> Entry:
    name = f"{layout}-{recipe.generation.lower()}-{recipe.size_gb}"
    return {
        "name": name + (f"-{sysprep}" if sysprep else ""),
        "layout": layout,
        "generation": recipe.generation,
        "size_gb": recipe.size_gb,
        "sysprep": sysprep,
        "base": None,
        "first_run": 0,
        "runs": 0,
        "log": None,
    }


def _log(change: Change, image: Path, places: Places) -> Log | None:
    if change.log is None:
        return None
    return ntfs_raw.place_of_log(image, places[WINDOWS], ERRORS, change.log)


def _add(pack: Pack, entry: Entry, image: Path) -> None:
    before = pack.size
    pack.add(entry, image)
    runs = pack.entries[-1]["runs"]
    print(f"{entry['name']:36} {runs:5} runs, {pack.size - before:6} blocks of its own", flush=True)


main()
