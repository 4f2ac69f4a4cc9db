"""The tags that Stillframe reads and writes, and a change of them.

Enums hold the exact string that a tag has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """The words of the tag `stillframe-status`."""

    WAITING = "waiting"
    DEALLOCATING = "deallocating"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    NOT_GENERALIZED = "not-generalized"
    FAILED = "failed"
    REFUSED = "refused"


class Tag(StrEnum):
    """Names of the tags on a VM: the first four are people's, the others ours."""

    CAPTURE = "stillframe-capture"
    VERSION = "stillframe-version"
    LATEST = "stillframe-latest"
    COST_GUARD = "stillframe-cost-guard"
    STATUS = "stillframe-status"
    DETAIL = "stillframe-detail"
    IMAGE = "stillframe-image"
    IMAGE_GROUP = "stillframe-image-group"
    AS_OF = "stillframe-as-of"
    PROOF = "stillframe-proof"
    BY = "stillframe-by"
    UNTOLD = "stillframe-untold"
    BILLED_SINCE = "stillframe-billed-since"
    BILLED_ALERTED = "stillframe-billed-alerted"


WORD_TAGS = (
    Tag.STATUS,
    Tag.DETAIL,
    Tag.IMAGE,
    Tag.IMAGE_GROUP,
    Tag.AS_OF,
    Tag.PROOF,
    Tag.BY,
)
"""What Stillframe says on a VM of its order; `BY` is which function app does."""


ORDER_TAGS = (*WORD_TAGS, Tag.UNTOLD)
"""What Stillframe writes on a VM of an order, and takes away when the order is withdrawn.

`UNTOLD` stands while the outcome that the words tell of is not published yet: since when.
"""


BILLED_TAGS = (Tag.BILLED_SINCE, Tag.BILLED_ALERTED)
"""What the cost guard writes on a VM that is stopped but still billed."""


class SourceTag(StrEnum):
    """Names of the tags on an image: where it comes from, as of when, on what proof."""

    GROUP = "stillframe-source-group"
    VM = "stillframe-source-vm"
    VM_ID = "stillframe-source-id"
    AS_OF = "stillframe-as-of"
    PROOF = "stillframe-proof"
    PROOF_DETAIL = "stillframe-proof-detail"
    PROOF_WARNINGS = "stillframe-proof-warnings"
    STARTED = "stillframe-started"
    BY = "stillframe-by"
    TOLD = "stillframe-told"
    PLAN_PUBLISHER = "stillframe-plan-publisher"
    PLAN_PRODUCT = "stillframe-plan-product"
    PLAN_NAME = "stillframe-plan-name"


@dataclass(frozen=True, slots=True)
class Words:
    """A change of tags: what to set, and what to take away with the values it has."""

    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    removed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self.tags or self.removed)


@dataclass(frozen=True, slots=True)
class Memory:
    """The resource whose tags an order's words are written to: its id.

    `first` is what must be written along with the first words there, so that they are whole: whose
    they are, and what has been said already. `stale` are words of another VM that go then.
    """

    id: str
    first: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stale: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def changed(self, by: Words) -> Words:
        """Return the change of that resource's tags by which these words are said there."""
        if not self.first:
            return by
        first = {name: value for name, value in self.first.items() if name not in by.removed}
        whole = {**first, **by.tags}
        return Words(whole, {name: v for name, v in self.stale.items() if name not in whole})
