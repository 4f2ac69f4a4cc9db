"""What a wake-up speaks to, and the settings it goes by: one set per process."""

from dataclasses import dataclass

from shared.arm import Arm
from shared.azure_client import find_credential
from shared.prices import Prices
from shared.settings import Settings
from shared.topic import Topic


@dataclass(frozen=True, slots=True)
class Azure:
    """Azure Resource Manager, the outcome topic, the price list, and the settings."""

    arm: Arm
    topic: Topic
    prices: Prices
    settings: Settings


def connect(settings: Settings) -> Azure:
    """Return the clients for these settings; no request is made yet."""
    credential = find_credential()
    return Azure(
        Arm(settings.arm_endpoint, credential),
        Topic(settings.outcome_topic, credential),
        Prices(settings.prices_endpoint, settings.guard_currency),
        settings,
    )
