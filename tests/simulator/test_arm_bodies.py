"""Request bodies with each member wrong in every way: refused or accepted, never a crash."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.simulator import Simulator
from tests.simulator.conftest import Arms

type Json = dict[str, Any]
type Path = tuple[str | int, ...]

WRONG: tuple[object, ...] = (None, "", "nonsense", 7, -1, True, 1.5, [], [7], [[]], {}, {"a": 7})
GONE = object()

DISK: Json = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4, "osType": "Windows"}
IDENTIFIER = {"publisher": "Contoso", "offer": "Golden", "sku": "windows"}
VM: Json = {
    "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
    "storageProfile": {
        "imageReference": {
            "publisher": "MicrosoftWindowsServer",
            "offer": "WindowsServer",
            "sku": "2022-datacenter-azure-edition",
            "version": "latest",
        },
        "osDisk": {
            "createOption": "FromImage",
            "name": "os",
            "diskSizeGB": 127,
            "managedDisk": {"storageAccountType": "Premium_LRS"},
            "deleteOption": "Delete",
        },
        "dataDisks": [{"lun": 0, "createOption": "Empty", "diskSizeGB": 4}],
        "diskControllerType": "SCSI",
    },
    "osProfile": {"computerName": "web", "adminUsername": "azureuser", "adminPassword": "x"},
    "networkProfile": {"networkInterfaces": [{"id": "/x", "properties": {"primary": True}}]},
    "securityProfile": {"securityType": "TrustedLaunch", "uefiSettings": {"vTpmEnabled": True}},
    "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    "priority": "Regular",
}
VM_CHANGE = {name: VM[name] for name in ("osProfile", "networkProfile", "diagnosticsProfile")} | {
    "storageProfile": {"dataDisks": [{"lun": 0, "createOption": "Empty", "diskSizeGB": 4}]}
}
DEFINITION: Json = {
    "osType": "Windows",
    "osState": "Generalized",
    "hyperVGeneration": "V2",
    "architecture": "x64",
    "identifier": IDENTIFIER,
    "features": [{"name": "SecurityType", "value": "TrustedLaunch"}],
}
VERSION: Json = {
    "storageProfile": {"source": {"virtualMachineId": "{source}"}},
    "publishingProfile": {
        "targetRegions": [{"name": "westeurope", "regionalReplicaCount": 1}],
        "excludeFromLatest": True,
        "endOfLifeDate": "2099-01-01T00:00:00Z",
    },
    "safetyProfile": {"blockDeletionBeforeEndOfLife": False},
}
EVENTS: Json = {
    "destination": {
        "endpointType": "WebHook",
        "properties": {"endpointUrl": "https://localhost:1/hook"},
    },
    "filter": {
        "includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"],
        "advancedFilters": [{"operatorType": "StringIn", "key": "subject", "values": ["x"]}],
    },
    "retryPolicy": {"maxDeliveryAttempts": 3, "eventTimeToLiveInMinutes": 5},
    "eventDeliverySchema": "EventGridSchema",
}
COMPUTE, GRID = "providers/Microsoft.Compute", "providers/Microsoft.EventGrid"
TAGS = f"{COMPUTE}/virtualMachines/other/providers/Microsoft.Resources/tags/default"


def resource(properties: Json, **beside: object) -> Json:
    """Return a resource's body."""
    return {
        "location": "westeurope",
        "tags": {"a": "b"},
        "properties": properties,
    } | beside


BODIES: dict[str, tuple[str, str, Json]] = {
    "vm": (
        "PUT",
        f"{COMPUTE}/virtualMachines/web",
        resource(VM, identity={"type": "SystemAssigned"}, zones=["1"]),
    ),
    "vm's change": ("PATCH", f"{COMPUTE}/virtualMachines/other", resource(VM_CHANGE)),
    "disk": ("PUT", f"{COMPUTE}/disks/d", resource(DISK, sku={"name": "Premium_LRS"})),
    "snapshot": (
        "PUT",
        f"{COMPUTE}/snapshots/s",
        resource({"creationData": {"createOption": "Copy", "sourceResourceId": "{disk}"}}),
    ),
    "image": (
        "PUT",
        f"{COMPUTE}/images/i",
        resource({"sourceVirtualMachine": {"id": "{plain}"}, "hyperVGeneration": "V1"}),
    ),
    "image of a disk": (
        "PUT",
        f"{COMPUTE}/images/j",
        resource(
            {
                "storageProfile": {
                    "osDisk": {
                        "osType": "Windows",
                        "osState": "Generalized",
                        "managedDisk": {"id": "{disk}"},
                    },
                    "dataDisks": [{"lun": 0, "managedDisk": {"id": "{disk}"}}],
                },
                "hyperVGeneration": "V2",
            }
        ),
    ),
    "gallery": ("PUT", f"{COMPUTE}/galleries/h", resource({"description": "x"})),
    "definition": ("PUT", f"{COMPUTE}/galleries/g/images/e", resource(DEFINITION)),
    "version": ("PUT", f"{COMPUTE}/galleries/g/images/d/versions/1.0.0", resource(VERSION)),
    "access": (
        "POST",
        f"{COMPUTE}/disks/free/beginGetAccess",
        {"access": "Read", "durationInSeconds": 60, "fileFormat": "VHD"},
    ),
    "group": ("PUT", "", {"location": "westeurope", "tags": {"a": "b"}}),
    "tags": ("PATCH", TAGS, {"operation": "Merge", "properties": {"tags": {"a": "b"}}}),
    "lock": (
        "PUT",
        f"{COMPUTE}/disks/free/providers/Microsoft.Authorization/locks/l",
        {"properties": {"level": "CanNotDelete", "notes": "x"}},
    ),
    "system topic": (
        "PUT",
        f"{GRID}/systemTopics/t",
        resource(
            {"source": "{subscription}", "topicType": "Microsoft.Resources.Subscriptions"},
            location="global",
        ),
    ),
    "topic": ("PUT", f"{GRID}/topics/u", resource({"inputSchema": "CloudEventSchemaV1_0"})),
    "event subscription": (
        "PUT",
        f"{GRID}/topics/own/eventSubscriptions/e",
        {"properties": EVENTS},
    ),
}


def paths(body: Any, at: Path = ()) -> Iterator[Path]:  # noqa: ANN401 JSON
    """Yield the path of every member and every element of a body."""
    inside = body.items() if isinstance(body, dict) else enumerate(body)
    for name, value in inside:
        yield (*at, name)
        if isinstance(value, dict | list):
            yield from paths(value, (*at, name))


def changed(body: Json, path: Path, value: object) -> Json:
    """Return the body with another value at a path, or without the member."""
    whole = copy.deepcopy(body)
    holder: Any = whole
    for step in path[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return whole


def filled(value: Any, names: dict[str, str]) -> Any:  # noqa: ANN401 JSON
    """Put the ids of existing resources into a body."""
    if isinstance(value, dict):
        return {name: filled(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def furnished(sim: Simulator, arm: Arms) -> dict[str, str]:
    """Create what the bodies refer to, and return the ids; a new world per change is too slow."""
    owner, group = arm("owner"), sim.client.create_group("rg-bodies")
    sim.client.settings(unknown_interfaces="accept")
    source = sim.client.create_vm(
        "source", group="rg-bodies", power="deallocated", generalized=True, data_disks=[{}]
    )
    plain = sim.client.create_vm(
        "plain", group="rg-bodies", generation="V1", power="deallocated", generalized=True
    )
    sim.client.create_vm("other", group="rg-bodies")
    free = f"{group}/{COMPUTE}/disks/free"
    owner("PUT", free, resource(DISK))
    owner("PUT", f"{group}/{COMPUTE}/galleries/g", resource({}))
    sim.client.advance(5)
    own = DEFINITION | {"identifier": IDENTIFIER | {"sku": "own"}}
    owner("PUT", f"{group}/{COMPUTE}/galleries/g/images/d", resource(own))
    owner("PUT", f"{group}/{GRID}/topics/own", resource({}))
    sim.client.advance(5)
    return {
        "{group}": group,
        "{source}": source,
        "{plain}": plain,
        "{disk}": free,
        "{subscription}": f"/subscriptions/{sim.subscription_id}",
    }


@pytest.mark.parametrize("what", BODIES)
def test_no_body_breaks_the_simulator(sim: Simulator, arm: Arms, what: str) -> None:
    """Each member missing, null, or of another kind: an answer of Azure's, or 501, never 500.

    A refusal has a code and a message, in Azure's form.
    """
    names, owner = furnished(sim, arm), arm("owner")
    method, tail, body = BODIES[what]
    url = f"{names['{group}']}/{tail}".rstrip("/")
    as_it_is = owner(method, url, filled(body, names))
    assert as_it_is.ok or what == "event subscription", as_it_is.text
    sim.client.advance(600)
    for path in paths(body):
        for value in (GONE, *WRONG):
            answer = owner(method, url, filled(changed(body, path, value), names))
            assert answer.status_code in {*range(200, 300), *range(400, 500), 501}, (path, value)
            if answer.status_code >= 400:
                assert answer.json()["error"]["code"], (path, value)
                assert answer.json()["error"]["message"], (path, value)
            sim.client.advance(600)
