"""`make notice`: the distributions shipped in the deployed package, with licences -> NOTICE.

Reads the metadata of the installed requirements that `package.py` builds. If a distribution names
no licence that is known here, this ends with 1: read its licence text, then add it to `SPDX`.
"""

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.package import OUT, ROOT, PackageError, requirements

NOTICE = ROOT / "NOTICE"

SPDX = {
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0": "MPL-2.0",
    "Apache-2.0": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",  # isodate: its LICENSE has 3 clauses
}
"""Names of licences in older metadata, and the SPDX identifier of each."""

HEAD = """\
Stillframe
Copyright the Stillframe maintainers

Licensed under the Apache License, Version 2.0: see LICENSE.

The package that runs in Azure (app.zip, released-package.zip) contains, beside our own code, the
distributions below. They are in .python_packages/lib/site-packages, unmodified, as published on
https://pypi.org, with their licence texts in the *.dist-info folders there. Some of them contain
compiled code of others, such as OpenSSL in cryptography; their *.dist-info folders list it.

Those under AGPL-3.0-or-later are Python source code, complete in the same folders.

"""


class LicenceError(Exception):
    """A distribution without a known licence; the text names it."""


@dataclass(frozen=True)
class Shipped:
    """A distribution in the package; `licence` is an SPDX expression."""

    name: str
    version: str
    licence: str


def shipped(site: Path) -> list[Shipped]:
    """Return the distributions in a folder of installed requirements, by name."""
    found = importlib.metadata.distributions(path=[str(site)])
    rows = [Shipped(each.name, each.version, licence(each)) for each in found]
    return sorted(rows, key=lambda row: row.name.lower())


def licence(distribution: importlib.metadata.Distribution) -> str:
    """Return a distribution's licence as an SPDX expression; `LicenceError` if it names none."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    named = [metadata.get("License", ""), *(metadata.get_all("Classifier") or ())]
    known = [SPDX[name] for name in named if name in SPDX]
    if not known:
        which = f"{distribution.name} {distribution.version}"
        msg = f"{which}: its licence is not in SPDX (infra/licences.py)"
        raise LicenceError(msg)
    return known[0]


def notice(rows: Iterable[Shipped]) -> str:
    """Return the content of NOTICE."""
    return HEAD + "".join(_lines(rows))


def _lines(rows: Iterable[Shipped]) -> Iterator[str]:
    for row in rows:
        yield f"{row.name} {row.version}".ljust(28) + f"{row.licence}\n"


def main() -> int:
    """Write NOTICE; return the exit status."""
    try:
        NOTICE.write_text(notice(shipped(requirements(ROOT / "requirements.txt", OUT))))
    except (LicenceError, PackageError) as error:
        print(f"notice: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
