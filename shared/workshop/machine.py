"""What a test VM must be like: a source VM -> a tag on its image -> the parts of the VM's body.

Pure. The source may be gone when its image is tested, so what matters of it is kept on the image,
in one tag: `size=Standard_D4s_v5 os=Windows security=TrustedLaunch ..`. Azure refuses a VM from an
image whose size, controller or security type does not fit, so they are those of the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.model.facts import ObservedImage, ObservedVm, Plan
from shared.model.tags import SourceTag


@dataclass(frozen=True, slots=True)
class TrialMachine:
    """A test VM's size, OS, security, disk controller, licence, and the luns of its data disks."""

    size: str
    os_type: str
    security_type: str = ""
    secure_boot: bool = False
    vtpm: bool = False
    controller: str = ""
    host_encryption: bool = False
    license_type: str = ""
    luns: tuple[int, ...] = ()


def machine_tag(vm: ObservedVm) -> str:
    """Return the tag that describes a source VM; words without a value are left out."""
    words = {
        "size": vm.machine.size,
        "os": vm.os_type,
        "security": vm.security_type or "",
        "secureBoot": "yes" if vm.secure_boot else "",
        "vtpm": "yes" if vm.vtpm else "",
        "controller": vm.disk_controller or "",
        "hostEncryption": "yes" if vm.host_encryption else "",
        "license": vm.license_type,
        "luns": ",".join(str(disk.lun) for disk in vm.data_disks),
    }
    return " ".join(f"{name}={value}" for name, value in words.items() if value)


def machine_of(image: ObservedImage) -> TrialMachine:
    """Return the machine that an image's tag describes."""
    text = image.tags.get(SourceTag.MACHINE, "")
    words = dict(word.split("=", 1) for word in text.split() if "=" in word)
    luns = words.get("luns", "").split(",")
    return TrialMachine(
        size=words.get("size", ""),
        os_type=words.get("os", ""),
        security_type=words.get("security", ""),
        secure_boot="secureBoot" in words,
        vtpm="vtpm" in words,
        controller=words.get("controller", ""),
        host_encryption="hostEncryption" in words,
        license_type=words.get("license", ""),
        luns=tuple(int(lun) for lun in luns if lun.isdecimal()),
    )


def plan_of(tags: Mapping[str, str]) -> Plan | None:
    """Return the marketplace plan in an image's tags."""
    names = (SourceTag.PLAN_PUBLISHER, SourceTag.PLAN_PRODUCT, SourceTag.PLAN_NAME)
    publisher, product, name = (tags.get(each, "") for each in names)
    return Plan(publisher, product, name) if name else None
