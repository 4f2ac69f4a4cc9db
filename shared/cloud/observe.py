"""Azure's JSON, as `wire.py` has it -> what has been seen, as the facts of the model.

Pure. What each field means, and what it means where Azure leaves it out.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.cloud import wire
from shared.model.facts import (
    AttachedDisk,
    Definition,
    Machine,
    Missing,
    ObservedDisk,
    ObservedImage,
    ObservedVm,
    Permission,
    Plan,
    PowerState,
    Provisioning,
    Region,
)
from shared.model.ids import ImageRef, VmRef, find_image
from shared.model.tags import Memory


def listed_image(image: wire.Image) -> ObservedImage | None:
    """Return a managed image of a list; None where its id is none."""
    ref = find_image(image.id)
    return observed_managed_image(ref, image) if ref else None


def listed_version(version: wire.Version) -> ObservedImage | None:
    """Return a gallery version of a list; None where its id is none."""
    ref = find_image(version.id)
    return observed_version(ref, version) if ref else None


def observed_vm(ref: VmRef, vm: wire.Vm) -> ObservedVm:
    """Return what a VM's model and instance view say."""
    properties, storage = vm.properties, vm.properties.storage_profile
    view = properties.instance_view or wire.InstanceView()
    codes = {status.code for status in view.statuses}
    return ObservedVm(
        ref=ref,
        vm_id=properties.vm_id,
        location=vm.location,
        tags=lower_names(vm.tags),
        memory=Memory(ref.id),
        provisioning=Provisioning(properties.provisioning_state),
        power=power_state(codes),
        generalized="OSState/generalized" in codes,
        hibernated="HibernationState/Hibernated" in codes,
        in_scale_set=bool(properties.virtual_machine_scale_set or vm.managed_by),
        os_type=storage.os_disk.os_type or "",
        generation=view.hyper_v_generation,
        security_type=(properties.security_profile or wire.SecurityType()).security_type,
        plan=_plan(vm.plan),
        disk_controller=storage.disk_controller_type,
        encrypted_by_guest=any(map(_encrypts_disks, vm.resources or ())),
        os_disk=_attached(storage.os_disk),
        data_disks=tuple(map(_attached, storage.data_disks or ())),
        machine=machine(vm),
    )


def machine(vm: wire.Vm) -> Machine:
    """Return what a VM's price depends on."""
    properties = vm.properties
    return Machine(
        size=properties.hardware_profile.vm_size,
        region=vm.location,
        os_type=properties.storage_profile.os_disk.os_type or "",
        hybrid=is_hybrid(properties.license_type),
        spot=is_spot(properties.priority),
    )


def is_hybrid(license_type: str | None) -> bool:
    """Whether a Windows licence is brought along, as `Windows_Server` says."""
    return (license_type or "").startswith("Windows_")


def is_spot(priority: str | None) -> bool:
    """Whether a VM runs on spare capacity, as `Spot` and its older name `Low` say."""
    return priority in ("Spot", "Low")


def power_state(codes: Iterable[str]) -> PowerState:
    """Return the power state among an instance view's codes, which may have none or a new one."""
    known = [code for code in codes if code in set(PowerState)]
    return PowerState(known[0]) if known else PowerState.UNKNOWN


def newest_regions(versions: Iterable[wire.Version]) -> tuple[Region, ...]:
    """Return the target regions of the version with the highest number that succeeded."""
    good = [
        one
        for one in versions
        if Provisioning(one.properties.provisioning_state) is Provisioning.SUCCEEDED
    ]
    if not good:
        return ()
    newest = max(good, key=_number)
    profile = newest.properties.publishing_profile or wire.PublishingProfile()
    return tuple(
        Region(
            region.name,
            region.regional_replica_count or profile.replica_count,
            region.storage_account_type or profile.storage_account_type,
        )
        for region in profile.target_regions or ()
    )


def _number(version: wire.Version) -> tuple[int, ...]:
    return tuple(int(part) for part in version.name.split(".") if part.isdecimal())


def observed_disk(disk: wire.Disk) -> ObservedDisk:
    """Return what a managed disk shows."""
    properties = disk.properties
    capable = properties.supported_capabilities or wire.Capabilities()
    ade, keys = properties.encryption_settings_collection, properties.encryption
    return ObservedDisk(
        id=disk.id,
        sku=(disk.sku or wire.Sku()).name,
        size_gb=properties.disk_size_gb,
        released=_aware(properties.last_ownership_update_time),
        access_open=(properties.disk_state or "").startswith("ActiveSAS"),
        generation=properties.hyper_v_generation,
        security_type=(properties.security_profile or wire.SecurityType()).security_type,
        architecture=capable.architecture,
        accelerated_network=capable.accelerated_network,
        encrypted_by_guest=bool(ade and ade.enabled),
        customer_key=bool(keys and keys.disk_encryption_set_id),
        network_access=properties.network_access_policy,
        public_access=properties.public_network_access,
        entra_only=properties.data_access_auth_mode == "AzureActiveDirectory",
        tags=lower_names(disk.tags),
    )


def observed_definition(definition: wire.Definition) -> Definition:
    """Return what an image definition asks of its versions."""
    properties = definition.properties
    features = {one.name.lower(): one.value for one in properties.features or ()}
    # The feature is written both ways, by Azure's own pages and tools.
    controllers = features.get("diskcontrollertypes") or features.get("diskcontrollertype")
    return Definition(
        os_type=properties.os_type,
        os_state=properties.os_state,
        generation=properties.hyper_v_generation or "V1",
        architecture=properties.architecture or "x64",
        security_type=features.get("securitytype"),
        disk_controllers=frozenset(
            one.strip().lower() for one in (controllers or "scsi").split(",")
        ),
        accelerated_network=features.get("isacceleratednetworksupported", "").lower() == "true",
        plan=_plan(properties.purchase_plan),
    )


def observed_managed_image(ref: ImageRef, image: wire.Image) -> ObservedImage:
    """Return how far a managed image is, and of which VM."""
    source = image.properties.source_virtual_machine or wire.Id()
    return ObservedImage(
        ref=ref,
        provisioning=Provisioning(image.properties.provisioning_state),
        source=VmRef.find(source.id or ""),
        tags=lower_names(image.tags),
    )


def observed_version(ref: ImageRef, version: wire.Version) -> ObservedImage:
    """Return how far a gallery image version is, of which VM, and why it failed."""
    storage = version.properties.storage_profile or wire.VersionStorage()
    source = storage.source or wire.VersionSource()
    return ObservedImage(
        ref=ref,
        provisioning=Provisioning(version.properties.provisioning_state),
        source=VmRef.find(source.virtual_machine_id or source.id or ""),
        tags=lower_names(version.tags),
        why=_why_failed(version.properties.replication_status or wire.Replication()),
    )


def _why_failed(replication: wire.Replication) -> str | None:
    """Return what Azure says of the regions in which a version failed."""
    failed = [one for one in replication.summary or () if one.state == "Failed"]
    return "; ".join(f"{one.region}: {one.details or 'failed'}" for one in failed) or None


def granted(grants: wire.Grants | Missing) -> tuple[Permission, ...] | None:
    """Return the grants of the permissions API; None where they may not be read."""
    if isinstance(grants, Missing):
        return None
    return tuple(
        Permission(one.actions, one.not_actions, one.data_actions, one.not_data_actions)
        for one in grants.value
    )


def _attached(disk: wire.VmDisk) -> AttachedDisk:
    managed = disk.managed_disk or wire.ManagedDisk()
    return AttachedDisk(
        id=managed.id,
        sku=managed.storage_account_type,
        size_gb=disk.disk_size_gb,
        ephemeral=bool(disk.diff_disk_settings and disk.diff_disk_settings.option),
        encrypted_by_guest=bool(disk.encryption_settings and disk.encryption_settings.enabled),
        customer_key=managed.disk_encryption_set is not None,
    )


def _encrypts_disks(extension: wire.Extension) -> bool:
    kind = extension.properties or wire.ExtensionProperties()
    return (kind.type or "").lower().startswith("azurediskencryption")


def _plan(plan: wire.Plan | None) -> Plan | None:
    if plan is None or not plan.name:
        return None
    return Plan(plan.publisher or "", plan.product or "", plan.name)


def lower_names(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return tags under the names they are compared by: Azure's have no case."""
    return {name.lower(): value for name, value in (tags or {}).items()}


def _aware(instant: datetime | None) -> datetime | None:
    """Return an instant in UTC; one without an offset is taken for UTC, as all of Azure's are."""
    if instant is None or instant.tzinfo:
        return instant
    return instant.replace(tzinfo=UTC)
