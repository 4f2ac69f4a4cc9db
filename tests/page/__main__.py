"""`make pictures`: takes the pictures of the report that the documentation shows.

Of the demo's subscription (`make demo` first), of an empty one, and of one with 10,000 VMs.
"""

import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.page.looking import BROWSER, find_browser, look
from tests.page.making import empty, large

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / ".demo" / "report.html"
PICTURES = ROOT / "docs" / "pictures"


def main() -> int:
    """Take the pictures; return the exit code."""
    if not find_browser() or not (BROWSER / "node_modules").exists():
        print("needs chromium, Node, and npm ci --prefix tests/page/browser", file=sys.stderr)
        return 2
    if not DEMO.exists():
        print(f"{DEMO} is not there: make demo first", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.html" for name in ("demo", "empty", "large")]
        shutil.copy(DEMO, files[0])
        for file, page in zip(files[1:], (empty, large), strict=True):
            begun = time.perf_counter()
            file.write_bytes(page())
            seconds = time.perf_counter() - begun
            print(f"{file.stem}: {file.stat().st_size} bytes in {seconds:.2f} s")
        look(files, PICTURES)
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
