"""The demo's platform engineer: creates a gallery and a workshop, tags VMs, with the real SDK.

Signed in as the simulator's owner. Sends the same requests as the portal or `az`.
"""

from pathlib import Path

import requests
from azure.core.rest import HttpRequest
from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.compute.models import Gallery, GalleryImage

from demo.cast import DEFINITIONS, GALLERY, IMAGES_GROUP, WORKSHOP_GROUP, Definition
from simulator.simulator import Simulator

LOCATION = "westeurope"
POLL = 0.2
"""Seconds between two polls; the simulator's minutes are seconds."""


class Engineer:
    """A client with every permission in the simulated subscription."""

    def __init__(self, simulator: Simulator) -> None:
        owner = simulator.environment("owner")["AZURE_CLIENT_ID"]
        self._subscription = simulator.subscription_id
        self._credential = ManagedIdentityCredential(client_id=owner)
        self._compute = ComputeManagementClient(
            self._credential,
            simulator.subscription_id,
            base_url=simulator.arm_endpoint,
            credential_scopes=[f"{simulator.arm_endpoint}/.default"],
            polling_interval=POLL,
        )

    def make_gallery(self) -> None:
        """Create the gallery and its image definitions."""
        galleries = self._compute.galleries
        made = galleries.begin_create_or_update(IMAGES_GROUP, GALLERY, Gallery(location=LOCATION))
        made.result()
        for definition in DEFINITIONS:
            self._compute.gallery_images.begin_create_or_update(
                IMAGES_GROUP, GALLERY, definition.name, GalleryImage(_definition_body(definition))
            ).result()

    def make_workshop(self) -> None:
        """Create the workshop's network, as the template does."""
        group = f"/subscriptions/{self._subscription}/resourceGroups/{WORKSHOP_GROUP}"
        network = f"{group}/providers/Microsoft.Network/virtualNetworks/{WORKSHOP_GROUP}-{LOCATION}"
        subnet = {"name": "machines", "properties": {"addressPrefix": "10.255.255.0/24"}}
        space = {"addressPrefixes": ["10.255.255.0/24"]}
        body = {"location": LOCATION, "properties": {"addressSpace": space, "subnets": [subnet]}}
        request = HttpRequest("PUT", f"{network}?api-version=2022-05-01", json=body)
        self._compute.send_request(request).raise_for_status()

    def left_in_workshop(self) -> list[str]:
        """Return the names of the temporary resources in the workshop."""
        group = f"/subscriptions/{self._subscription}/resourceGroups/{WORKSHOP_GROUP}"
        request = HttpRequest("GET", f"{group}/resources?api-version=2021-04-01")
        rows = self._compute.send_request(request).json()["value"]
        return [row["name"] for row in rows if not row["type"].endswith("/virtualNetworks")]

    def latest(self, definition: str) -> str | None:
        """Return the version that a VM from the definition would get, None without one."""
        versions = self._compute.gallery_image_versions.list_by_gallery_image(
            IMAGES_GROUP, GALLERY, definition
        )
        counting = [
            str(version.name)
            for version in versions
            if version.properties
            and version.properties.publishing_profile
            and not version.properties.publishing_profile.exclude_from_latest
        ]
        return max(counting, key=lambda name: [int(part) for part in name.split(".")], default=None)

    def download(self, url: str, to: Path, trusted: Path) -> None:
        """Save a blob of the app's storage, as somebody with Storage Blob Data Reader."""
        token = self._credential.get_token("https://storage.azure.com/.default").token
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03"}
        answer = requests.get(url, headers=headers, verify=str(trusted), timeout=30)
        answer.raise_for_status()
        to.write_bytes(answer.content)

    def tag(self, vm_id: str, tags: dict[str, str]) -> None:
        """Set tags of a VM, as `az tag update --operation Merge` does."""
        path = f"{vm_id}/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
        body = {"operation": "Merge", "properties": {"tags": tags}}
        answer = self._compute.send_request(HttpRequest("PATCH", path, json=body))
        answer.raise_for_status()

    def deallocate(self, vm_id: str) -> None:
        """Deallocate a VM, as `az vm deallocate --no-wait` does."""
        group, name = vm_id.split("/")[4], vm_id.split("/")[8]
        self._compute.virtual_machines.begin_deallocate(group, name, polling=False)

    def start(self, vm_id: str) -> None:
        """Start a VM, as `az vm start --no-wait` does."""
        group, name = vm_id.split("/")[4], vm_id.split("/")[8]
        self._compute.virtual_machines.begin_start(group, name, polling=False)


def _definition_body(definition: Definition) -> dict[str, object]:
    """Return the body of a definition's PUT.

    Without a security type it would be TrustedLaunchSupported; no VM can be captured into that.
    """
    features = {"SecurityType": definition.security_type, "DiskControllerTypes": "SCSI, NVMe"}
    return {
        "location": LOCATION,
        "properties": {
            "osType": definition.os_type,
            "osState": "Generalized",
            "hyperVGeneration": "V2",
            "architecture": "x64",
            "identifier": {"publisher": "Contoso", "offer": "Golden", "sku": definition.name},
            "features": [{"name": name, "value": value} for name, value in features.items()],
        },
    }
