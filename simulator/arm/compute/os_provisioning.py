"""What becomes of a new VM's guest: OS provisioning of a generalized image, as Azure reports it.

Takes what the image was really made from, gives how long its creation takes and how it ends. An
image whose system was not generalized boots, but never signals that it is provisioned; one that
does not start is silent. Both fail after the same time, and the VM keeps running.
"""

from dataclasses import dataclass

from simulator.arm.compute.records import Capture, Sysprep
from simulator.arm.core.errors import Failure


@dataclass(frozen=True)
class Boot:
    """How the creation of a VM ends: the duration's name, whether the guest runs, the failure."""

    duration: str = "create"
    runs: bool = True
    failure: Failure | None = None


STARTED = Boot()
"""A VM from a marketplace image, a disk, or a specialized image: nothing waits for its guest."""


def boot_of(vm: str, capture: Capture) -> Boot:
    """Return how a VM from a generalized image starts; `vm` is its name."""
    if not capture.boots:
        return Boot("osProvisioningTimeout", runs=False, failure=_timed_out(vm))
    if capture.sysprep is Sysprep.SUCCEEDED:
        return Boot("osProvisioning")
    return Boot("osProvisioningTimeout", failure=_not_prepared(vm))


def _timed_out(vm: str) -> Failure:
    message = (
        f"OS Provisioning for VM '{vm}' did not finish in the allotted time. The VM may still "
        "finish provisioning successfully. Please check provisioning state later. Also, make sure "
        "the image has been properly prepared (generalized)."
    )
    return Failure("OSProvisioningTimedOut", message)


def _not_prepared(vm: str) -> Failure:
    message = (
        f"OS Provisioning for VM '{vm}' did not finish in the allotted time. However, the VM guest "
        "agent was detected running. This suggests the guest OS has not been properly prepared to "
        "be used as a VM image (with CreateOption=FromImage). To resolve this issue, either use "
        "the VHD as is with CreateOption=Attach or prepare it properly for use as an image."
    )
    return Failure("OSProvisioningClientError", message)
