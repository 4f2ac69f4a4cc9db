"""The steps: a decided `Step` -> one ARM operation, started and not awaited; words -> tags.

What Azure needs to be told for an image is composed here, in the wire's shape.
"""

from datetime import datetime
from typing import Any, assert_never

from shared.cloud.arm import Arm
from shared.model.facts import ObservedVm, Plan, Region
from shared.model.ids import ManagedImageRef, VersionRef
from shared.model.instants import write_instant
from shared.model.memory import after, signature
from shared.model.steps import Create, Deallocate, Generalize
from shared.model.tags import SourceTag, Words
from shared.model.text import cut


def act(arm: Arm, vm: ObservedVm, step: Deallocate | Generalize | Create, now: datetime) -> None:
    """Start what a step says; raise `Transient` or `Refused` as Azure answers."""
    match step:
        case Deallocate():
            arm.deallocate(vm.ref)
        case Generalize():
            arm.generalize(vm.ref)
        case Create():
            _create(arm, vm, step, now)
        case _:
            assert_never(step)


def remember(arm: Arm, vm: ObservedVm, words: Words) -> ObservedVm:
    """Change the words of a VM where they are kept, and return it as it is then.

    Raises `Transient` or `Refused` as Azure answers; what was merged before that stays.
    """
    change = vm.memory.changed(words)
    if change.tags:
        arm.merge_tags(vm.memory.id, change.tags)
    if change.removed:
        arm.delete_tags(vm.memory.id, change.removed)
    return after(vm, words)


def _create(arm: Arm, vm: ObservedVm, step: Create, now: datetime) -> None:
    match step.ref:
        case ManagedImageRef():
            arm.create_managed_image(step.ref, managed_image_body(vm, step, now))
        case VersionRef():
            arm.create_version(step.ref, version_body(vm, step, now))
        case _:
            assert_never(step.ref)


def managed_image_body(vm: ObservedVm, step: Create, now: datetime) -> dict[str, Any]:
    """Return a managed image's PUT; Azure refuses it where the generation is left out."""
    return {
        "location": vm.location,
        "tags": source_tags(vm, step, now),
        "properties": {
            "sourceVirtualMachine": {"id": vm.ref.id},
            "hyperVGeneration": step.generation,
        },
    }


def version_body(vm: ObservedVm, step: Create, now: datetime) -> dict[str, Any]:
    """Return a gallery version's PUT, straight from the VM and with all its disks."""
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
    """Return the regions to replicate to; the source's own is always among them."""
    wanted = {_region_key(region.name): region for region in regions}
    wanted.setdefault(_region_key(location), Region(location))
    return [_region_body(region) for region in wanted.values()]


def source_tags(vm: ObservedVm, step: Create, now: datetime) -> dict[str, str]:
    """Return what an image says of its source."""
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
    """Return a marketplace plan as tags; an image has no field for it, VMs made of it need it."""
    if plan is None:
        return {}
    return {
        SourceTag.PLAN_PUBLISHER: plan.publisher,
        SourceTag.PLAN_PRODUCT: plan.product,
        SourceTag.PLAN_NAME: plan.name,
    }


def _region_key(name: str) -> str:
    """`West Europe` and `westeurope` are one region."""
    return name.replace(" ", "").lower()


def _region_body(region: Region) -> dict[str, Any]:
    body = {
        "name": region.name,
        "regionalReplicaCount": region.replicas,
        "storageAccountType": region.storage,
    }
    return {name: value for name, value in body.items() if value is not None}
