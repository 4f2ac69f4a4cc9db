"""What a wake-up speaks to, and the settings it goes by: one set per process."""

from dataclasses import dataclass

from shared.cloud.arm import Arm
from shared.cloud.client import find_credential
from shared.cloud.prices import Prices
from shared.cloud.topic import Topic
from shared.model.settings import Settings


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
