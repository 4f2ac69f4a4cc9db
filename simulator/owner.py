"""Requests to ARM as the owner of the simulated subscription, who may do everything."""

import requests

from simulator.arm.entra import identity
from simulator.simulator import Simulator


def owner_session(simulator: Simulator) -> requests.Session:
    """Return a session whose requests are the owner's; a token lasts a simulated year."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(simulator.ca_path)
    session.headers["Authorization"] = f"Bearer {_token(simulator)}"
    return session


def _token(simulator: Simulator) -> str:
    owner = simulator.environment("owner")
    answer = requests.get(
        owner["IDENTITY_ENDPOINT"],
        params={
            "api-version": "2019-08-01",
            "resource": simulator.arm_endpoint,
            "client_id": owner["AZURE_CLIENT_ID"],
        },
        headers={"X-IDENTITY-HEADER": identity.HEADER_SECRET},
        timeout=10,
    )
    return str(answer.json()["access_token"])
