"""Every route of the simulated ARM, in one tuple; any other path answers 501."""

from simulator.arm.authorization import locks, permissions
from simulator.arm.compute import (
    boot_diagnostics,
    disk_access,
    disks,
    galleries,
    images,
    operation_polls,
    restore_points,
    run_commands,
    snapshots,
    versions,
    vm_power,
    vms,
)
from simulator.arm.core.routing import Route
from simulator.arm.health import resource_graph, resource_health
from simulator.arm.network import interfaces, networks
from simulator.arm.resources import directory, groups, inventory, tags
from simulator.arm.web import sites

ROUTES: tuple[Route, ...] = (
    *directory.ROUTES,
    *groups.ROUTES,
    *inventory.ROUTES,
    *networks.ROUTES,
    *interfaces.ROUTES,
    *vms.ROUTES,
    *vm_power.ROUTES,
    *boot_diagnostics.ROUTES,
    *run_commands.ROUTES,
    *disks.ROUTES,
    *disk_access.ROUTES,
    *snapshots.ROUTES,
    *restore_points.ROUTES,
    *images.ROUTES,
    *galleries.ROUTES,
    *versions.ROUTES,
    *operation_polls.ROUTES,
    *tags.ROUTES,
    *locks.ROUTES,
    *permissions.ROUTES,
    *resource_health.ROUTES,
    *resource_graph.ROUTES,
    *sites.ROUTES,
)
