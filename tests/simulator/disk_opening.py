"""Helpers for tests of disks: grant and revoke access with the real SDK."""

from urllib.parse import urlsplit

from azure.identity import ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.compute.models import GrantAccessData

from simulator.simulator import Simulator


def os_disk(sim: Simulator, vm: str) -> str:
    """Return the id of a VM's OS disk."""
    return str(sim.client.vm(vm)["osDisk"])


def granted(client: ComputeManagementClient, disk: str, seconds: int = 300) -> str:
    """Grant access to a disk with the SDK, wait for it, and return the URL."""
    data = GrantAccessData(access="Read", duration_in_seconds=seconds)
    poller = client.disks.begin_grant_access(*_names(disk), data, polling_interval=0)
    return str(poller.result().access_sas)


def revoked(client: ComputeManagementClient, disk: str) -> None:
    """Revoke access to a disk with the SDK, and wait for it."""
    client.disks.begin_revoke_access(*_names(disk), polling_interval=0).result()


def unsigned(url: str) -> str:
    """Return a URL without its query."""
    return urlsplit(url)._replace(query="").geturl()


def token_for_disks(
    sim: Simulator, principal: str, scope: str = "https://disk.azure.com//.default"
) -> str:
    """Return a principal's token for reading disks, as azure-identity gets it."""
    named = sim.environment(principal)["AZURE_CLIENT_ID"]
    with ManagedIdentityCredential(client_id=named) as credential:
        return str(credential.get_token(scope).token)


def _names(disk: str) -> tuple[str, str]:
    return disk.split("/")[4], disk.rsplit("/", 1)[1]
