"""Which subscriptions to look at where nobody names any: all enabled ones that the caller can see.

Azure lists a subscription to whoever has a role anywhere in it.
"""

from collections.abc import Mapping

from shared.cloud.arm import Arm
from shared.cloud.client import find_credential
from shared.model.settings import PUBLIC_ARM, Name
from shared.model.values import read_https

ENABLED = "Enabled"
"""The state of a subscription that Azure restricts in no way."""


def enabled_subscriptions(environment: Mapping[str, str]) -> list[str]:
    """Return their ids, sorted."""
    given = environment.get(Name.ARM_ENDPOINT, "").strip()
    endpoint = read_https(Name.ARM_ENDPOINT, given or PUBLIC_ARM)
    found = Arm(endpoint, find_credential()).subscriptions()
    return sorted(one.subscription_id for one in found if one.state == ENABLED)
