"""`make sim`: the simulator, and the local Functions host beside it, until interrupted.

Prints the endpoints, the CA's path and the environment that a client needs, and writes the same to
`endpoints.json` and `env` in the state directory. Says why, and ends with 1, if it cannot start.
"""

import argparse
import json
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from simulator.arm.core.rbac import DEFAULT_ROLES
from simulator.deployment import Deployment, DeploymentError
from simulator.simulator import Simulator
from simulator.template import TemplateError

TEMPLATE = Path("infra/snapshots/usual.snapshot.json")


def main() -> int:
    """Run until SIGINT or SIGTERM; return the process's status."""
    try:
        _run(_arguments())
    except (DeploymentError, TemplateError, OSError) as error:
        print(f"The simulator could not start: {error}", file=sys.stderr)
        return 1
    return 0


def _run(said: argparse.Namespace) -> None:
    simulator = Simulator(
        port=said.port,
        identity_port=said.identity_port,
        speed=said.speed,
        state_dir=said.state_dir,
        roles=said.roles,
    )
    stopped = threading.Event()
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, lambda *_: stopped.set())
    with ExitStack() as running:
        running.enter_context(simulator)
        if said.throttling:
            simulator.client.settings(throttling=True)
        app = running.enter_context(_deployment(simulator, said)) if said.app else None
        _announce(simulator, app.url if app else None)
        stopped.wait()


def _arguments() -> argparse.Namespace:
    here = Path() if Path("host.json").exists() else None
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=10443, help="https; 0 takes any")
    parser.add_argument("--identity-port", type=int, default=10080, help="http; 0 takes any")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second")
    parser.add_argument("--state-dir", type=Path, default=Path(".sim"), help="CA, keys, endpoints")
    parser.add_argument("--roles", type=Path, default=DEFAULT_ROLES, help="who may do what")
    parser.add_argument("--throttling", action="store_true", help="refuse what is too much")
    parser.add_argument("--app", type=Path, default=here, help="a function app's directory")
    parser.add_argument("--template", type=Path, help="the snapshot by which that app is deployed")
    parser.add_argument("--no-app", dest="app", action="store_const", const=None)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings")
    return parser.parse_args()


def _deployment(simulator: Simulator, said: argparse.Namespace) -> Deployment:
    settings = {"SUBSCRIPTIONS": simulator.subscription_id}
    settings |= dict(setting.split("=", 1) for setting in said.settings)
    app: Path = said.app.resolve()
    log = simulator.state_dir / "host.log"
    return Deployment(simulator, app, settings, said.template or app / TEMPLATE, log)


def _announce(simulator: Simulator, app: str | None) -> None:
    endpoints = simulator.endpoints() | ({"app": app} if app else {})
    (simulator.state_dir / "endpoints.json").write_text(json.dumps(endpoints, indent=2) + "\n")
    environment = "".join(f"export {n}='{v}'\n" for n, v in endpoints["environment"].items())
    sourced = simulator.state_dir / "env"
    sourced.write_text(environment)
    for name in ("arm", "identity", "steering", "ca", "app"):
        if name in endpoints:
            print(f"{name:>9}  {endpoints[name]}")
    print(f"\nThe environment of a client (source {sourced}):\n\n{environment}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
