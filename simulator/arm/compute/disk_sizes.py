"""The performance and tier of a managed disk, by its account type and size.

Takes the name of a sku and a size, gives the members that Azure shows. Those up to P30 and the
smallest of the others are recorded, the larger ones documented.
"""

from typing import NamedTuple

from simulator.arm.core.errors import Json


class Speed(NamedTuple):
    """A tier of a disk family: its largest size in GB, IOPS and MB per second."""

    largest_gb: int
    tier: str
    iops: int
    mbps: int


_PREMIUM = (
    Speed(4, "P1", 120, 25),
    Speed(8, "P2", 120, 25),
    Speed(16, "P3", 120, 25),
    Speed(32, "P4", 120, 25),
    Speed(64, "P6", 240, 50),
    Speed(128, "P10", 500, 100),
    Speed(256, "P15", 1100, 125),
    Speed(512, "P20", 2300, 150),
    Speed(1024, "P30", 5000, 200),
    Speed(2048, "P40", 7500, 250),
    Speed(4096, "P50", 7500, 250),
    Speed(8192, "P60", 16000, 500),
    Speed(16384, "P70", 18000, 750),
    Speed(32767, "P80", 20000, 900),
)
# Azure shows no tier for these.
_STANDARD_SSD = (
    Speed(4096, "", 500, 100),
    Speed(8192, "", 2000, 400),
    Speed(16384, "", 4000, 600),
    Speed(32767, "", 6000, 750),
)
_STANDARD = (
    Speed(4096, "", 500, 60),
    Speed(8192, "", 1300, 300),
    Speed(32767, "", 2000, 500),
)
# The request sets the performance of these; the default is the minimum.
_ULTRA = (Speed(65536, "", 100, 13),)
_PREMIUM_V2 = (Speed(65536, "", 3000, 125),)
_FAMILIES = {
    "Premium": ("Premium", _PREMIUM),
    "PremiumV2": ("Premium", _PREMIUM_V2),
    "StandardSSD": ("Standard", _STANDARD_SSD),
    "Standard": ("Standard", _STANDARD),
    "UltraSSD": ("Ultra", _ULTRA),
}
_SPEEDS = ("diskIOPSReadWrite", "diskMBpsReadWrite")
_OWN_SPEED = ("UltraSSD", "PremiumV2")


def sku_body(sku: str) -> Json:
    """Return a sku's body, with its tier."""
    return {"name": sku, "tier": _family(sku)[0]}


def speed_body(sku: str, size_gb: int, given: Json) -> Json:
    """Return a disk's performance, and a Premium disk's tier, which may be set higher."""
    speeds = _family(sku)[1]
    by_tier = {speed.tier: speed for speed in speeds if speed.tier}
    by_size = next((speed for speed in speeds if size_gb <= speed.largest_gb), speeds[-1])
    speed = by_tier.get(str(given.get("tier")), by_size)
    shown: Json = dict(zip(_SPEEDS, (speed.iops, speed.mbps), strict=True))
    if sku.partition("_")[0] in _OWN_SPEED:
        shown |= {name: given[name] for name in _SPEEDS if name in given}
    return shown | ({"tier": speed.tier} if speed.tier else {})


def without_fixed_speed(sku: str, properties: Json) -> Json:
    """Return a request's properties without the performance members that it cannot set."""
    if sku.partition("_")[0] in _OWN_SPEED:
        return properties
    return {name: value for name, value in properties.items() if name not in _SPEEDS}


def _family(sku: str) -> tuple[str, tuple[Speed, ...]]:
    return _FAMILIES.get(sku.partition("_")[0], _FAMILIES["Premium"])
