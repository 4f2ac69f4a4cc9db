"""Damaged disks, made at random from valid ones.

Takes a simulated disk and a seed, gives its bytes with a few places changed, all of them places
that reading it uses: numbers at their extremes, pieces zeroed, scrambled or copied over
others (which makes loops), the disk cut short. The same seed always gives the same disk.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.model.facts import Verdict
from shared.proof.ranges import Fetch, Ranges
from shared.proof.verdict import judge
from simulator.contents.disk import Guest, contents
from simulator.contents.footer import LENGTH as FOOTER

type Span = tuple[int, int]
"""Offset and length of a read."""

type Patch = tuple[int, bytes]
"""Where on the disk, and what."""

SIZES = (1, 2, 4, 8)
LAYOUTS = ("linux-lvm", "linux-lvm-xfs", "ubuntu-24.04", "debian-12", "rhel-9", "sles-15")
HARD = (
    *("linux-xfs", "linux-btrfs", "linux-separate-var", "linux-two-roots", "linux-two-lvs"),
    *("linux-hidden-var", "linux-lvm-two-pvs", "linux-old-beside-btrfs"),
)
LONGEST = 4096
"""Bytes of the longest piece that is changed at once."""


class Traced(Ranges):
    """A disk that records what was read of it."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        super().__init__(fetch, size)
        self.spans: list[Span] = []

    def read(self, size: int | None = -1) -> bytes:
        """Read, and remember where."""
        at = self.tell()
        data = super().read(size)
        if data:
            self.spans.append((at, len(data)))
        return data


@dataclass
class Disk:
    """A simulated disk, the places that are read, and the verdict on it when it is undamaged."""

    guest: Guest

    @cached_property
    def _read(self) -> tuple[Verdict, list[Span]]:
        source = contents(self.guest)
        traced = Traced(source.read, source.size - FOOTER)
        return judge(traced, self.guest.os_type), sorted(set(traced.spans))

    @property
    def says(self) -> Verdict:
        """The verdict on it when it is undamaged."""
        return self._read[0]

    @property
    def spans(self) -> list[Span]:
        """Where reading it looks."""
        return self._read[1]

    def mutated(self, seed: int) -> Ranges:
        """Return it with a few places changed."""
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        source = contents(self.guest)
        size = source.size - FOOTER
        if chance.random() < 0.05:
            size = max(512, sum(chance.choice(self.spans)) - chance.randrange(512))
        patches = [self._patch(chance) for _ in range(chance.choice((1, 1, 1, 2, 4, 16)))]

        return Ranges(patched(source.read, patches), size)

    def _patch(self, chance: random.Random) -> Patch:
        at, length = chance.choice(self.spans)
        start = at + chance.randrange(length)
        size = chance.choice(SIZES)
        most = 2 ** (8 * size) - 1
        piece = chance.choice(
            (
                chance.randbytes(size),
                chance.choice((0, 1, most, most // 2, most // 2 + 1)).to_bytes(size, "little"),
                bytes(chance.randrange(1, min(length, LONGEST) + 1)),
                chance.randbytes(chance.randrange(1, min(length, LONGEST) + 1)),
            )
        )
        if chance.random() < 0.2:
            other, there = chance.choice(self.spans)
            return at, contents(self.guest).read(other, min(length, there, LONGEST))
        return start, piece


def patched(fetch: Fetch, patches: Sequence[Patch]) -> Fetch:
    """Return a fetch with bytes changed, a later patch over an earlier one."""

    def changed(offset: int, length: int) -> bytes:
        data = bytearray(fetch(offset, length))
        for at, piece in patches:
            start, end = max(at, offset), min(at + len(piece), offset + length)
            if start < end:
                data[start - offset : end - offset] = piece[start - at : end - at]
        return bytes(data)

    return changed


def disks() -> Iterator[Disk]:
    """Yield the sound disks that hostile ones are made of."""
    for sysprep in ("never", "running", "failed", "succeeded"):
        yield Disk(Guest("Windows", "V2", 127, sysprep, "An Appx package."))
        yield Disk(Guest("Windows", "V1", 8, sysprep, "An Appx package."))
        for layout in (None, *LAYOUTS):
            yield Disk(Guest("Linux", "V2", 30, sysprep, layout=layout))
    for sysprep in ("never", "succeeded"):
        for layout in HARD:
            yield Disk(Guest("Linux", "V2", 30, sysprep, layout=layout))
