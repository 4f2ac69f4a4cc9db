"""The verdict on each simulated disk, as a page: `python -m tests.proof.matrix` writes it.

The disks are real file systems (simulator/contents/README.md); the texts are from the verdicts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shared.model.facts import Verdict
from shared.proof.ranges import Ranges
from shared.proof.verdict import judge
from simulator.contents import store
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER

PAGE = Path(__file__).parent.parent.parent / "docs" / "proof.md"
WHY = "Package Contoso.App was installed for a user, but not provisioned for all users."
STATES = {
    ("Windows", "never"): "runs",
    ("Windows", "running"): "Sysprep has begun",
    ("Windows", "failed"): "Sysprep failed",
    ("Windows", "succeeded"): "Sysprep finished",
    ("Linux", "never"): "runs",
    ("Linux", "running"): "deprovisioning began",
    ("Linux", "failed"): "deprovisioning failed",
    ("Linux", "succeeded"): "deprovisioned",
}


@dataclass(frozen=True)
class Row:
    """One disk, read when first asked; `state` is None where its guest makes no difference."""

    layout: str
    generation: str
    size_gb: int
    state: str | None

    @cached_property
    def _read(self) -> tuple[Verdict, Ranges]:
        named = None if self.layout in ("windows", "linux") else self.layout
        state = self.state or "never"
        guest = Guest(self.os_type, self.generation, self.size_gb, state, WHY, named)
        source = contents(guest)
        disk = Ranges(source.read, source.size - FOOTER)
        return judge(disk, self.os_type), disk

    @property
    def says(self) -> Verdict:
        """What the disk says."""
        return self._read[0]

    @property
    def ranges(self) -> int:
        """How many ranges its verdict has read."""
        return self._read[1].ranges

    @property
    def fetched(self) -> int:
        """How many bytes its verdict has read."""
        return self._read[1].fetched

    @property
    def os_type(self) -> str:
        """What Azure calls its VM's system."""
        return system_of(self.layout)


def system_of(layout: str) -> str:
    """Return the system of a layout, by its name."""
    return "Windows" if layout.startswith(("windows", "blank")) else "Linux"


def rows() -> Iterator[Row]:
    """Yield every disk there is."""
    for entry in store.entries():
        yield Row(entry["layout"], entry["generation"], entry["size_gb"], entry["sysprep"])


def page(found: list[Row]) -> str:
    """Return the page."""
    return f"""# Verdicts on disks

Each row is a disk with real file systems, created with the tools of each kind, and the verdict on
it: for each layout while the guest is in use, half deprovisioned, and finished. Written by
`python -m tests.proof.matrix`; a test checks that it is up to date. How the verdict is formed:
[the proof](operations.md#the-proof).

## Linux

{_table([row for row in found if row.os_type == "Linux"])}

## Windows

{_table([row for row in found if row.os_type == "Windows"])}
"""


def _table(found: list[Row]) -> str:
    head = "| layout | state | verdict | reason | warnings | ranges | KiB |"
    return "\n".join([head, "|---|---|---|---|---|--:|--:|", *map(_row, found)])


def _row(row: Row) -> str:
    state = STATES[row.os_type, row.state] if row.state else "any"
    name = f"{row.layout}, {row.generation}, {row.size_gb} GiB"
    why = " ".join(row.says.why.split()).replace("|", "\\|")
    warnings = "; ".join(row.says.warnings.values())
    cells = (name, state, row.says.proof, why, warnings, row.ranges, row.fetched // 1024)
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    PAGE.write_text(page(list(rows())))
