"""Request bodies for images: a `Create` and its VM -> the body of the PUT.

Pure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.model.facts import Boot, ObservedVm, Plan, Region
from shared.model.instants import write_instant
from shared.model.memory import signature
from shared.model.steps import Create, Order
from shared.model.tags import CloneTag, SourceTag
from shared.model.text import cut
from shared.workshop.machine import machine_tag


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
                "excludeFromLatest": step.order.test or not step.order.in_latest,
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
        **_if_any(SourceTag.COPY_OF, "/".join(vm.tags[tag] for tag in _KEPT if tag in vm.tags)),
        **(_test_tags(vm, step.order) if step.order.test else {}),
    }


def _test_tags(vm: ObservedVm, order: Order) -> dict[str, str]:
    """Return the tags of an image that is to be booted."""
    excluded = {} if order.in_latest else {SourceTag.EXCLUDED.value: "yes"}
    boot = {SourceTag.BOOT.value: Boot.DUE.value, SourceTag.MACHINE.value: cut(machine_tag(vm))}
    return boot | excluded


def promoted_body(body: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the PUT body with which a version counts for `latest`: what Azure returned, changed.

    The disks are left out where the source is named, as Azure's own tools do.
    """
    properties = {
        name: value for name, value in body["properties"].items() if name not in _READ_ONLY
    }
    storage = dict(properties.get("storageProfile") or {})
    if storage.get("source"):
        storage = {"source": storage["source"]}
    profile = {
        name: value
        for name, value in (properties.get("publishingProfile") or {}).items()
        if name != "publishedDate"
    }
    profile["excludeFromLatest"] = False
    regions = [
        {name: value for name, value in region.items() if name != "excludeFromLatest"}
        for region in profile.get("targetRegions") or []
    ]
    properties |= {
        "storageProfile": storage,
        "publishingProfile": profile | {"targetRegions": regions},
    }
    return {
        "location": body["location"],
        "tags": {**(body.get("tags") or {}), **tags},
        "properties": properties,
    }


_KEPT = (CloneTag.GROUP, CloneTag.VM)
_READ_ONLY = ("provisioningState", "replicationStatus")


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


def going_whole_body(vm: ObservedVm) -> dict[str, Any]:
    """Return the PATCH body after which a VM's disks and interfaces are deleted with it."""
    gone = {"deleteOption": "Delete"}
    data = [
        {"lun": disk.lun, "createOption": "Attach", "managedDisk": {"id": disk.id}, **gone}
        for disk in vm.data_disks
    ]
    nics = [{"id": interface, "properties": gone} for interface in vm.interfaces]
    return {
        "properties": {
            "storageProfile": {"osDisk": gone, "dataDisks": data},
            "networkProfile": {"networkInterfaces": nics},
        }
    }
