"""The subscriptions to read if none is named: all that are enabled and visible to the user.

Azure lists a subscription to every principal with a role assignment in it.
"""

from collections.abc import Mapping

from shared.cloud.arm import Arm
from shared.cloud.client import find_credential
from shared.model.settings import PUBLIC_ARM, Name
from shared.model.values import read_https

ENABLED = "Enabled"
"""The state of a subscription without restrictions."""


def enabled_subscriptions(environment: Mapping[str, str]) -> list[str]:
    """Return the ids of all enabled subscriptions that are visible, sorted."""
    given = environment.get(Name.ARM_ENDPOINT, "").strip()
    endpoint = read_https(Name.ARM_ENDPOINT, given or PUBLIC_ARM)
    found = Arm(endpoint, find_credential()).subscriptions()
    return sorted(each.subscription_id for each in found if each.state == ENABLED)
