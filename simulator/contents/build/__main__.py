"""Make the stored disk images anew: `python -m simulator.contents.build`, as root.

Takes no input, writes simulator/contents/data and prints what it made. Needs sfdisk, mkntfs,
ntfs-3g, mke2fs, mkfs.vfat, mtools, libfaketime, loop devices and FUSE; README.md tells more.
"""

import argparse
import tempfile
from pathlib import Path

from simulator.contents.build import usual
from simulator.contents.build.pack import Pack
from simulator.contents.store import DATA


def main() -> None:
    """Make every image and write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workspace", type=Path, default=Path(tempfile.gettempdir()))
    workspace = parser.parse_args().workspace
    pack = Pack()
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        usual.make(pack, Path(folder))
    pack.write(DATA)
    for entry in pack.entries:
        print(f"{entry['name']:40} {entry['runs']:6} runs")
    size = sum(file.stat().st_size for file in DATA.iterdir())
    print(f"{len(pack.entries)} images in {size / 1024**2:.2f} MiB")


main()
