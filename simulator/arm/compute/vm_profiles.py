"""What a VM keeps of a request's profiles: without secrets, with defaults, the rest merged."""

from uuid import uuid4

from simulator.arm.core.errors import Json

_SECRETS = ("adminPassword", "customData")
_PATCHES = {"assessmentMode": "ImageDefault"}
_WINDOWS = {
    "provisionVMAgent": True,
    "enableAutomaticUpdates": True,
    "patchSettings": _PATCHES | {"patchMode": "AutomaticByOS"},
}
_LINUX = {
    "disablePasswordAuthentication": False,
    "provisionVMAgent": True,
    "patchSettings": _PATCHES | {"patchMode": "ImageDefault"},
}


def os_profile(known: Json, given: Json, os_type: str) -> Json:
    """Return a VM's osProfile after a request: without secrets, with defaults."""
    shown = {name: value for name, value in given.items() if name not in _SECRETS}
    windows = os_type == "Windows"
    name, default = (
        ("windowsConfiguration", _WINDOWS) if windows else ("linuxConfiguration", _LINUX)
    )
    always = {"secrets": [], "allowExtensionOperations": True, "requireGuestProvisionSignal": True}
    return merged(always | {name: default} | known, shown)


def merged(known: Json, given: Json) -> Json:
    """Return an object with the members of a request, and the others as they were."""
    both = {
        name: merged(known[name], value)
        for name, value in given.items()
        if isinstance(value, dict) and isinstance(known.get(name), dict)
    }
    return known | given | both


def identity_of(known: Json, given: Json | None, tenant: str) -> Json | None:
    """Return a VM's identity as Azure shows it, with the ids of each principal.

    Identities that the request omits stay; the type `None` removes all. The ids are invented.
    """
    if given is None:
        return known or None
    kind = given.get("type", "None")
    if kind == "None":
        return None
    asked, had = (one.get("userAssignedIdentities") or {} for one in (given, known))
    users = {
        name: had.get(name) for name in had | asked if name not in asked or asked[name] is not None
    }
    shown: Json = {"type": kind}
    if "SystemAssigned" in kind:
        principal = known.get("principalId") or str(uuid4())
        shown |= {"principalId": principal, "tenantId": tenant}
    if "UserAssigned" in kind:
        shown["userAssignedIdentities"] = {
            name: said or {"principalId": str(uuid4()), "clientId": str(uuid4())}
            for name, said in users.items()
        }
    return shown
