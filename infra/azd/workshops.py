"""azd's hook before the platform: makes sure that each workshop has its resource group.

With `STILLFRAME_WORKSHOP=true` there is a workshop in each watched subscription, in the resource
group `<environment>-workshop`. The template creates no such group here: `azd down` would mistake
one in another subscription for one of the home subscription, by name, and never end.
"""

from __future__ import annotations

import os

from arm import Arm, run, say
from image_group import deployment_name, is_there, make_group, named_group
from topics import watched

SETTING = "STILLFRAME_WORKSHOP"


def workshops() -> list[str]:
    """Return the ids of the workshops' resource groups, whether or not there are workshops."""
    return [named_group(f"{deployment_name()}-workshop", one) for one in watched()]


def see_to_them() -> None:
    """Create the groups that are missing."""
    if os.environ.get(SETTING, "").strip().lower() != "true":
        return
    arm = Arm()
    for group in workshops():
        if not is_there(arm, group):
            make_group(arm, group, "temporary VMs of boot tests")
            say(f"created {group} for temporary VMs")


if __name__ == "__main__":
    run("workshops", see_to_them)
