"""Request bodies for images: a `Create` and its VM -> the body of the PUT.

Pure.
"""

from datetime import datetime
from typing import Any

from shared.model.facts import ObservedVm, Plan, Region
from shared.model.instants import write_instant
from shared.model.memory import signature
from shared.model.steps import Create
from shared.model.tags import SourceTag
from shared.model.text import cut


def managed_image_body(vm: ObservedVm, step: Create, now: datetime) -> dict[str, Any]:
    """Return the PUT body of a managed image; Azure rejects it without the generation."""
    return {
        "location": vm.location,
        "tags": source_tags(vm, step, now),
        "properties": {
            "sourceVirtualMachine": {"id": vm.ref.id},
            "hyperVGeneration": step.generation,
        },
    }


def version_body(vm: ObservedVm, step: Create, now: datetime) -> dict[str, Any]:
    """Return the PUT body of a gallery version whose source is the VM, with all its disks."""
    return {
        "location": vm.location,
        "tags": source_tags(vm, step, now),
        "properties": {
            "storageProfile": {"source": {"virtualMachineId": vm.ref.id}},
            "publishingProfile": {
                "targetRegions": target_regions(vm.location, step.regions),
                "excludeFromLatest": not step.order.in_latest,
            },
        },
    }


def target_regions(location: str, regions: tuple[Region, ...]) -> list[dict[str, Any]]:
    """Return the regions to replicate to; they always include the region of the source."""
    wanted = {_region_key(region.name): region for region in regions}
    wanted.setdefault(_region_key(location), Region(location))
    return [_region_body(region) for region in wanted.values()]


def source_tags(vm: ObservedVm, step: Create, now: datetime) -> dict[str, str]:
    """Return the tags that describe an image's source."""
    return {
        **signature(vm.ref, vm.vm_id),
        SourceTag.AS_OF: write_instant(step.as_of),
        SourceTag.PROOF: step.verdict.proof.value,
        SourceTag.PROOF_DETAIL: cut(step.verdict.why),
        SourceTag.STARTED: write_instant(now),
        **_if_any(SourceTag.PROOF_WARNINGS, cut("; ".join(step.verdict.warnings.values()))),
        **_if_any(SourceTag.BY, step.say.by),
        **_plan_tags(vm.plan),
    }


def _if_any(name: SourceTag, value: str) -> dict[str, str]:
    return {name.value: value} if value else {}


def _plan_tags(plan: Plan | None) -> dict[str, str]:
    """Return a marketplace plan as tags: VMs need it, and an image has no field for it."""
    if plan is None:
        return {}
    return {
        SourceTag.PLAN_PUBLISHER: plan.publisher,
        SourceTag.PLAN_PRODUCT: plan.product,
        SourceTag.PLAN_NAME: plan.name,
    }


def _region_key(name: str) -> str:
    """Return a region name for comparison: `West Europe` and `westeurope` are the same."""
    return name.replace(" ", "").lower()


def _region_body(region: Region) -> dict[str, Any]:
    body = {
        "name": region.name,
        "regionalReplicaCount": region.replicas,
        "storageAccountType": region.storage,
    }
    return {name: value for name, value in body.items() if value is not None}
