"""Structs for the parts of Azure's JSON that Stillframe reads.

They have only the fields that some rule needs; other fields are ignored. Fields that Azure may omit
have a default. Lists of VMs and disks have structs of their own, with fewer fields.
"""

from datetime import datetime

from msgspec import Raw, Struct, field


class _Wire(Struct, frozen=True, rename="camel"):
    """The base of all structs; field names are converted to Azure's camel case."""


class Code(_Wire, frozen=True):
    """A status of an instance view; `code` is stable, `displayStatus` is not."""

    code: str = ""
    message: str | None = None


class Agent(_Wire, frozen=True):
    """The guest agent's statuses; without an agent the instance view has none."""

    statuses: tuple[Code, ...] = ()


class InstanceView(_Wire, frozen=True):
    """A VM's instance view."""

    hyper_v_generation: str | None = None
    statuses: tuple[Code, ...] = ()
    vm_agent: Agent | None = None


class Id(_Wire, frozen=True):
    """A resource id, as a reference to a resource or as a list row."""

    id: str | None = None


class ManagedDisk(_Wire, frozen=True):
    """The managed disk of a VM's disk; a deallocated VM omits its storage type."""

    id: str | None = None
    storage_account_type: str | None = None
    disk_encryption_set: Id | None = None


class EphemeralOption(_Wire, frozen=True):
    """`Local` for an ephemeral OS disk."""

    option: str | None = None


class Enabled(_Wire, frozen=True):
    """Whether Azure Disk Encryption of a disk is on."""

    enabled: bool | None = None


class VmDisk(_Wire, frozen=True):
    """A disk in a VM's model."""

    managed_disk: ManagedDisk | None = None
    os_type: str | None = None
    disk_size_gb: int | None = field(default=None, name="diskSizeGB")
    diff_disk_settings: EphemeralOption | None = None
    encryption_settings: Enabled | None = None
    lun: int = 0
    delete_option: str | None = None


class StorageProfile(_Wire, frozen=True):
    """A VM's disks."""

    os_disk: VmDisk = VmDisk()
    data_disks: tuple[VmDisk, ...] | None = None
    disk_controller_type: str | None = None
    image_reference: Id | None = None


class Uefi(_Wire, frozen=True):
    """Whether a VM has secure boot and a virtual TPM."""

    secure_boot_enabled: bool | None = None
    v_tpm_enabled: bool | None = None


class SecurityType(_Wire, frozen=True):
    """`TrustedLaunch`, `ConfidentialVM`, or None; a VM's with its settings."""

    security_type: str | None = None
    uefi_settings: Uefi | None = None
    encryption_at_host: bool | None = None


class HardwareProfile(_Wire, frozen=True):
    """A VM's size."""

    vm_size: str = ""


class AdditionalCapabilities(_Wire, frozen=True):
    """What a VM can do beyond the usual."""

    hibernation_enabled: bool | None = None


class InterfaceSettings(_Wire, frozen=True):
    """What a VM says of an interface."""

    delete_option: str | None = None


class VmInterface(_Wire, frozen=True):
    """An interface in a VM's model."""

    id: str | None = None
    properties: InterfaceSettings | None = None


class NetworkProfile(_Wire, frozen=True):
    """A VM's interfaces."""

    network_interfaces: tuple[VmInterface, ...] | None = None


class VmProperties(_Wire, frozen=True):
    """A VM's properties."""

    vm_id: str = ""
    hardware_profile: HardwareProfile = HardwareProfile()
    license_type: str | None = None
    priority: str | None = None
    provisioning_state: str = ""
    storage_profile: StorageProfile = StorageProfile()
    security_profile: SecurityType | None = None
    virtual_machine_scale_set: Id | None = None
    additional_capabilities: AdditionalCapabilities | None = None
    instance_view: InstanceView | None = None
    time_created: datetime | None = None
    network_profile: NetworkProfile | None = None


class Plan(_Wire, frozen=True):
    """A VM's marketplace plan."""

    publisher: str | None = None
    product: str | None = None
    name: str | None = None


class ExtensionProperties(_Wire, frozen=True):
    """An extension's publisher and type."""

    publisher: str | None = None
    type: str | None = None


class Extension(_Wire, frozen=True):
    """An extension in a VM's `resources`; a list contains only its id."""

    id: str | None = None
    properties: ExtensionProperties | None = None


class Vm(_Wire, frozen=True):
    """A virtual machine, as a GET returns it."""

    id: str
    location: str = ""
    tags: dict[str, str] | None = None
    managed_by: str | None = None
    plan: Plan | None = None
    properties: VmProperties = VmProperties()
    resources: tuple[Extension, ...] | None = None


class ListedOsDisk(_Wire, frozen=True):
    """The fields read of a VM's OS disk in a list."""

    os_type: str | None = None
    diff_disk_settings: EphemeralOption | None = None
    managed_disk: ManagedDisk | None = None


class ListedStorage(_Wire, frozen=True):
    """The fields read of a VM's disks in a list."""

    os_disk: ListedOsDisk = ListedOsDisk()


class ListedProperties(_Wire, frozen=True):
    """The fields read of a VM's properties in a list."""

    hardware_profile: HardwareProfile = HardwareProfile()
    storage_profile: ListedStorage = ListedStorage()
    license_type: str | None = None
    priority: str | None = None
    vm_id: str = ""
    additional_capabilities: AdditionalCapabilities | None = None
    instance_view: InstanceView | None = None


class ListedVm(_Wire, frozen=True):
    """A VM in a list: tags, OS disk, and what its price depends on, or its run state, or both."""

    id: str
    location: str = ""
    tags: dict[str, str] | None = None
    properties: ListedProperties = ListedProperties()


class StateProperties(_Wire, frozen=True):
    """A VM's run state."""

    instance_view: InstanceView | None = None


class VmState(_Wire, frozen=True):
    """What is sure to be in a row of the list of run states."""

    id: str
    properties: StateProperties = StateProperties()


class Stop(_Wire, frozen=True):
    """A VM that Resource Graph shows as unavailable: its id in lower case, and since when."""

    id: str = ""
    occurred: str = ""


class StopPage(_Wire, frozen=True):
    """A page of a query's result."""

    data: tuple[Stop, ...] = ()
    skip_token: str | None = field(default=None, name="$skipToken")


class Page(_Wire, frozen=True):
    """A page of a list."""

    next_link: str | None = None


class RawPage(Page, frozen=True):
    """A page of a list with its rows not decoded."""

    value: tuple[Raw, ...] = ()


class VmPage(Page, frozen=True):
    """A page of a list of virtual machines."""

    value: tuple[ListedVm, ...] = ()


class Group(_Wire, frozen=True):
    """A resource group."""

    id: str
    tags: dict[str, str] | None = None


class GroupPage(Page, frozen=True):
    """A page of a list of resource groups."""

    value: tuple[Group, ...] = ()


class Subscription(_Wire, frozen=True):
    """A subscription visible to the caller; `state` is `Enabled` unless Azure restricts it."""

    subscription_id: str
    state: str = ""


class SubscriptionPage(Page, frozen=True):
    """A page of a list of subscriptions."""

    value: tuple[Subscription, ...] = ()


class ListedDiskProperties(_Wire, frozen=True):
    """A listed disk's properties; `os_type` is None for a data disk."""

    os_type: str | None = None
    disk_size_gb: int | None = field(default=None, name="diskSizeGB")


class Sku(_Wire, frozen=True):
    """A disk's storage type."""

    name: str | None = None


class ListedDisk(_Wire, frozen=True):
    """A disk in a list: its tags, its price's conditions, and the VM it is attached to."""

    id: str
    location: str = ""
    managed_by: str | None = None
    sku: Sku | None = None
    tags: dict[str, str] | None = None
    properties: ListedDiskProperties = ListedDiskProperties()


class DiskPage(Page, frozen=True):
    """A page of a list of disks."""

    value: tuple[ListedDisk, ...] = ()


class LockPage(Page, frozen=True):
    """A page of a list of locks; a lock's id begins with the id of the locked scope."""

    value: tuple[Id, ...] = ()


class AvailabilityProperties(_Wire, frozen=True):
    """A status of Resource Health; older api-versions spell `occuredTime` with one r."""

    availability_state: str = ""
    occurred_time: datetime | None = None
    occured_time: datetime | None = None


class Availability(_Wire, frozen=True):
    """A resource's availability status."""

    properties: AvailabilityProperties = AvailabilityProperties()


class Capabilities(_Wire, frozen=True):
    """What the image on a disk supports."""

    architecture: str | None = None
    accelerated_network: bool | None = None


class DiskEncryption(_Wire, frozen=True):
    """Server-side encryption of a disk: the type of key and the disk encryption set."""

    type: str | None = None
    disk_encryption_set_id: str | None = None


class DiskProperties(_Wire, frozen=True):
    """A managed disk's properties."""

    provisioning_state: str = ""
    disk_size_gb: int | None = field(default=None, name="diskSizeGB")
    disk_state: str | None = None
    last_ownership_update_time: datetime | None = field(
        default=None, name="LastOwnershipUpdateTime"
    )
    hyper_v_generation: str | None = None
    security_profile: SecurityType | None = None
    supported_capabilities: Capabilities | None = None
    encryption_settings_collection: Enabled | None = None
    encryption: DiskEncryption | None = None
    network_access_policy: str | None = None
    public_network_access: str | None = None
    data_access_auth_mode: str | None = None
    max_shares: int | None = None


class Disk(_Wire, frozen=True):
    """A managed disk."""

    id: str
    sku: Sku | None = None
    tags: dict[str, str] | None = None
    properties: DiskProperties = DiskProperties()


class Feature(_Wire, frozen=True):
    """A feature of an image definition, for example `SecurityType` = `TrustedLaunch`."""

    name: str = ""
    value: str = ""


class DefinitionProperties(_Wire, frozen=True):
    """An image definition's properties; generation 1 and x64 are the defaults if omitted."""

    os_type: str = ""
    os_state: str = ""
    hyper_v_generation: str | None = None
    architecture: str | None = None
    features: tuple[Feature, ...] | None = None
    purchase_plan: Plan | None = None


class Definition(_Wire, frozen=True):
    """A gallery image definition."""

    properties: DefinitionProperties = DefinitionProperties()


class TargetRegion(_Wire, frozen=True):
    """A region to which a version is replicated."""

    name: str = ""
    regional_replica_count: int | None = None
    storage_account_type: str | None = None


class PublishingProfile(_Wire, frozen=True):
    """A version's publishing profile: regions, replica count and storage account type."""

    exclude_from_latest: bool | None = None
    published_date: str | None = None
    target_regions: tuple[TargetRegion, ...] | None = None
    replica_count: int | None = None
    storage_account_type: str | None = None


class VersionSource(_Wire, frozen=True):
    """The source of a version."""

    id: str | None = None
    virtual_machine_id: str | None = None


class VersionStorage(_Wire, frozen=True):
    """A version's storage profile."""

    source: VersionSource | None = None


class RegionalReplication(_Wire, frozen=True):
    """A version's replication state in one region, with details of a failure."""

    region: str = ""
    state: str = ""
    details: str | None = None


class Replication(_Wire, frozen=True):
    """A version's replication status."""

    summary: tuple[RegionalReplication, ...] | None = None


class VersionProperties(_Wire, frozen=True):
    """A version's properties."""

    provisioning_state: str = ""
    publishing_profile: PublishingProfile | None = None
    storage_profile: VersionStorage | None = None
    replication_status: Replication | None = None


class Version(_Wire, frozen=True):
    """A gallery image version."""

    id: str
    name: str = ""
    location: str = ""
    tags: dict[str, str] | None = None
    properties: VersionProperties = VersionProperties()


class VersionPage(Page, frozen=True):
    """A page of a list of gallery image versions."""

    value: tuple[Version, ...] = ()


class ImageProperties(_Wire, frozen=True):
    """A managed image's properties."""

    provisioning_state: str = ""
    source_virtual_machine: Id | None = None


class Image(_Wire, frozen=True):
    """A managed image."""

    id: str
    location: str = ""
    tags: dict[str, str] | None = None
    properties: ImageProperties = ImageProperties()


class ImagePage(Page, frozen=True):
    """A page of a list of managed images."""

    value: tuple[Image, ...] = ()


class Named(_Wire, frozen=True):
    """A gallery or an image definition in a list; only the name is read."""

    name: str


class NamedPage(Page, frozen=True):
    """A page of a list of galleries or of image definitions."""

    value: tuple[Named, ...] = ()


class Grant(_Wire, frozen=True):
    """An entry in a response of the permissions API."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


class Grants(_Wire, frozen=True):
    """A response of the permissions API."""

    value: tuple[Grant, ...] = ()


class AppSettings(_Wire, frozen=True):
    """The settings of a function app, by name; some are secrets and must not be shown."""

    properties: dict[str, str] = {}


class Fault(_Wire, frozen=True):
    """The error of a failed operation, with Azure's code and message."""

    code: str = ""
    message: str = ""


class DiskAccess(_Wire, frozen=True):
    """The result of opening a disk: a URL that gives anyone access, so it must not be shown."""

    access_sas: str | None = field(default=None, name="accessSAS")


class Output(_Wire, frozen=True):
    """The properties in a poll of an operation that has succeeded."""

    output: DiskAccess = DiskAccess()


class Operation(_Wire, frozen=True):
    """A poll of an operation; `status` is InProgress, Succeeded, Failed or Canceled."""

    status: str = ""
    error: Fault | None = None
    properties: Output | None = None


class Resource(_Wire, frozen=True):
    """A resource of any type in a list."""

    id: str
    name: str = ""
    type: str = ""
    created_time: datetime | None = None
    tags: dict[str, str] | None = None


class ResourcePage(Page, frozen=True):
    """A page of a list of resources."""

    value: tuple[Resource, ...] = ()


class BootDiagnostics(_Wire, frozen=True):
    """URLs of a VM's screenshot and serial log, with signatures, so they must not be shown."""

    console_screenshot_blob_uri: str | None = None
    serial_console_log_blob_uri: str | None = None


class DiskInPoint(_Wire, frozen=True):
    """A disk in a restore point: what a new disk is made from."""

    lun: int = 0
    disk_restore_point: Id | None = None


class PointStorage(_Wire, frozen=True):
    """The disks in a restore point."""

    os_disk: DiskInPoint = DiskInPoint()
    data_disks: tuple[DiskInPoint, ...] = ()


class PointMetadata(_Wire, frozen=True):
    """What the VM of a restore point was like."""

    storage_profile: PointStorage = PointStorage()


class PointProperties(_Wire, frozen=True):
    """A restore point's properties."""

    provisioning_state: str = ""
    source_metadata: PointMetadata = PointMetadata()


class RestorePoint(_Wire, frozen=True):
    """A restore point."""

    properties: PointProperties = PointProperties()
