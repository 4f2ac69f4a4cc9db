"""The power states of a VM and the acts allowed in each: one table.

Takes a power state and an act, gives the states that the VM goes through, or the error. All other
causes of an error (an operation in progress, a generalized VM) are checked first, in `verdict`, in
Azure's order.

- A VM that starts from deallocated shows `stopped` for a moment before `starting`.
- Acts that change nothing (deallocating a deallocated VM) are accepted and end at once.
- A generalized VM never runs again; it can still be stopped, deallocated and deleted.
- starting, stopping and deallocating exist only while an operation is in progress. A newer
  deallocation preempts a start, restart or stop; any other act is then a conflict.
"""

from dataclasses import dataclass
from enum import StrEnum

from simulator.arm.compute import vm_errors
from simulator.arm.core import errors
from simulator.arm.core.errors import ArmError


class Power(StrEnum):
    """PowerState/ codes of the instance view."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DEALLOCATING = "deallocating"
    DEALLOCATED = "deallocated"


class Act(StrEnum):
    """The acts of ARM on a VM's power, by the last segment of the path."""

    START = "start"
    RESTART = "restart"
    POWER_OFF = "powerOff"
    DEALLOCATE = "deallocate"
    GENERALIZE = "generalize"


@dataclass(frozen=True)
class Move:
    """The states shown during the operation, in order, and the final state."""

    to: Power
    via: tuple[Power, ...] = ()


type Refusal = str

NEEDS_POWER_OFF: Refusal = "running"
NOT_ALLOCATED: Refusal = "not allocated"
CONFLICT: Refusal = "conflict"

_SETTLED: dict[tuple[Power, Act], Move | Refusal] = {
    (Power.RUNNING, Act.START): Move(Power.RUNNING),
    (Power.RUNNING, Act.RESTART): Move(Power.RUNNING),
    (Power.RUNNING, Act.POWER_OFF): Move(Power.STOPPED, (Power.STOPPING,)),
    (Power.RUNNING, Act.DEALLOCATE): Move(Power.DEALLOCATED, (Power.DEALLOCATING,)),
    (Power.RUNNING, Act.GENERALIZE): NEEDS_POWER_OFF,
    (Power.STOPPED, Act.START): Move(Power.RUNNING, (Power.STARTING,)),
    (Power.STOPPED, Act.RESTART): Move(Power.RUNNING, (Power.STARTING,)),
    (Power.STOPPED, Act.POWER_OFF): Move(Power.STOPPED),
    (Power.STOPPED, Act.DEALLOCATE): Move(Power.DEALLOCATED, (Power.DEALLOCATING,)),
    (Power.STOPPED, Act.GENERALIZE): Move(Power.STOPPED),
    (Power.DEALLOCATED, Act.START): Move(Power.RUNNING, (Power.STOPPED, Power.STARTING)),
    (Power.DEALLOCATED, Act.RESTART): NOT_ALLOCATED,
    (Power.DEALLOCATED, Act.POWER_OFF): Move(Power.DEALLOCATED),
    (Power.DEALLOCATED, Act.DEALLOCATE): Move(Power.DEALLOCATED),
    (Power.DEALLOCATED, Act.GENERALIZE): Move(Power.DEALLOCATED),
}
_UNDER_WAY: dict[tuple[Power, Act], Move | Refusal] = {
    (power, act): CONFLICT
    for power in (Power.STARTING, Power.STOPPING, Power.DEALLOCATING)
    for act in Act
}
TABLE: dict[tuple[Power, Act], Move | Refusal] = _SETTLED | _UNDER_WAY

# A generalized VM refuses these, whatever its power state.
NEVER_AGAIN = frozenset({Act.START, Act.RESTART})

# What a newer deallocation preempts instead of waiting for it.
PREEMPTED_BY_DEALLOCATE = frozenset({Act.START, Act.RESTART, Act.POWER_OFF})


def verdict(
    name: str, power: Power, act: Act, *, generalized: bool, under_way: str | None
) -> Move | ArmError:
    """Return the move for an act, or Azure's error; `under_way` is the act in progress."""
    if under_way == "delete":
        return vm_errors.marked_for_deletion(act, name)
    if under_way and not preempts(act, under_way):
        return errors.concurrent_operation()
    if generalized and act in NEVER_AGAIN:
        return vm_errors.vm_is_generalized(act, name)
    if under_way:
        return Move(Power.DEALLOCATED, (Power.DEALLOCATING,))
    found = TABLE[power, act]
    return found if isinstance(found, Move) else _refusal(found, name, act)


def preempts(act: Act, under_way: str) -> bool:
    """Say whether a new act preempts the act in progress instead of being refused."""
    return act is Act.DEALLOCATE and under_way in PREEMPTED_BY_DEALLOCATE


def _refusal(reason: Refusal, name: str, act: Act) -> ArmError:
    if reason == NEEDS_POWER_OFF:
        return vm_errors.vm_is_running(name)
    if reason == NOT_ALLOCATED:
        return vm_errors.vm_is_deallocated(act, name)
    return errors.concurrent_operation()
