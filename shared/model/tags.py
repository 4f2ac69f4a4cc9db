"""The tags that Stillframe reads and writes, and changes of them.

Enums have the exact strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Values of the tag `stillframe-status`."""

    WAITING = "waiting"
    DEALLOCATING = "deallocating"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    NOT_GENERALIZED = "not-generalized"
    FAILED = "failed"
    REFUSED = "refused"


class Tag(StrEnum):
    """Names of the tags on a VM: people set the first eight, Stillframe writes the others."""

    CAPTURE = "stillframe-capture"
    VERSION = "stillframe-version"
    LATEST = "stillframe-latest"
    TEST = "stillframe-test"
    KEEP = "stillframe-keep"
    DISKS = "stillframe-disks"
    AFTER = "stillframe-after"
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
    DEALLOCATED_BY = "stillframe-deallocated-by"


WORD_TAGS = (
    Tag.STATUS,
    Tag.DETAIL,
    Tag.IMAGE,
    Tag.IMAGE_GROUP,
    Tag.AS_OF,
    Tag.PROOF,
    Tag.BY,
)
"""The status tags that Stillframe writes for an order; `BY` names the function app."""


ORDER_TAGS = (*WORD_TAGS, Tag.UNTOLD)
"""All tags that Stillframe writes for an order, and removes when the order is withdrawn.

`UNTOLD` is there until the outcome event of the status is published: the time since when.
"""


BILLED_TAGS = (Tag.BILLED_SINCE, Tag.BILLED_ALERTED)
"""What the cost guard writes on a VM that is stopped but still billed."""


GUARD_TAGS = (*BILLED_TAGS, Tag.DEALLOCATED_BY)
"""All tags of the cost guard.

`DEALLOCATED_BY` is there from before a deallocation until its event is published: whose word it is,
and the word. A VM with an order never has it.
"""


class SourceTag(StrEnum):
    """Names of the tags on an image: its source VM, as of when, the proof, and the boot test.

    Only an image that is to be booted has those of the boot test: `BOOT` is `due` until there is a
    verdict, `MACHINE` is what its test VM must be like, `EXCLUDED` that it never becomes `latest`.
    """

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
    COPY_OF = "stillframe-copy-of"
    MACHINE = "stillframe-source-machine"
    EXCLUDED = "stillframe-excluded"
    BOOT = "stillframe-boot"
    BOOT_DETAIL = "stillframe-boot-detail"
    BOOT_MINUTES = "stillframe-boot-minutes"
    BOOT_PICTURE = "stillframe-boot-picture"
    BOOT_ATTEMPTS = "stillframe-boot-attempts"
    BOOT_AT = "stillframe-boot-at"
    PLAN_PUBLISHER = "stillframe-plan-publisher"
    PLAN_PRODUCT = "stillframe-plan-product"
    PLAN_NAME = "stillframe-plan-name"


class CloneTag(StrEnum):
    """Names of the tags on a copy of a VM that is kept: of which VM, how, and how far it is."""

    GROUP = "stillframe-copy-of-group"
    VM = "stillframe-copy-of-vm"
    VM_ID = "stillframe-copy-of-id"
    AS_OF = "stillframe-copied-at"
    HOW = "stillframe-copied-by"
    PREPARED = "stillframe-prepared"


@dataclass(frozen=True, slots=True)
class Words:
    """A change of tags: which to set, and which to remove, with their present values."""

    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    removed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self.tags or self.removed)


@dataclass(frozen=True, slots=True)
class Memory:
    """The resource that an order's tags are written to: its id.

    `first` are tags to write together with the first change there, so that they are complete: the
    VM that they belong to, and its earlier tags. `stale` are another VM's tags, removed then.
    """

    id: str
    first: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stale: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def changed(self, by: Words) -> Words:
        """Return the change of that resource's tags that makes this change of the order's tags."""
        if not self.first:
            return by
        first = {name: value for name, value in self.first.items() if name not in by.removed}
        whole = {**first, **by.tags}
        return Words(whole, {name: v for name, v in self.stale.items() if name not in whole})
