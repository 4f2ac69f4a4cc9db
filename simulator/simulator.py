"""The simulator as a whole: started and stopped, on two ports, with its own CA.

Runs in a thread inside a test or the demo, or under `python -m simulator`. Gives the endpoints,
the CA's path, and the environment variables with which a client uses it in place of Azure.
"""

import asyncio
import errno
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from simulator.arm.core.errors import Json
from simulator.arm.core.rbac import DEFAULT_ROLES, read_roles
from simulator.arm.entra import identity
from simulator.blob.append import ACCOUNT
from simulator.certificates import certificates
from simulator.client import SimClient
from simulator.clock import Clock
from simulator.eventgrid.grid import EventGrid
from simulator.prices import server as price_list
from simulator.server import Arm

SUBSCRIPTION = "5a1e0000-0000-4000-8000-00000000a2e5"
TENANT = "7e4a0000-0000-4000-8000-00000000d1e7"
HOST = "localhost"
OUTCOMES = "/topics/outcomes/api/events"


class PortTaken(OSError):
    """Something else already listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken (address already in use)")
        self.port = port


@dataclass
class Simulator:
    """One simulated subscription. Port 0 takes any free one; `speed` 0: only `advance` moves time.

    With `check_answers` its own answers are checked against Microsoft's models, too: see
    `/_sim/differences`. Without `trust_system` its clients trust its CA alone, which saves time.
    """

    port: int = 0
    identity_port: int = 0
    speed: float = 1.0
    state_dir: Path = Path(".sim")
    roles: Path = DEFAULT_ROLES
    start_at: datetime | None = None
    subscription_id: str = SUBSCRIPTION
    tenant_id: str = TENANT
    check_answers: bool = False
    trust_system: bool = True

    def start(self) -> Self:
        """Serve in a separate thread; returns when both ports answer."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._certificates = certificates(
            self.state_dir, datetime.now(UTC), trust_system=self.trust_system
        )
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        self.client = SimClient(self.arm_endpoint, self.ca_path)
        return self

    def stop(self) -> None:
        """Stop serving; returns when everything is closed."""
        self.client.close()
        self.loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def arm_endpoint(self) -> str:
        """Return the https endpoint of ARM, of Entra and of steering."""
        return f"https://{HOST}:{self.port}"

    @property
    def identity_endpoint(self) -> str:
        """Return the managed-identity endpoint."""
        return f"http://{HOST}:{self.identity_port}/msi/token"

    @property
    def ca_path(self) -> Path:
        """Return the file with the CA's certificate and those the system trusts."""
        return self._certificates.bundle

    def environment(self, principal: str = "app") -> dict[str, str]:
        """Return the environment for a client that signs in as a principal."""
        named = self.arm.rbac.named(principal)
        return {
            "ARM_ENDPOINT": self.arm_endpoint,
            "OUTCOME_TOPIC": f"{self.arm_endpoint}{OUTCOMES}",
            "LEDGER": f"{self.arm_endpoint}/{ACCOUNT}/ledger",
            "REPORT": f"{self.arm_endpoint}/{ACCOUNT}/reports",
            "BOOT_DIAGNOSTICS": f"{self.arm_endpoint}/{ACCOUNT}/boot-tests",
            "PRICES_ENDPOINT": f"{self.arm_endpoint}{price_list.PATH}",
            "IDENTITY_ENDPOINT": self.identity_endpoint,
            "IDENTITY_HEADER": identity.HEADER_SECRET,
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://{HOST}:{self.identity_port}",
            "AZURE_AUTHORITY_HOST": self.arm_endpoint,
            "AZURE_CLIENT_ID": named.app_id,
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_SUBSCRIPTION_ID": self.subscription_id,
            "REQUESTS_CA_BUNDLE": str(self.ca_path),
            "SSL_CERT_FILE": str(self.ca_path),
        }

    def endpoints(self) -> Json:
        """Return the content of `endpoints.json`."""
        return {
            "arm": self.arm_endpoint,
            "identity": self.identity_endpoint,
            "steering": f"{self.arm_endpoint}/_sim",
            "prices": f"{self.arm_endpoint}{price_list.PATH}",
            "ca": str(self.ca_path),
            "subscriptionId": self.subscription_id,
            "tenantId": self.tenant_id,
            "environment": self.environment(),
        }

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self.loop = runner.get_loop()
            try:
                runner.run(self._serve())
            except BaseException as failure:  # noqa: BLE001 start() raises it in its own thread
                self._failure = failure
                self._ready.set()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        clock = Clock(speed=self.speed, start=self.start_at)
        grid = EventGrid(clock, subscription_id=self.subscription_id, tenant_id=self.tenant_id)
        key = identity.signing_key(self.state_dir / "signing-key.pem")
        self.arm = Arm(
            clock,
            grid,
            read_roles(self.roles),
            key,
            self.subscription_id,
            self.tenant_id,
            check_answers=self.check_answers,
        )
        self.app = self.arm.app()
        arm, self.port = await _listen(self.app, self.port, self._certificates.server)
        plain, self.identity_port = await _listen(self.arm.identity_app(), self.identity_port, None)
        ticking = asyncio.create_task(clock.run())
        self._ready.set()
        await self._stopped.wait()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        await grid.close()
        for runner in (arm, plain):
            _hang_up(runner)
            await runner.cleanup()


def _hang_up(runner: web.AppRunner) -> None:
    """Abort open connections: a TLS shutdown waits for an answer that may never come."""
    for connection in runner.server.connections if runner.server else ():
        if connection.transport:
            connection.transport.abort()


async def _listen(
    app: web.Application, port: int, tls: ssl.SSLContext | None
) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, ssl_context=tls, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(port) from error
    return runner, int(runner.addresses[0][1])
