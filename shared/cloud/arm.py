"""The Azure Resource Manager client: one method for each request that Stillframe sends to it.

Takes the references of `shared/model/ids.py`. A read of one resource returns a struct of `wire.py`,
or `Missing` for 403 and 404; lists and `app_settings` raise `Refused` for these. A write returns
nothing, and a long operation is only started; access to a disk returns its `Progress`, to be
polled. Raises `Transient` and `Refused`, in a dry run `Withheld` for everything but a GET, and
`Misconfigured` for an endpoint without a token audience; never an error of the SDK. One `Arm` per
process.

Requests use the SDK's pipeline without its models, which would cost as much again as the request,
and are not imported before they are needed: only the writes that create something, or that nobody
can undo, use the SDK's operations (`operations.py`).
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse

from shared.cloud import wire
from shared.cloud.client import GRAPH, Counted, ReadsOnly, policies_of
from shared.cloud.errors import our_errors, seconds
from shared.cloud.pace import Paced
from shared.model.errors import Refused, Transient
from shared.model.facts import Missing
from shared.model.ids import GalleryTarget, ManagedImageRef, ManagedImageTarget, VersionRef, VmRef

if TYPE_CHECKING:
    from shared.cloud.operations import Operations

log = logging.getLogger(__name__)

_COMPUTE_API = "2026-04-01"
_DISK_API = "2026-03-02"
_GALLERY_API = "2026-03-03"
"""The api-versions that this SDK's own operations use."""

# Since 2026-03-03 Azure blocks deletion of a version for six months unless its body opts out.
_VERSION_API = "2025-12-03"

_GROUP_API = "2021-04-01"
_NETWORK_API = "2022-05-01"

DISK_SCOPE = "https://disk.azure.com//.default"
"""The scope of a token that reads the bytes of a disk; two slashes, as Azure documents it."""

_STOPS = (
    "healthresources "
    "| where type =~ 'microsoft.resourcehealth/availabilitystatuses' "
    "| where tostring(properties.availabilityState) =~ 'Unavailable' "
    "| project id = tolower(tostring(properties.targetResourceId)), "
    "occurred = tostring(properties.occurredTime) | order by id asc"
)
"""Source: https://learn.microsoft.com/azure/virtual-machines/resource-graph-availability"""

BLOCK = 1024 * 1024
"""Bytes of a response that are read at once; a page of a list has some hundred thousand."""

_VMS = "/providers/Microsoft.Compute/virtualMachines"


type Lesser = Callable[[bytes], object]
"""Decodes a row that does not match the schema by what is sure to be in it; raises as msgspec."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of an operation on a disk: the URL to poll, None after it has ended.

    `failure` is the code and message if it failed, `sas` the URL returned by opening, a secret;
    `retry_after` is in seconds.
    """

    poll: str | None
    failure: str | None = None
    sas: str | None = field(default=None, repr=False)
    retry_after: float | None = None


class Arm:
    """The pipeline of one process, and its connection pool."""

    def __init__(
        self, endpoint: str, credential: TokenCredential, *, dry_run: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._transport = RequestsTransport(
            connection_timeout=5, read_timeout=20, connection_data_block_size=BLOCK
        )
        self._pipeline: PipelineClient[HttpRequest, HttpResponse] | None = None
        self._of_subscription: dict[str, Operations] = {}
        self._making = threading.Lock()
        self._counted = Counted()
        self._before_sending = [*([ReadsOnly()] if dry_run else []), Paced(), self._counted]

    @property
    def requests(self) -> int:
        """The number of requests that this process has sent, retries included."""
        return self._counted.requests

    def vm(self, ref: VmRef) -> wire.Vm | Missing:
        """Return a VM's model and instance view, read with one GET."""
        return self._get(f"{ref.id}?$expand=instanceView", _COMPUTE_API, wire.Vm)

    def disk(self, disk_id: str) -> wire.Disk | Missing:
        """Return a managed disk."""
        return self._get(disk_id, _DISK_API, wire.Disk)

    def definition(self, target: GalleryTarget) -> wire.Definition | Missing:
        """Return a gallery image definition."""
        return self._get(target.scope, _GALLERY_API, wire.Definition)

    def versions(self, target: GalleryTarget) -> list[wire.Version]:
        """Return all versions of an image definition."""
        url = f"{target.scope}/versions?api-version={_GALLERY_API}"
        pages = self._pages(url, wire.VersionPage)
        return [version for page in pages for version in page.value]

    def galleries(self, group: ManagedImageTarget) -> Iterator[str]:
        """Yield the names of a resource group's galleries."""
        url = f"{group.scope}/providers/Microsoft.Compute/galleries?api-version={_GALLERY_API}"
        for page in self._pages(url, wire.NamedPage):
            yield from (gallery.name for gallery in page.value)

    def definitions(self, group: ManagedImageTarget, gallery: str) -> Iterator[str]:
        """Yield the names of a gallery's image definitions."""
        path = f"{group.scope}/providers/Microsoft.Compute/galleries/{gallery}/images"
        url = f"{path}?api-version={_GALLERY_API}"
        for page in self._pages(url, wire.NamedPage):
            yield from (definition.name for definition in page.value)

    def managed_images(self, group: ManagedImageTarget) -> Iterator[wire.Image]:
        """Yield a resource group's managed images."""
        url = f"{group.scope}/providers/Microsoft.Compute/images?api-version={_COMPUTE_API}"
        for page in self._pages(url, wire.ImagePage):
            yield from page.value

    def managed_image(self, ref: ManagedImageRef) -> wire.Image | Missing:
        """Return a managed image."""
        return self._get(ref.id, _COMPUTE_API, wire.Image)

    def version(self, ref: VersionRef) -> tuple[wire.Version, bytes] | Missing:
        """Return a gallery image version with its replication status, and the response's body.

        In the api-version in which a change sends it back.
        """
        url = f"{ref.id}?$expand=ReplicationStatus"
        content = self._read(url, _VERSION_API)
        if isinstance(content, Missing):
            return content
        return _decoded(content, wire.Version), content

    def permissions(self, scope: str) -> wire.Grants | Missing:
        """Return the caller's permissions on a resource or resource group."""
        url = f"{scope}/providers/Microsoft.Authorization/permissions"
        return self._get(url, "2022-04-01", wire.Grants)

    def merge_tags(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on a resource; its other tags are unchanged."""
        self._patch_tags(resource_id, "Merge", tags)

    def delete_tags(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Delete tags from a resource, if they have these values."""
        self._patch_tags(resource_id, "Delete", tags)

    def deallocate(self, ref: VmRef) -> None:
        """Start to deallocate a VM."""
        self._send(HttpRequest("POST", f"{ref.id}/deallocate?api-version={_COMPUTE_API}"))

    def generalize(self, ref: VmRef) -> None:
        """Mark a VM as generalized. It can never be started again."""
        self._operations(ref.subscription).generalize(ref)

    def create_managed_image(self, ref: ManagedImageRef, body: Mapping[str, Any]) -> None:
        """Start to create a managed image; `body` is the body of the PUT."""
        self._operations(ref.subscription).create_managed_image(ref, body)

    def put_version(self, ref: VersionRef, body: Mapping[str, Any]) -> None:
        """Start to create or change a gallery image version; `body` is the body of the PUT."""
        self._operations(ref.subscription).put_version(ref, body, _VERSION_API)

    def put_interface(self, interface_id: str, body: Mapping[str, Any]) -> None:
        """Create a network interface; `body` is the body of the PUT."""
        self._put(interface_id, _NETWORK_API, body)

    def create_vm(self, ref: VmRef, body: Mapping[str, Any]) -> None:
        """Start to create a VM; `body` is the body of the PUT."""
        self._operations(ref.subscription).create_vm(ref, body)

    def change_vm(self, ref: VmRef, body: Mapping[str, Any]) -> None:
        """Start to change a VM; `body` is the body of the PATCH."""
        url = f"{ref.id}?api-version={_COMPUTE_API}"
        self._send(HttpRequest("PATCH", url, json=body))

    def delete_vm(self, ref: VmRef, *, force: bool = True) -> None:
        """Start to delete a VM, with what it deletes with it."""
        self._operations(ref.subscription).delete_vm(ref, force=force)

    def delete(self, resource_id: str) -> None:
        """Start to delete a disk, a snapshot, restore points, or a network interface."""
        kind = resource_id.split("/")[-2].lower()
        api = {
            "disks": _DISK_API,
            "snapshots": _DISK_API,
            "restorepointcollections": _COMPUTE_API,
        }.get(kind, _NETWORK_API)
        url = f"{resource_id}?api-version={api}"
        self._send(HttpRequest("DELETE", url))

    def resources(self, group_id: str) -> Iterator[wire.Resource]:
        """Yield a resource group's resources."""
        url = f"{group_id}/resources?api-version={_GROUP_API}&$expand=createdTime"
        for page in self._pages(url, wire.ResourcePage):
            yield from page.value

    def boot_diagnostics(self, ref: VmRef) -> wire.BootDiagnostics:
        """Return URLs of a running VM's screenshot and serial log."""
        url = (
            f"{ref.id}/retrieveBootDiagnosticsData?api-version={_COMPUTE_API}"
            "&sasUriExpirationTimeInMinutes=5"
        )
        content = self._send(HttpRequest("POST", url))
        return _decoded(content, wire.BootDiagnostics)

    def put_disk(self, disk_id: str, body: Mapping[str, Any]) -> None:
        """Start to create a disk."""
        self._put(disk_id, _DISK_API, body)

    def put_snapshot(self, snapshot_id: str, body: Mapping[str, Any]) -> None:
        """Start to take a snapshot."""
        self._put(snapshot_id, _DISK_API, body)

    def put_collection(self, collection_id: str, body: Mapping[str, Any]) -> None:
        """Create a collection of restore points."""
        self._put(collection_id, _COMPUTE_API, body)

    def put_restore_point(self, collection_id: str, name: str) -> None:
        """Start to take a crash-consistent restore point, unless it is there."""
        body = {"properties": {"consistencyMode": "CrashConsistent"}}
        self._put(f"{collection_id}/restorePoints/{name}", _COMPUTE_API, body)

    def run_command(self, ref: VmRef, name: str, location: str, script: str) -> None:
        """Start a script in a VM's guest; that it has started is all that Azure waits for."""
        properties = {
            "source": {"script": script},
            "asyncExecution": True,
            "timeoutInSeconds": 3600,
            "treatFailureAsDeploymentFailure": False,
        }
        body = {"location": location, "properties": properties}
        self._put(f"{ref.id}/runCommands/{name}", _COMPUTE_API, body)

    def snapshot(self, snapshot_id: str) -> wire.Disk | Missing:
        """Return a snapshot."""
        return self._get(snapshot_id, _DISK_API, wire.Disk)

    def restore_point(self, collection_id: str, name: str) -> wire.RestorePoint | Missing:
        """Return a restore point."""
        url = f"{collection_id}/restorePoints/{name}"
        return self._get(url, _COMPUTE_API, wire.RestorePoint)

    def tags(self, resource_id: str) -> wire.Group | Missing:
        """Return a resource's id and tags."""
        kind = resource_id.split("/")[-2].lower()
        api = _COMPUTE_API if kind == "restorepointcollections" else _DISK_API
        return self._get(resource_id, api, wire.Group)

    def begin_disk_access(self, disk_id: str, seconds: int) -> Progress:
        """Start to open a disk for reading; Azure ends the access after `seconds`."""
        body = {"access": "Read", "durationInSeconds": seconds}
        return self._begin(disk_id, "beginGetAccess", body)

    def end_disk_access(self, disk_id: str) -> Progress:
        """Start to close a disk; this revokes the access of every reader."""
        return self._begin(disk_id, "endGetAccess", None)

    def poll(self, url: str) -> Progress:
        """Return the state of an operation on a disk."""
        return self._progress(HttpRequest("GET", url))

    def disk_token(self) -> str:
        """Return a token for disks that require one in addition to their URL."""
        with our_errors():
            return self._credential.get_token(DISK_SCOPE).token

    def health(self, ref: VmRef) -> wire.Availability | Missing:
        """Return the current availability status of a VM from Resource Health."""
        url = f"{ref.id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
        return self._get(url, "2022-10-01", wire.Availability)

    def stops(self, subscription: str) -> Iterator[wire.Stop]:
        """Yield the VMs that Resource Graph shows as unavailable, minutes late."""
        token: str | None = None
        while True:
            options = {"$top": 1000, **({"$skipToken": token} if token else {})}
            body = {"subscriptions": [subscription], "query": _STOPS, "options": options}
            request = HttpRequest("POST", f"{GRAPH}?api-version=2022-10-01", json=body)
            page = _decoded(self._send(request), wire.StopPage)
            yield from page.data
            token = page.skip_token
            if not token:
                return

    def vms(self, subscription: str, strange: dict[str, str]) -> Iterator[wire.ListedVm]:
        """Yield a subscription's VMs; decoding to the SDK's models would take 58 times as long.

        Rows that do not match the documented schema are added to `strange`: id to reason.
        """
        url = f"/subscriptions/{subscription}{_VMS}?api-version={_COMPUTE_API}"
        for page in self._pages(url, wire.VmPage, strange):
            yield from page.value

    def vm_states(self, subscription: str, strange: dict[str, str]) -> Iterator[wire.ListedVm]:
        """Yield the run states of a subscription's VMs; `strange` as in `vms`.

        Of a row only the id and the run state are sure to be there, or to be as in the other list.
        """
        url = f"/subscriptions/{subscription}{_VMS}?api-version={_COMPUTE_API}&statusOnly=true"
        for page in self._pages(url, wire.VmPage, strange, state_alone):
            yield from page.value

    def group(self, ref: VmRef) -> wire.Group | Missing:
        """Return a VM's resource group."""
        return self._get(ref.group_id, _GROUP_API, wire.Group)

    def groups(self, subscription: str) -> Iterator[wire.Group]:
        """Yield a subscription's resource groups."""
        url = f"/subscriptions/{subscription}/resourcegroups?api-version={_GROUP_API}"
        for page in self._pages(url, wire.GroupPage):
            yield from page.value

    def disks(self, group_id: str) -> Iterator[wire.ListedDisk]:
        """Yield a resource group's disks."""
        url = f"{group_id}/providers/Microsoft.Compute/disks?api-version={_DISK_API}"
        for page in self._pages(url, wire.DiskPage):
            yield from page.value

    def locks(self, subscription: str) -> Iterator[wire.Id]:
        """Yield every management lock in a subscription, at any scope."""
        scope = f"/subscriptions/{subscription}"
        url = f"{scope}/providers/Microsoft.Authorization/locks?api-version=2016-09-01"
        for page in self._pages(url, wire.LockPage):
            yield from page.value

    def subscriptions(self) -> Iterator[wire.Subscription]:
        """Yield the subscriptions in which the caller has any role assignment."""
        url = "/subscriptions?api-version=2022-12-01"
        for page in self._pages(url, wire.SubscriptionPage):
            yield from page.value

    def app_settings(self, app_id: str) -> dict[str, str]:
        """Return all settings of a function app, including its secrets."""
        url = f"{app_id}/config/appsettings/list?api-version=2024-04-01"
        content = self._send(HttpRequest("POST", url))
        return _decoded(content, wire.AppSettings).properties

    def _pages[P: wire.Page](
        self,
        url: str,
        shape: type[P],
        strange: dict[str, str] | None = None,
        lesser: Lesser | None = None,
    ) -> Iterator[P]:
        following: str | None = url
        while following:
            content = self._send(HttpRequest("GET", following))
            page, left_out = page_of(content, shape, lesser)
            if strange is not None:
                strange |= left_out
            yield page
            following = page.next_link

    def _put(self, resource_id: str, api: str, body: Mapping[str, Any]) -> None:
        url = f"{resource_id}?api-version={api}"
        self._send(HttpRequest("PUT", url, json=body))

    def _patch_tags(self, resource_id: str, operation: str, tags: Mapping[str, str]) -> None:
        path = f"{resource_id}/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
        body = {"operation": operation, "properties": {"tags": dict(tags)}}
        self._send(HttpRequest("PATCH", path, json=body))

    def _get[T](self, url: str, api: str, shape: type[T]) -> T | Missing:
        content = self._read(url, api)
        return content if isinstance(content, Missing) else _decoded(content, shape)

    def _read(self, url: str, api: str) -> bytes | Missing:
        version = f"{'&' if '?' in url else '?'}api-version={api}"
        try:
            return self._send(HttpRequest("GET", url + version))
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return Missing.GONE
            if error.status == HTTPStatus.FORBIDDEN:
                return Missing.DENIED
            raise

    def _begin(self, disk_id: str, act: str, body: Mapping[str, Any] | None) -> Progress:
        url = f"{disk_id}/{act}?api-version={_DISK_API}"
        return self._progress(HttpRequest("POST", url, json=body))

    def _progress(self, request: HttpRequest) -> Progress:
        response = self._ask(request)
        content = response.content
        operation = _decoded(content, wire.Operation) if content else wire.Operation()
        if operation.status in ("Failed", "Canceled"):
            error = operation.error or wire.Fault(operation.status)
            return Progress(poll=None, failure=f"{error.code}: {error.message}")
        at = response.headers.get("Azure-AsyncOperation")
        output = operation.properties.output if operation.properties else wire.DiskAccess()
        return Progress(
            poll=None if operation.status == "Succeeded" else at or str(request.url),
            sas=output.access_sas,
            retry_after=seconds(response.headers.get("Retry-After")),
        )

    def _send(self, request: HttpRequest) -> bytes:
        return self._ask(request).content

    def _ask(self, request: HttpRequest) -> HttpResponse:
        pipeline = self._connected()
        if request.url.startswith("/"):
            request.url = f"{self._endpoint}{request.url}"
        with our_errors():
            response = pipeline.send_request(request)
            response.raise_for_status()
            return response

    def _connected(self) -> PipelineClient[HttpRequest, HttpResponse]:
        """Return the pipeline; the first requests create it.

        Not under the lock: the endpoint may have to be asked for its audience, and if it does not
        answer, all requests must fail at the same time, not each after the one before.
        """
        if self._pipeline is None:
            made: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
                self._endpoint, **self._options()
            )
            with self._making:
                self._pipeline = self._pipeline or made
        return self._pipeline

    def _operations(self, subscription: str) -> "Operations":
        """Return the SDK's operations in a subscription."""
        from shared.cloud.operations import Operations  # noqa: PLC0415 loaded by who needs it

        key = subscription.lower()
        if key not in self._of_subscription:
            known = (key, self._endpoint, self._credential)
            made = Operations(*known, **self._options())
            with self._making:
                self._of_subscription.setdefault(key, made)
        return self._of_subscription[key]

    def _options(self) -> dict[str, Any]:
        """Return the options of a client of the SDK: our policies, the one connection pool."""
        policies = policies_of(self._endpoint, self._credential, self._before_sending)
        return {"transport": self._transport, "policies": policies}


_NO_ID = "without an id"


def page_of[P: wire.Page](
    content: bytes, shape: type[P], lesser: Lesser | None = None
) -> tuple[P, dict[str, str]]:
    """Return a page without the rows that do not match the schema, and these rows: id to reason.

    With `lesser` a row is left out only if that fails as well.
    """
    try:
        return msgspec.json.decode(content, type=shape), {}
    except msgspec.DecodeError:
        raw = _decoded(content, wire.RawPage)
    (rows,) = (field for field in msgspec.structs.fields(shape) if field.name == "value")
    row_type = rows.type.__args__[0]
    valid, left_out = [], {}
    for row in raw.value:
        try:
            valid.append(_row(bytes(row), row_type, lesser))
        except msgspec.ValidationError as error:
            row_id = _id(row)
            left_out[row_id] = str(error)
            log.warning("ignored a list row which is not as documented: %s: %s", row_id, error)
    page = shape(value=tuple(valid), next_link=raw.next_link)  # type: ignore[call-arg]
    return page, left_out


def _row(row: bytes, shape: Any, lesser: Lesser | None) -> object:  # noqa: ANN401 a struct's type
    try:
        return msgspec.json.decode(row, type=shape)
    except msgspec.ValidationError:
        if lesser is None:
            raise
        return lesser(row)


def state_alone(row: bytes) -> wire.ListedVm:
    """Return the run state in a row; what else is in it is not as in the other list."""
    state = msgspec.json.decode(row, type=wire.VmState)
    view = state.properties.instance_view
    return wire.ListedVm(state.id, properties=wire.ListedProperties(instance_view=view))


def _id(row: bytes) -> str:
    try:
        return msgspec.json.decode(row, type=wire.Id).id or _NO_ID
    except msgspec.ValidationError:
        return _NO_ID


def _decoded[T](content: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        msg = f"Azure's response could not be parsed: {error}"
        raise Transient(msg) from error
