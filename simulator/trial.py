"""What `make sim` offers for trying it out: an environment for clients, a gallery for orders.

The environment is the owner's, because a person writes orders; the app has its own. The variables
are those that Azure's clients read; each client takes its own. Not used by tests.
"""

from pathlib import Path

import requests

from simulator.arm.core.errors import Json
from simulator.owner import owner_session
from simulator.simulator import Simulator

# The resource group in which the usual template has the app look for its galleries.
GROUP = "images"
GALLERY = "golden"
DEFINITION = "windows"
_LOCATION = "westeurope"
_METADATA = "/metadata/endpoints?api-version=2019-05-01"


class TrialError(Exception):
    """The gallery for orders could not be created; the text is ARM's."""


def client_environment(simulator: Simulator) -> dict[str, str]:
    """Return the environment for clients that sign in as the owner, from any folder."""
    base = simulator.arm_endpoint
    return simulator.environment("owner") | {
        # make sweep, make status
        "SUBSCRIPTIONS": simulator.subscription_id,
        # az: its logins and clouds are kept apart from the user's; MSAL does no instance discovery
        "AZURE_CONFIG_DIR": str(config_dir(simulator)),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        # Node
        "NODE_EXTRA_CA_CERTS": str(simulator.ca_path),
        # Ansible; az reads the list of clouds from there as well
        "ARM_CLOUD_METADATA_URL": f"{base}{_METADATA}",
        "AZURE_CLOUD_ENVIRONMENT": base,
        "AZURE_DISABLE_INSTANCE_DISCOVERY": "true",
        "AZURE_SECRET": simulator.arm.rbac.named("owner").secret,
        "AZURE_TENANT": simulator.tenant_id,
    }


def config_dir(simulator: Simulator) -> Path:
    """Return the folder of the Azure CLI's configuration."""
    return (simulator.state_dir / "azure").resolve()


def forget_clouds(simulator: Simulator) -> None:
    """Remove the list of clouds that az has cached: the ports may have changed."""
    (config_dir(simulator) / "cloudEndpoints.json").unlink(missing_ok=True)


def stock(simulator: Simulator) -> str:
    """Create a gallery and a definition, as their owner would; return the definition's id."""
    group = f"/subscriptions/{simulator.subscription_id}/resourceGroups/{GROUP}"
    gallery = f"{group}/providers/Microsoft.Compute/galleries/{GALLERY}"
    definition = f"{gallery}/images/{DEFINITION}"
    with owner_session(simulator) as owner:
        _put(simulator, owner, f"{group}?api-version=2024-11-01", {})
        _put(simulator, owner, f"{gallery}?api-version=2024-03-03", {"properties": {}})
        body: Json = {
            "properties": {
                "osType": "Windows",
                "osState": "Generalized",
                "hyperVGeneration": "V2",
                "features": [{"name": "SecurityType", "value": "TrustedLaunch"}],
                "identifier": {"publisher": "me", "offer": DEFINITION, "sku": "trial"},
            }
        }
        _put(simulator, owner, f"{definition}?api-version=2024-03-03", body)
    return definition


def _put(simulator: Simulator, owner: requests.Session, path: str, body: Json) -> None:
    url = f"{simulator.arm_endpoint}{path}"
    answer = owner.put(url, json=body | {"location": _LOCATION}, timeout=30)
    if not answer.ok:
        msg = f"PUT {path}: {answer.status_code} {answer.text}"
        raise TrialError(msg)
