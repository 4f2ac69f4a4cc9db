"""Request bodies of a test VM and its interface: an image -> the bodies of the PUTs.

Pure but for the password, which is random and kept by nobody. The interface is in the workshop's
network of the image's region, which the template makes. Everything goes with the VM.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from shared.model.facts import ObservedImage
from shared.model.ids import VmRef
from shared.workshop.machine import TrialMachine, machine_of, plan_of

USER = "stillframe"
SUBNET = "machines"
_GONE = {"deleteOption": "Delete"}
_DISK = {"createOption": "FromImage", **_GONE}
_COMPUTER_NAME_LIMIT = 15


def interface_id(ref: VmRef) -> str:
    """Return the id of a temporary VM's interface."""
    return f"{ref.group_id}/providers/Microsoft.Network/networkInterfaces/{ref.name}-nic"


def interface_body(location: str, ref: VmRef, carried: Mapping[str, str]) -> dict[str, Any]:
    """Return the PUT body of a temporary VM's interface."""
    network = f"{ref.group_id}/providers/Microsoft.Network/virtualNetworks/{ref.group}-"
    subnet = {"id": f"{network}{location}/subnets/{SUBNET}"}
    address = {"privateIPAllocationMethod": "Dynamic", "subnet": subnet}
    return {
        "location": location,
        "tags": dict(carried),
        "properties": {"ipConfigurations": [{"name": "ipconfig1", "properties": address}]},
    }


def trial_body(image: ObservedImage, ref: VmRef, carried: Mapping[str, str]) -> dict[str, Any]:
    """Return the PUT body of a test VM."""
    machine = machine_of(image)
    plan = plan_of(image.tags)
    body: dict[str, Any] = {
        "location": image.location,
        "tags": dict(carried),
        "properties": {
            "hardwareProfile": {"vmSize": machine.size},
            "storageProfile": _storage(image, ref, machine),
            "osProfile": _os_profile(ref, machine),
            "networkProfile": {
                "networkInterfaces": [
                    {"id": interface_id(ref), "properties": {"primary": True, **_GONE}}
                ]
            },
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
            **security_body(machine),
            **({"licenseType": machine.license_type} if machine.license_type else {}),
        },
    }
    if plan:
        body["plan"] = {
            "publisher": plan.publisher,
            "product": plan.product,
            "name": plan.name,
        }
    return body


def _storage(image: ObservedImage, ref: VmRef, machine: TrialMachine) -> dict[str, Any]:
    storage: dict[str, Any] = {
        "imageReference": {"id": image.ref.id},
        "osDisk": {"name": f"{ref.name}-os", **_DISK},
        "dataDisks": [
            {"lun": lun, "name": f"{ref.name}-data-{lun}", **_DISK} for lun in machine.luns
        ],
    }
    if machine.controller:
        storage["diskControllerType"] = machine.controller
    return storage


def _os_profile(ref: VmRef, machine: TrialMachine) -> dict[str, Any]:
    windows = machine.os_type == "Windows"
    profile: dict[str, Any] = {
        "computerName": ref.name.replace("-", "")[:_COMPUTER_NAME_LIMIT],
        "adminUsername": USER,
        "adminPassword": f"aA1!{secrets.token_urlsafe(32)}",
    }
    settings: dict[str, Any] = {"provisionVMAgent": True}
    if windows:
        settings["enableAutomaticUpdates"] = False
    else:
        settings["disablePasswordAuthentication"] = False
    return profile | {("windows" if windows else "linux") + "Configuration": settings}


def security_body(machine: TrialMachine) -> dict[str, Any]:
    """Return the security profile of a temporary VM, as a member; nothing for a standard VM."""
    profile: dict[str, Any] = {}
    if machine.security_type and machine.security_type != "Standard":
        profile["securityType"] = machine.security_type
        profile["uefiSettings"] = {
            "secureBootEnabled": machine.secure_boot,
            "vTpmEnabled": machine.vtpm,
        }
    if machine.host_encryption:
        profile["encryptionAtHost"] = True
    return {"securityProfile": profile} if profile else {}
