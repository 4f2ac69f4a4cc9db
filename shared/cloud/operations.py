"""The compute SDK's own operations: the writes that create something, or that nobody can undo.

Importing the SDK takes as long as handling a hundred events. So `arm.py` imports this module when
the first such write is sent: an event that deallocates, or that finds nothing to do, needs none of
it. The SDK leaves out what Azure does not accept in a body that it has sent itself.
"""

from collections.abc import Mapping
from typing import Any

from azure.core.credentials import TokenCredential
from azure.mgmt.compute import ComputeManagementClient, models

from shared.cloud.errors import our_errors
from shared.model.ids import ManagedImageRef, VersionRef, VmRef


class Operations:
    """The client of one subscription; `options` are its transport and policies."""

    def __init__(
        self,
        subscription: str,
        endpoint: str,
        credential: TokenCredential,
        **options: Any,  # noqa: ANN401 the SDK's own
    ) -> None:
        self._client = ComputeManagementClient(
            credential, subscription, base_url=endpoint, **options
        )

    def generalize(self, ref: VmRef) -> None:
        """Mark a VM as generalized."""
        with our_errors():
            self._client.virtual_machines.generalize(ref.group, ref.name)

    def create_managed_image(self, ref: ManagedImageRef, body: Mapping[str, Any]) -> None:
        """Start to create a managed image."""
        with our_errors():
            self._client.images.begin_create_or_update(
                ref.group, ref.name, models.Image(body), polling=False
            )

    def put_version(self, ref: VersionRef, body: Mapping[str, Any], api: str) -> None:
        """Start to create or change a gallery image version, with an api-version."""
        with our_errors():
            self._client.gallery_image_versions.begin_create_or_update(
                *(ref.group, ref.gallery, ref.definition, ref.version),
                models.GalleryImageVersion(body),
                polling=False,
                api_version=api,
            )

    def create_vm(self, ref: VmRef, body: Mapping[str, Any]) -> None:
        """Start to create a VM."""
        with our_errors():
            self._client.virtual_machines.begin_create_or_update(
                ref.group, ref.name, models.VirtualMachine(body), polling=False
            )

    def delete_vm(self, ref: VmRef, *, force: bool) -> None:
        """Start to delete a VM, with what it deletes with it."""
        more = {"force_deletion": True} if force else {}
        with our_errors():
            self._client.virtual_machines.begin_delete(ref.group, ref.name, polling=False, **more)
