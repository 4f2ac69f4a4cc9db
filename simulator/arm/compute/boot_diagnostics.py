"""Boot diagnostics with managed storage: URLs of a VM's screenshot and serial log, for a while.

`retrieveBootDiagnosticsData` answers at once. The URLs have a signature, and end with the VM.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from azure.mgmt.compute import models

from simulator.arm.compute.records import Vm
from simulator.arm.compute.vm_errors import not_running
from simulator.arm.compute.vm_power import VM
from simulator.arm.core import errors
from simulator.arm.core.answer import Answer
from simulator.arm.core.call import Call, member
from simulator.arm.core.errors import ArmError
from simulator.arm.core.resource import Resource
from simulator.arm.core.routing import Route

PREFIX = "/bootdiagnostics"
SCREENSHOT, SERIAL = "screenshot.bmp", "serialconsole.log"
_USUAL_MINUTES, _MOST_MINUTES = 120, 1440


@dataclass(kw_only=True, eq=False)
class Diagnostics(Resource):
    """What a VM's URLs lead to: its `id` is their path, `signature` and `ends` admit a reader."""

    vm: Vm
    signature: str
    ends: datetime
    kind: ClassVar[str] = "bootDiagnostics"


def retrieve(call: Call) -> Answer:
    """Give the URLs of a VM's screenshot and serial log."""
    vm = call.world.get(Vm, call.resource_id(Vm.kind, "vm"))
    if not member(vm.properties, "diagnosticsProfile", "bootDiagnostics", "enabled"):
        raise _disabled(vm.name)
    if not vm.allocated:
        raise not_running()
    minutes = call.query.get("sasUriExpirationTimeInMinutes", str(_USUAL_MINUTES))
    if not minutes.isdecimal() or not 1 <= int(minutes) <= _MOST_MINUTES:
        name = "sasUriExpirationTimeInMinutes"
        msg = f"The value '{minutes}' of parameter '{name}' is out of range."
        raise errors.invalid_parameter(msg, name)
    ends = call.world.clock.now() + timedelta(minutes=int(minutes))
    path = f"{PREFIX}/{vm.vm_id}"
    opened = Diagnostics(id=path, vm=vm, signature=secrets.token_urlsafe(32), ends=ends)
    call.world.add(opened)
    urls = [f"{call.base}{path}/{name}?sig={opened.signature}" for name in (SCREENSHOT, SERIAL)]
    return Answer(body={"consoleScreenshotBlobUri": urls[0], "serialConsoleLogBlobUri": urls[1]})


def _disabled(vm: str) -> ArmError:
    message = (
        f"Cannot retrieve boot diagnostics data for VM '{vm}' because boot diagnostics is disabled."
    )
    return errors.operation_not_allowed(message)


ROUTES = (
    Route(
        "POST",
        f"{VM}/retrieveBootDiagnosticsData",
        retrieve,
        "LowCostGet",
        gives=models.RetrieveBootDiagnosticsDataResult,
        since="2020-06-01",
    ),
)
