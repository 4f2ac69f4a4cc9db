"""The conditions of a VM in Resource Health, with Azure's texts.

Constants only. A VM holds its condition and the instant at which that began.
"""

from dataclasses import dataclass

from simulator.arm.compute.machine import Power

CUSTOMER = "Customer Initiated"


@dataclass(frozen=True)
class Condition:
    """A state with title and summary; `context` is who caused an unavailable one."""

    state: str
    title: str
    summary: str
    context: str = ""


_BY = "as requested by an authorized user or process."
UNKNOWN = Condition(
    "Unknown", "Unknown", "We are currently unable to determine the health of this virtual machine."
)
AVAILABLE = Condition(
    "Available",
    "Available",
    "There aren't any known Azure platform problems affecting this virtual machine.",
)
STOPPED_INSIDE = Condition(
    "Unavailable",
    "Stopped by user or process",
    "This virtual machine is stopping as requested by an authorized user or process, or by guest "
    "activity from within the virtual machine.",
    CUSTOMER,
)
CRASHED = Condition(
    "Unavailable",
    "Crashed",
    "This virtual machine is unavailable because its operating system has crashed.",
    "Platform Initiated",
)
# By the power state after an operation of ARM.
LEFT_BY_ARM = {
    Power.STOPPED: Condition(
        "Unavailable", "Stopped by user", f"This virtual machine is stopping {_BY}", CUSTOMER
    ),
    Power.DEALLOCATED: Condition(
        "Unavailable",
        "Stopped and deallocated",
        f"This virtual machine is stopped and deallocated {_BY}",
        CUSTOMER,
    ),
}
