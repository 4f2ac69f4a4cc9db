"""Azure Resource Manager: every request Stillframe makes of it, and nothing else.

Takes references of `model.py`; gives the structs of `wire.py` for reads (or `Missing`), nothing for
operations, which are started and not awaited. Raises `Transient` and `Refused`, no error of the
SDK's. One `Arm` per process: a client costs 18 ms, a look must not pay that.

Reads go through the SDK's pipeline, but not through its models, which would cost as much again as
the request itself. Deallocate, generalize and images go through the SDK's own operations; tags and
the access to a disk, which the compute SDK has no or no bare operations for, through its pipeline.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.compute import ComputeManagementClient, models

from shared.cloud import wire
from shared.cloud.client import Counted, ReadsOnly, new_client
from shared.cloud.errors import our_errors, seconds
from shared.model.errors import Refused, Transient
from shared.model.facts import Missing
from shared.model.ids import GalleryTarget, ManagedImageRef, ManagedImageTarget, VersionRef, VmRef

log = logging.getLogger(__name__)

_COMPUTE_API = "2026-04-01"
_DISK_API = "2026-03-02"
_GALLERY_API = "2026-03-03"
"""The api-versions that this SDK's own operations speak."""

# From 2026-03-03 on Azure forbids for six months to delete a version that says nothing of it.
_NEW_VERSION_API = "2025-12-03"

DISK_SCOPE = "https://disk.azure.com//.default"
"""What a token for the bytes of disks is made out to; two slashes, as Azure documents it."""

_NO_SUBSCRIPTION = ""
"""The client for requests which are about no subscription."""

_VMS = "/providers/Microsoft.Compute/virtualMachines"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operation on a disk is: where to ask again, None once it has ended.

    `failure` is why it failed, `sas` the URL that opening gives, a secret; `retry_after` is in
    seconds.
    """

    poll: str | None
    failure: str | None = None
    sas: str | None = field(default=None, repr=False)
    retry_after: float | None = None


class Arm:
    """The clients of one process, one for each subscription, over one pool of connections."""

    def __init__(
        self, endpoint: str, credential: TokenCredential, *, dry_run: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._transport = RequestsTransport(connection_timeout=5, read_timeout=20)
        self._clients: dict[str, ComputeManagementClient] = {}
        self._making = threading.Lock()
        self._counted = Counted()
        self._before_sending = [*([ReadsOnly()] if dry_run else []), self._counted]

    @property
    def requests(self) -> int:
        """How many requests this process has sent."""
        return self._counted.requests

    def vm(self, ref: VmRef) -> wire.Vm | Missing:
        """Return a VM's model and instance view, by one GET."""
        return self._get(ref.subscription, f"{ref.id}?$expand=instanceView", _COMPUTE_API, wire.Vm)

    def disk(self, disk_id: str) -> wire.Disk | Missing:
        """Return a managed disk."""
        return self._get(subscription_of(disk_id), disk_id, _DISK_API, wire.Disk)

    def definition(self, target: GalleryTarget) -> wire.Definition | Missing:
        """Return a gallery's image definition."""
        return self._get(target.subscription, target.scope, _GALLERY_API, wire.Definition)

    def versions(self, target: GalleryTarget) -> list[wire.Version]:
        """Return all versions of an image definition."""
        url = f"{target.scope}/versions?api-version={_GALLERY_API}"
        pages = self._pages(target.subscription, url, wire.VersionPage)
        return [version for page in pages for version in page.value]

    def galleries(self, group: ManagedImageTarget) -> Iterator[str]:
        """Yield the names of a resource group's galleries."""
        url = f"{group.scope}/providers/Microsoft.Compute/galleries?api-version={_GALLERY_API}"
        for page in self._pages(group.subscription, url, wire.NamedPage):
            yield from (one.name for one in page.value)

    def definitions(self, group: ManagedImageTarget, gallery: str) -> Iterator[str]:
        """Yield the names of a gallery's image definitions."""
        path = f"{group.scope}/providers/Microsoft.Compute/galleries/{gallery}/images"
        url = f"{path}?api-version={_GALLERY_API}"
        for page in self._pages(group.subscription, url, wire.NamedPage):
            yield from (one.name for one in page.value)

    def managed_images(self, group: ManagedImageTarget) -> Iterator[wire.Image]:
        """Yield a resource group's managed images."""
        url = f"{group.scope}/providers/Microsoft.Compute/images?api-version={_COMPUTE_API}"
        for page in self._pages(group.subscription, url, wire.ImagePage):
            yield from page.value

    def managed_image(self, ref: ManagedImageRef) -> wire.Image | Missing:
        """Return a managed image."""
        return self._get(ref.subscription, ref.id, _COMPUTE_API, wire.Image)

    def version(self, ref: VersionRef) -> wire.Version | Missing:
        """Return a gallery image version, and how far it is in each region."""
        url = f"{ref.id}?$expand=ReplicationStatus"
        return self._get(ref.subscription, url, _GALLERY_API, wire.Version)

    def permissions(self, scope: str, subscription: str) -> wire.Grants | Missing:
        """Return what the app may do on a resource or group."""
        url = f"{scope}/providers/Microsoft.Authorization/permissions"
        return self._get(subscription, url, "2022-04-01", wire.Grants)

    def merge_tags(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a resource; every other tag stays as it is."""
        self._patch_tags(resource_id, "Merge", tags)

    def delete_tags(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Take tags off a resource, where they have these values."""
        self._patch_tags(resource_id, "Delete", tags)

    def deallocate(self, ref: VmRef) -> None:
        """Start a VM's deallocation."""
        operations = self._client(ref.subscription).virtual_machines
        with our_errors():
            operations.begin_deallocate(ref.group, ref.name, polling=False)

    def generalize(self, ref: VmRef) -> None:
        """Mark a VM generalized. It can never run again."""
        operations = self._client(ref.subscription).virtual_machines
        with our_errors():
            operations.generalize(ref.group, ref.name)

    def create_managed_image(self, ref: ManagedImageRef, body: Mapping[str, Any]) -> None:
        """Start a managed image; `body` has the wire's shape."""
        operations = self._client(ref.subscription).images
        with our_errors():
            operations.begin_create_or_update(
                ref.group, ref.name, models.Image(body), polling=False
            )

    def create_version(self, ref: VersionRef, body: Mapping[str, Any]) -> None:
        """Start a gallery image version; `body` has the wire's shape."""
        operations = self._client(ref.subscription).gallery_image_versions
        with our_errors():
            operations.begin_create_or_update(
                ref.group,
                ref.gallery,
                ref.definition,
                ref.version,
                models.GalleryImageVersion(body),
                polling=False,
                api_version=_NEW_VERSION_API,
            )

    def begin_disk_access(self, disk_id: str, seconds: int) -> Progress:
        """Start opening a disk's bytes for reading, for so long at most."""
        body = {"access": "Read", "durationInSeconds": seconds}
        return self._begin(disk_id, "beginGetAccess", body)

    def end_disk_access(self, disk_id: str) -> Progress:
        """Start closing a disk's bytes, to everybody."""
        return self._begin(disk_id, "endGetAccess", None)

    def poll(self, disk_id: str, url: str) -> Progress:
        """Return how far an operation on a disk is."""
        return self._progress(subscription_of(disk_id), HttpRequest("GET", url))

    def disk_token(self) -> str:
        """Return a token for the bytes of disks that want one beside their URL."""
        with our_errors():
            return self._credential.get_token(DISK_SCOPE).token

    def health(self, ref: VmRef) -> wire.Availability | Missing:
        """Return what Resource Health says of a VM now."""
        url = f"{ref.id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
        return self._get(ref.subscription, url, "2022-10-01", wire.Availability)

    def vms(self, subscription: str, strange: dict[str, str]) -> Iterator[wire.ListedVm]:
        """Yield a subscription's VMs; the SDK's own models of them would cost 58 times as much.

        Those that are not as documented are noted in `strange`, by id and with the reason.
        """
        url = f"/subscriptions/{subscription}{_VMS}?api-version={_COMPUTE_API}"
        for page in self._pages(subscription, url, wire.VmPage, strange):
            yield from page.value

    def vm_states(self, subscription: str, strange: dict[str, str]) -> Iterator[wire.VmState]:
        """Yield the run states of a subscription's VMs; `strange` as in `vms`."""
        url = f"/subscriptions/{subscription}{_VMS}?api-version={_COMPUTE_API}&statusOnly=true"
        for page in self._pages(subscription, url, wire.StatePage, strange):
            yield from page.value

    def groups(self, subscription: str) -> Iterator[wire.Group]:
        """Yield a subscription's resource groups."""
        url = f"/subscriptions/{subscription}/resourcegroups?api-version=2021-04-01"
        for page in self._pages(subscription, url, wire.GroupPage):
            yield from page.value

    def disks(self, group_id: str) -> Iterator[wire.ListedDisk]:
        """Yield a resource group's disks."""
        url = f"{group_id}/providers/Microsoft.Compute/disks?api-version={_DISK_API}"
        for page in self._pages(subscription_of(group_id), url, wire.DiskPage):
            yield from page.value

    def locks(self, subscription: str) -> Iterator[wire.Id]:
        """Yield every lock in a subscription, on whatever it lies."""
        scope = f"/subscriptions/{subscription}"
        url = f"{scope}/providers/Microsoft.Authorization/locks?api-version=2016-09-01"
        for page in self._pages(subscription, url, wire.LockPage):
            yield from page.value

    def subscriptions(self) -> Iterator[wire.Subscription]:
        """Yield the subscriptions in which the caller has any role."""
        url = "/subscriptions?api-version=2022-12-01"
        for page in self._pages(_NO_SUBSCRIPTION, url, wire.SubscriptionPage):
            yield from page.value

    def app_settings(self, app_id: str) -> dict[str, str]:
        """Return all settings of a function app, its secrets among them."""
        url = f"{app_id}/config/appsettings/list?api-version=2024-04-01"
        content = self._send(subscription_of(app_id), HttpRequest("POST", url))
        return _decoded(content, wire.AppSettings).properties

    def _pages[P: wire.Page](
        self, subscription: str, url: str, shape: type[P], strange: dict[str, str] | None = None
    ) -> Iterator[P]:
        following: str | None = url
        while following:
            content = self._send(subscription, HttpRequest("GET", following))
            page, left_out = page_of(content, shape)
            if strange is not None:
                strange |= left_out
            yield page
            following = page.next_link

    def _patch_tags(self, resource_id: str, operation: str, tags: Mapping[str, str]) -> None:
        path = f"{resource_id}/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
        body = {"operation": operation, "properties": {"tags": dict(tags)}}
        self._send(subscription_of(resource_id), HttpRequest("PATCH", path, json=body))

    def _get[T](self, subscription: str, url: str, api: str, shape: type[T]) -> T | Missing:
        version = f"{'&' if '?' in url else '?'}api-version={api}"
        try:
            content = self._send(subscription, HttpRequest("GET", url + version))
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return Missing.GONE
            if error.status == HTTPStatus.FORBIDDEN:
                return Missing.DENIED
            raise
        return _decoded(content, shape)

    def _begin(self, disk_id: str, act: str, body: Mapping[str, Any] | None) -> Progress:
        url = f"{disk_id}/{act}?api-version={_DISK_API}"
        return self._progress(subscription_of(disk_id), HttpRequest("POST", url, json=body))

    def _progress(self, subscription: str, request: HttpRequest) -> Progress:
        response = self._ask(subscription, request)
        said = _decoded(response.content, wire.Operation) if response.content else wire.Operation()
        if said.status in ("Failed", "Canceled"):
            error = said.error or wire.Fault(said.status)
            return Progress(poll=None, failure=f"{error.code}: {error.message}")
        at = response.headers.get("Azure-AsyncOperation")
        output = said.properties.output if said.properties else wire.DiskAccess()
        return Progress(
            poll=None if said.status == "Succeeded" else at or str(request.url),
            sas=output.access_sas,
            retry_after=seconds(response.headers.get("Retry-After")),
        )

    def _send(self, subscription: str, request: HttpRequest) -> bytes:
        return self._ask(subscription, request).content

    def _ask(self, subscription: str, request: HttpRequest) -> HttpResponse:
        with our_errors():
            response = self._client(subscription).send_request(request)
            response.raise_for_status()
            return response

    def _client(self, subscription: str) -> ComputeManagementClient:
        key = subscription.lower()
        with self._making:
            if key not in self._clients:
                self._clients[key] = new_client(
                    *(self._endpoint, self._credential, key, self._transport),
                    before_sending=self._before_sending,
                )
            return self._clients[key]


_NO_ID = "without an id"


def page_of[P: wire.Page](content: bytes, shape: type[P]) -> tuple[P, dict[str, str]]:
    """Return a page of a list without the rows that are not as documented, and why by their id."""
    try:
        return msgspec.json.decode(content, type=shape), {}
    except msgspec.DecodeError:
        raw = _decoded(content, wire.RawPage)
    (rows,) = (one for one in msgspec.structs.fields(shape) if one.name == "value")
    row = rows.type.__args__[0]
    whole, left_out = [], {}
    for one in raw.value:
        try:
            whole.append(msgspec.json.decode(one, type=row))
        except msgspec.ValidationError as error:
            named = _id(one)
            left_out[named] = str(error)
            log.warning("left out of a list, for it is not as documented: %s: %s", named, error)
    page = shape(value=tuple(whole), next_link=raw.next_link)  # type: ignore[call-arg]
    return page, left_out


def _id(row: bytes) -> str:
    try:
        return msgspec.json.decode(row, type=wire.Id).id or _NO_ID
    except msgspec.ValidationError:
        return _NO_ID


def _decoded[T](content: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        msg = f"Azure's answer is garbled: {error}"
        raise Transient(msg) from error


def subscription_of(resource_id: str) -> str:
    """Return the subscription in a resource id: `/subscriptions/<this>/..`."""
    return resource_id.split("/", 3)[2]
