"""A stub of Azure Resource Manager for the benchmark: prepared bytes, so that it is no bottleneck.

Its rows are those of the simulator, which is compared with recorded traffic; only names differ. It
answers what a sweep and an event ask for, each answer after `delay` seconds, and counts requests.
`python -m bench.stub <plan>` serves what a JSON file says and prints its port.
"""

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.simulator import HOST

PAGE = 300
"""VMs of a page; Azure's have about as many."""

NAMED = "vm-name-to-replace"
SUBSCRIPTION = "5a1e0000-0000-4000-8000-00000000a2e5"
TENANT = "00000000-0000-4000-8000-000000000000"
_LIST = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"
_ALL = [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]


class Answers:
    """The bodies by kind of request; `plan` has rows, `vms`, `stopped` and `delay`."""

    def __init__(self, plan: dict[str, Any], port: int) -> None:
        self.delay: float = plan["delay"]
        self.requests = 0
        self._rows = plan["rows"]
        self._base = f"https://{HOST}:{port}"
        vms, stopped = plan["vms"], plan["stopped"]
        self._stopped = stopped
        self._lists = {
            kind: list(self._pages(kind, vms, stopped)) for kind in ("plain", "statusOnly")
        }
        scopes = ("/metadata/endpoints", {"authentication": {"audiences": [self._base]}})
        token = {"access_token": "t", "expires_on": "4102444800", "resource": self._base}
        self._fixed = [
            (scopes[0], _json(scopes[1])),
            ("/msi/", _json(token | {"token_type": "Bearer"})),
            ("/permissions", _json({"value": _ALL})),
            ("/resourcegroups", _json({"value": []})),
            ("/locks", _json({"value": []})),
            ("/Microsoft.ResourceGraph/", _json({"data": [], "totalRecords": 0, "count": 0})),
            ("/tags/default", _json({"properties": {"tags": {}}})),
            ("/disks/", self._rows["disk"].encode()),
            ("/networkInterfaces/", self._rows["nic"].encode()),
            *self._entra(),
        ]
        kinds = {"idle": "vm plain", "waiting": "vm running", "off": "vm stopped"}
        self._vms: dict[str, bytes] = {
            name: self._rows[kind].encode() for name, kind in kinds.items()
        }

    def _entra(self) -> list[tuple[str, bytes]]:
        """Return what `az login` asks for."""
        endpoint = f"{self._base}/{TENANT}/oauth2/v2.0"
        names = ("token", "authorize", "devicecode")
        token, authorize, device = (f"{endpoint}/{name}" for name in names)
        configuration = {
            "issuer": f"{self._base}/{TENANT}/",
            "token_endpoint": token,
            "authorization_endpoint": authorize,
            "device_authorization_endpoint": device,
        }
        issued = {"access_token": "t", "token_type": "Bearer", "expires_in": 86400}
        subscription = {
            "id": f"/subscriptions/{SUBSCRIPTION}",
            "subscriptionId": SUBSCRIPTION,
            "tenantId": TENANT,
            "displayName": "stub",
            "state": "Enabled",
        }
        return [
            ("/.well-known/openid-configuration", _json(configuration)),
            ("/oauth2/v2.0/token", _json(issued)),
            ("/subscriptions?", _json({"value": [subscription]})),
        ]

    def answer(self, method: str, path: str) -> tuple[int, bytes]:
        """Return the status and body of a request."""
        self.requests += 1
        if path.startswith("/_requests"):
            return 200, str(self.requests - 1).encode()
        if path.startswith(f"{_LIST}?"):
            found = re.search(r"page=(\d+)", path)
            kind = "statusOnly" if "statusOnly=true" in path else "plain"
            return 200, self._lists[kind][int(found[1]) if found else 0]
        for part, body in self._fixed:
            if part in path:
                return 200, body
        if method == "POST":
            return 202, b""
        return 200, self._vm(path.partition("?")[0].rpartition("/")[2])

    def _vm(self, name: str) -> bytes:
        """Return a VM with its instance view; those with numbers are the ones in the lists."""
        number = name.removeprefix("vm-")
        if number.isdecimal():
            return self._vms["off" if int(number) < self._stopped else "idle"]
        return self._vms[name]

    def _pages(self, kind: str, vms: int, stopped: int) -> Iterator[bytes]:
        """Yield the pages of a list: the first VMs are stopped and reported."""
        off, on = (self._rows[f"{kind} {power}"] for power in ("stopped", "running"))
        for first in range(0, vms, PAGE):
            numbers = range(first, min(first + PAGE, vms))
            rows = ",".join(
                (off if number < stopped else on).replace(NAMED, f"vm-{number:06d}")
                for number in numbers
            )
            api = f"api-version=2026-04-01{'&statusOnly=true' if kind == 'statusOnly' else ''}"
            link = f"{self._base}{_LIST}?{api}&page={first // PAGE + 1}"
            more = f',"nextLink":"{link}"' if first + PAGE < vms else ""
            yield f'{{"value":[{rows}]{more}}}'.encode()


class Connection(asyncio.Protocol):
    """One connection: requests in, prepared answers out, in their order."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 of TCP
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].decode("latin-1")
            length = re.search(r"(?i)\ncontent-length: *(\d+)", head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            method, path, _ = head.split("\r\n", 1)[0].split(" ")
            status, body = self._answers.answer(method, path)
            answer = (
                f"HTTP/1.1 {status} OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode() + body
            asyncio.get_running_loop().call_later(
                self._answers.delay, self._transport.write, answer
            )


async def serve(plan: dict[str, Any]) -> None:
    """Serve until the process ends; print the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(plan["certificate"])
    answers: list[Answers] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers[0]), HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    answers.append(Answers(plan, port))
    print(port, flush=True)  # noqa: T201 read by who started it
    await server.serve_forever()


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
