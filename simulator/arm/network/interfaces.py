"""The network interfaces that VMs refer to, without addresses.

Read-only, and derived from the VM that refers to them; networks are not simulated.
"""

from simulator.arm.compute.records import Vm
from simulator.arm.core import ids
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call
from simulator.arm.core.errors import Json
from simulator.arm.core.routing import Route

KIND = "Microsoft.Network/networkInterfaces"


def get_interface(call: Call) -> Answer:
    """Show a network interface that a VM refers to."""
    interface_id = call.resource_id(KIND, "interface")
    for vm in call.world.of(Vm):
        profile = vm.properties.get("networkProfile") or {}
        for named in profile.get("networkInterfaces") or []:
            if str(named.get("id")).lower() == interface_id.lower():
                return Answer(body=_body(vm, interface_id))
    raise call.world.missing(interface_id)


def _body(vm: Vm, interface_id: str) -> Json:
    address = {"privateIPAllocationMethod": "Dynamic", "primary": True}
    return {
        "name": interface_id.rsplit("/", 1)[1],
        "id": interface_id,
        "type": KIND,
        "location": vm.location,
        "properties": {
            "provisioningState": "Succeeded",
            "ipConfigurations": [{"name": "ipconfig1", "properties": address}],
            "enableAcceleratedNetworking": True,
            "primary": True,
            "virtualMachine": {"id": ids.with_group(vm.id, vm.group)},
        },
    }


ROUTES = (
    Route(
        "GET",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
        "Microsoft.Network/networkInterfaces/{interface}",
        get_interface,
    ),
)
