"""The kinds of JSON that the members of ARM's bodies have, wherever they stand.

Takes a decoded body, gives it without nulls, which mean the same as nothing; refuses a member of
another kind than Azure's, as its own deserializer does. So the routes can rely on what they read.
"""

from typing import Any

from simulator.arm.core.errors import ArmError, Json

_NAMES: dict[type | tuple[type, ...], str] = {
    dict: "properties tags plan identity storageProfile osDisk hardwareProfile osProfile "
    "managedDisk networkProfile securityProfile imageReference creationData sourceVirtualMachine "
    "publishingProfile identifier purchasePlan diskEncryptionSet uefiSettings diffDiskSettings "
    "safetyProfile vhd image virtualMachineScaleSet recommended disallowed destination filter "
    "retryPolicy deadLetterDestination",
    str: "location name vmSize createOption caching osType osState hyperVGeneration publisher "
    "offer version exactVersion virtualMachineId id level notes securityType storageAccountType "
    "computerName diskControllerType sourceResourceId sourceUri operation deleteOption product "
    "uri architecture networkAccessPolicy publicNetworkAccess replicationMode topicType key "
    "inputSchema endpointType endpointUrl eventDeliverySchema subjectBeginsWith subjectEndsWith "
    "operatorType access fileFormat dataAccessAuthMode",
    list: "dataDisks targetRegions features networkInterfaces zones includedEventTypes "
    "advancedFilters",
    int: "diskSizeGB lun regionalReplicaCount replicaCount maxDeliveryAttempts "
    "eventTimeToLiveInMinutes durationInSeconds",
    bool: "excludeFromLatest getSecureVMGuestStateSAS",
    # Of disks and versions objects, of image references and topics text.
    (dict, str): "sku source",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_OF_LISTS = {"zones": str, "includedEventTypes": str}


def shaped(body: Json, at: str = "") -> Json:
    """Return the body without nulls; refuse the first member of the wrong kind."""
    return {
        name: _member(name, value, f"{at}.{name}" if at else name)
        for name, value in body.items()
        if value is not None
    }


def _member(name: str, value: Any, at: str) -> Any:  # noqa: ANN401 JSON
    kind = _KINDS.get(name)
    if kind and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise _wrong(value, at)
    if name == "tags":
        return value
    if isinstance(value, dict):
        return shaped(value, at)
    if isinstance(value, list) and kind is list:
        return [
            _element(one, _OF_LISTS.get(name, dict), f"{at}[{n}]") for n, one in enumerate(value)
        ]
    return value


def _element(value: Any, kind: type, at: str) -> Any:  # noqa: ANN401 JSON
    if not isinstance(value, kind):
        raise _wrong(value, at)
    return shaped(value, at) if isinstance(value, dict) else value


def _wrong(value: object, at: str) -> ArmError:
    message = f"The request content was invalid: could not convert '{value}' at path '{at}'."
    return ArmError(400, "InvalidRequestContent", message[:400], gateway=True)
