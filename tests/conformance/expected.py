"""Differences that are intended, or come from the recording: each with a reason.

A rule matches by patterns; all given ones must match. The first matching rule gives the reason.
A difference without a rule is unexplained, and shown so on the page until it is fixed or
explained here.
"""

import re
from dataclasses import dataclass

from tests.conformance.compare import Difference
from tests.conformance.recordings import Exchange

NETWORKS = "networks are not simulated"
EXTENSIONS = "extensions are not simulated"
PLACEMENT = "hosts, scale sets, availability sets and placement groups are not simulated"
APPLICATIONS = "gallery applications are not simulated"
DISK_ENCRYPTION = "Azure Disk Encryption is not simulated"
NOT_SIMULATED = "not simulated, and answered 501"
NEWEST = "the api-version is older than the member: the simulator answers all as the newest"
RECORDED_EARLIER = "recorded before Azure showed the member in this api-version"
NO_RETRY_AFTER = "Azure sent Retry-After then; here it is sent if steering says so"
PROVIDERS = "only the simulated namespaces, types and api-versions are listed"
REGIONS = "a region is its name here, without geography"
SITES = "a function app is kept as it was sent"
POLICY = "a policy of the recorded subscription tagged its groups"
MOMENT = "recorded in the first minutes of a VM, which here has settled"
OTHER_ACTS = "the test did before what the simulator has no operation for"
HIDDEN = "the recording hides what was sent"
SHARING = "sharing a gallery is an act of its own, which is not simulated"
OTHER_GROUPS = "groups from outside a recording are there from its start to its end"
CANARY = "a region for Azure's own trials, which customers do not have"
MORE_ROWS = "the recorded subscription had more than one page of resources"


@dataclass(frozen=True)
class Rule:
    """What a reason explains: patterns searched in a difference and in its exchange.

    `before` and `recorded` are days: of the api-version, and of the recording.
    """

    reason: str
    at: str = ""
    kind: str = ""
    operation: str = ""
    azure: str = ""
    ours: str = ""
    cassette: str = ""
    before: str = ""
    recorded: str = ""

    def fits(self, exchange: Exchange, operation: str, found: Difference) -> bool:
        """Say whether this is the reason of a difference."""
        patterns = (
            (self.at, found.at), (self.kind, found.kind), (self.operation, operation),
            (self.azure, found.azure), (self.ours, found.ours), (self.cassette, exchange.cassette),
        )  # fmt: skip
        dated = (self.before, exchange.api_version), (self.recorded, exchange.day)
        return all(re.search(pattern, text) for pattern, text in patterns) and all(
            not limit or (day != "" and day < limit) for limit, day in dated
        )


_VM = "virtualMachines"

RULES = (
    Rule(NOT_SIMULATED, kind="^status$", ours="^501"),
    Rule(NETWORKS, operation="networkInterfaces"),
    Rule(CANARY, at="targetRegions", azure="EUAP"),
    Rule(PROVIDERS, operation=r"/\{namespace\}"),
    Rule(REGIONS, operation="/locations$"),
    Rule(SITES, operation=r"Microsoft\.Web/sites"),
    Rule(OTHER_GROUPS, operation="/resourceGroups$"),
    Rule(MORE_ROWS, operation="/resources$", at="^nextLink$"),
    Rule(POLICY, operation=r"resourceGroups/\{group\}$", at=r"^tags"),
    Rule(HIDDEN, kind="^status$", cassette="^list_all_2025$"),
    Rule(NO_RETRY_AFTER, at="^header retry-after$", kind="missing"),
    Rule(EXTENSIONS, at=r"(^|\.)resources$|instanceView\.extensions", operation=_VM),
    Rule(EXTENSIONS, at=r"vmAgent\.extensionHandlers$", kind="length|missing"),
    Rule(
        PLACEMENT,
        at=r"properties\.(host|hostGroup|proximityPlacementGroup|virtualMachineScaleSet"
        r"|availabilitySet|platformFaultDomain|instanceView\.platform\w+|instanceView\.assignedHost)",
        kind="missing|value",
        operation=_VM,
    ),
    Rule(PLACEMENT, cassette="ppg_with_related", at=r"instanceView\.statuses"),
    Rule(APPLICATIONS, at=r"properties\.applicationProfile"),
    Rule(DISK_ENCRYPTION, at=r"instanceView\.disks\[\]\.(statuses|encryptionSettings)"),
    Rule(DISK_ENCRYPTION, cassette="encryption", at="encryptionSettings"),
    Rule(SHARING, at=r"sharingProfile"),
    Rule(
        NEWEST, kind="extra", at=r"^(header )?etag$|\]\.etag$", operation=_VM, before="2024-07-01"
    ),
    Rule(NEWEST, kind="extra", at="^(header )?etag$", operation=_VM, recorded="2024-08-01"),
    Rule(
        NEWEST, kind="extra", at="deleteOption|timeCreated|exactVersion|patch", before="2022-03-01"
    ),
    Rule(NEWEST, kind="extra", operation="virtualMachines", before="2021-01-01"),
    Rule(
        NEWEST, kind="extra|value", operation="disks|snapshots|DiskOperations", before="2021-01-01"
    ),
    Rule(NEWEST, kind="extra", operation="images", before="2020-07-01"),
    Rule(MOMENT, at=r"vmAgent\.statuses", azure="Unavailable|Not Ready|Warning|VM status blob"),
    Rule(MOMENT, at=r"vmAgent$", kind="extra"),
    Rule(MOMENT, at=r"instanceView\.(osName|osVersion|computerName)$", kind="extra"),
    Rule(
        MOMENT, at="provisioningState|statuses", azure=r"^(Creating|Updating)$|/(creating|updating)"
    ),
    Rule(OTHER_ACTS, cassette="simulate_eviction|attach_detach_api|os_disk_swap"),
)


def reason_for(exchange: Exchange, operation: str, found: Difference) -> str | None:
    """Return why a difference is expected, None if no rule matches."""
    fitting = (rule.reason for rule in RULES if rule.fits(exchange, operation, found))
    return next(fitting, None)
