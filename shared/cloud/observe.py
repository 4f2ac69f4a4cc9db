"""The structs of `wire.py` -> the facts of `shared/model/facts.py`.

Pure. Defines what each field means, and what it means if Azure omits it.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.cloud import wire
from shared.model.facts import (
    AttachedDisk,
    Definition,
    KeptDisk,
    LeftOver,
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
    TrialVm,
)
from shared.model.ids import ImageRef, VmRef, find_image
from shared.model.instants import read_instant
from shared.model.tags import Memory

HIBERNATED = "HibernationState/Hibernated"
_POWER_STATES = {state.value: state for state in PowerState}
_FAILED = "provisioningstate/failed/"
_READY = "provisioningstate/succeeded"


def listed_image(image: wire.Image) -> ObservedImage | None:
    """Return a managed image from a list; None if its id cannot be parsed."""
    ref = find_image(image.id)
    return observed_managed_image(ref, image) if ref else None


def listed_version(version: wire.Version) -> ObservedImage | None:
    """Return a gallery version from a list; None if its id cannot be parsed."""
    ref = find_image(version.id)
    return observed_version(ref, version) if ref else None


def observed_vm(ref: VmRef, vm: wire.Vm) -> ObservedVm:
    """Return the facts in a VM's model and instance view."""
    properties, storage = vm.properties, vm.properties.storage_profile
    view = properties.instance_view or wire.InstanceView()
    codes = {status.code for status in view.statuses}
    security = properties.security_profile or wire.SecurityType()
    uefi = security.uefi_settings or wire.Uefi()
    return ObservedVm(
        ref=ref,
        vm_id=properties.vm_id,
        location=vm.location,
        tags=lower_names(vm.tags),
        memory=Memory(ref.id),
        provisioning=Provisioning(properties.provisioning_state),
        power=power_state(codes),
        generalized="OSState/generalized" in codes,
        hibernated=HIBERNATED in codes,
        hibernates=hibernates(properties.additional_capabilities),
        in_scale_set=bool(properties.virtual_machine_scale_set or vm.managed_by),
        os_type=storage.os_disk.os_type or "",
        generation=view.hyper_v_generation,
        security_type=security.security_type,
        plan=_plan(vm.plan),
        disk_controller=storage.disk_controller_type,
        encrypted_by_guest=any(map(_encrypts_disks, vm.resources or ())),
        os_disk=_attached(storage.os_disk),
        data_disks=tuple(map(_attached, storage.data_disks or ())),
        machine=machine(vm),
        secure_boot=bool(uefi.secure_boot_enabled),
        vtpm=bool(uefi.v_tpm_enabled),
        host_encryption=bool(security.encryption_at_host),
        license_type=properties.license_type or "",
        agent_ready=_is_ready(view),
        interfaces=tuple(one.id for one in _interfaces(properties) if one.id),
        goes_whole=_goes_whole(properties),
    )


def _interfaces(properties: wire.VmProperties) -> tuple[wire.VmInterface, ...]:
    return (properties.network_profile or wire.NetworkProfile()).network_interfaces or ()


def _goes_whole(properties: wire.VmProperties) -> bool:
    """Whether a VM's disks and interfaces are deleted with it."""
    storage = properties.storage_profile
    options = [disk.delete_option for disk in (storage.os_disk, *(storage.data_disks or ()))]
    settings = (one.properties or wire.InterfaceSettings() for one in _interfaces(properties))
    options += [one.delete_option for one in settings]
    return all(option == "Delete" for option in options)


def _is_ready(view: wire.InstanceView) -> bool:
    """Whether the guest's agent reports."""
    agent = view.vm_agent or wire.Agent()
    return any(one.code.lower() == _READY for one in agent.statuses)


def trial_vm(ref: VmRef, vm: wire.Vm) -> TrialVm:
    """Return the facts of a test VM: the image that it is from, and how its creation ended."""
    properties = vm.properties
    view = properties.instance_view or wire.InstanceView()
    image = properties.storage_profile.image_reference or wire.Id()
    failed = next((one for one in view.statuses if one.code.lower().startswith(_FAILED)), None)
    return TrialVm(
        ref=ref,
        image=find_image(image.id or ""),
        provisioning=Provisioning(properties.provisioning_state),
        created=_aware(properties.time_created),
        code=failed.code[len(_FAILED) :] if failed else "",
        why=(failed.message or "") if failed else "",
        ready=_is_ready(view),
    )


def left_over(resource: wire.Resource) -> LeftOver:
    """Return a resource in the workshop."""
    is_vm = resource.type.lower() == "microsoft.compute/virtualmachines"
    tags = lower_names(resource.tags)
    return LeftOver(resource.id, resource.name, is_vm, _aware(resource.created_time), tags)


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


def hibernates(capabilities: wire.AdditionalCapabilities | None) -> bool:
    """Whether hibernation is enabled on a VM."""
    return bool(capabilities and capabilities.hibernation_enabled)


def is_hybrid(license_type: str | None) -> bool:
    """Whether Azure Hybrid Benefit for Windows applies: `Windows_Server` or `Windows_Client`."""
    return (license_type or "").lower().startswith("windows_")


def is_spot(priority: str | None) -> bool:
    """Whether a VM is a Spot VM: priority `Spot`, or its older name `Low`."""
    return priority in ("Spot", "Low")


def power_state(codes: Iterable[str]) -> PowerState:
    """Return the power state in an instance view's codes; `UNKNOWN` if missing or new."""
    known = (_POWER_STATES[code] for code in codes if code in _POWER_STATES)
    return next(known, PowerState.UNKNOWN)


def newest_regions(versions: Iterable[wire.Version]) -> tuple[Region, ...]:
    """Return the target regions of the highest version that succeeded, () if there is none."""
    good = [
        version
        for version in versions
        if Provisioning(version.properties.provisioning_state) is Provisioning.SUCCEEDED
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
    """Return the facts of a managed disk."""
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
        shared=(properties.max_shares or 1) > 1,
        encryption_set=keys.disk_encryption_set_id if keys else None,
        network_access=properties.network_access_policy,
        public_access=properties.public_network_access,
        entra_only=properties.data_access_auth_mode == "AzureActiveDirectory",
        tags=lower_names(disk.tags),
    )


def kept_disk(disk: wire.ListedDisk) -> KeptDisk:
    """Return what a listed disk's price depends on."""
    sku = (disk.sku or wire.Sku()).name
    return KeptDisk(disk.id, sku, disk.properties.disk_size_gb, disk.location)


def observed_definition(definition: wire.Definition) -> Definition:
    """Return what an image definition requires of its versions."""
    properties = definition.properties
    features = {feature.name.lower(): feature.value for feature in properties.features or ()}
    # Azure's documentation and tools use both names of the feature.
    controllers = features.get("diskcontrollertypes") or features.get("diskcontrollertype")
    return Definition(
        os_type=properties.os_type,
        os_state=properties.os_state,
        generation=properties.hyper_v_generation or "V1",
        architecture=properties.architecture or "x64",
        security_type=features.get("securitytype"),
        disk_controllers=frozenset(
            name.strip().lower() for name in (controllers or "scsi").split(",")
        ),
        accelerated_network=features.get("isacceleratednetworksupported", "").lower() == "true",
        plan=_plan(properties.purchase_plan),
    )


def observed_managed_image(ref: ImageRef, image: wire.Image) -> ObservedImage:
    """Return a managed image's provisioning state and source VM."""
    source = image.properties.source_virtual_machine or wire.Id()
    return ObservedImage(
        ref=ref,
        provisioning=Provisioning(image.properties.provisioning_state),
        source=VmRef.find(source.id or ""),
        tags=lower_names(image.tags),
        location=image.location,
    )


def observed_version(ref: ImageRef, version: wire.Version, body: bytes = b"") -> ObservedImage:
    """Return a gallery version's provisioning state, source VM and reason of failure."""
    storage = version.properties.storage_profile or wire.VersionStorage()
    source = storage.source or wire.VersionSource()
    profile = version.properties.publishing_profile or wire.PublishingProfile()
    return ObservedImage(
        ref=ref,
        provisioning=Provisioning(version.properties.provisioning_state),
        source=VmRef.find(source.virtual_machine_id or source.id or ""),
        tags=lower_names(version.tags),
        why=_why_failed(version.properties.replication_status or wire.Replication()),
        replicas=_replicas(profile),
        location=version.location,
        excluded=bool(profile.exclude_from_latest),
        published=read_instant(profile.published_date),
        body=body,
    )


def _replicas(profile: wire.PublishingProfile) -> int:
    """Return how many replicas a version has in all regions; Azure's default is one in each."""
    regions = profile.target_regions or ()
    return sum(one.regional_replica_count or profile.replica_count or 1 for one in regions)


def _why_failed(replication: wire.Replication) -> str | None:
    """Return Azure's details for the regions in which a version failed; None without any."""
    failed = [region for region in replication.summary or () if region.state == "Failed"]
    return "; ".join(f"{region.region}: {region.details or 'failed'}" for region in failed) or None


def granted(grants: wire.Grants | Missing) -> tuple[Permission, ...] | None:
    """Return the permissions in a response of the permissions API; None if it was denied."""
    if isinstance(grants, Missing):
        return None
    return tuple(
        Permission(grant.actions, grant.not_actions, grant.data_actions, grant.not_data_actions)
        for grant in grants.value
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
        lun=disk.lun,
    )


def _encrypts_disks(extension: wire.Extension) -> bool:
    kind = extension.properties or wire.ExtensionProperties()
    return (kind.type or "").lower().startswith("azurediskencryption")


def _plan(plan: wire.Plan | None) -> Plan | None:
    if plan is None or not plan.name:
        return None
    return Plan(plan.publisher or "", plan.product or "", plan.name)


def lower_names(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return tags with lower-case names: in Azure, tag names are case-insensitive."""
    return {name.lower(): value for name, value in (tags or {}).items()}


def _aware(instant: datetime | None) -> datetime | None:
    """Return an instant with an offset; without one it is taken as UTC, which Azure uses."""
    if instant is None or instant.tzinfo:
        return instant
    return instant.replace(tzinfo=UTC)
