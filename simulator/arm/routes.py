"""Every route of the simulated ARM, in one tuple: what is not here answers 501."""

from simulator.arm import (
    directory,
    disk_access,
    disks,
    galleries,
    images,
    interfaces,
    inventory,
    locks,
    operation_polls,
    permissions,
    resource_health,
    sites,
    snapshots,
    tags,
    versions,
    vm_power,
    vms,
)
from simulator.arm.routing import Route

ROUTES: tuple[Route, ...] = (
    *directory.ROUTES,
    *inventory.ROUTES,
    *interfaces.ROUTES,
    *vms.ROUTES,
    *vm_power.ROUTES,
    *disks.ROUTES,
    *disk_access.ROUTES,
    *snapshots.ROUTES,
    *images.ROUTES,
    *galleries.ROUTES,
    *versions.ROUTES,
    *operation_polls.ROUTES,
    *tags.ROUTES,
    *locks.ROUTES,
    *permissions.ROUTES,
    *resource_health.ROUTES,
    *sites.ROUTES,
)
