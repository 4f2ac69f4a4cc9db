"""A cassette played against an empty simulator: exchanges -> pairs of answers.

The simulator's clock is stopped. If Azure had finished an operation, the clock is advanced
before the next request; else not. What the simulator did not create and Azure
did is lost: requests for it are counted and not compared, but a VM gets a substitute, so that
later requests for it can be.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.client import SteeringError
from tests.conformance import outside, templates
from tests.conformance.compare import REFUSED, Answer, Difference, differences, outcome
from tests.conformance.names import Names
from tests.conformance.operations import Operation, operation_of
from tests.conformance.recordings import ARM_HOST, Cassette, Exchange
from tests.conformance.simulated import Simulated

type Json = dict[str, Any]

_DEPLOYMENT = "/providers/microsoft.resources/deployments/"
_VM = "Microsoft.Compute/virtualMachines"
_MADE_BY_TEMPLATES = ("virtualMachines", "disks", "snapshots", "images", "galleries")
_IN_FLIGHT = {"Creating", "Updating", "Deleting", "Migrating", "InProgress", "Running"}
_FORWARDED = ("if-match", "if-none-match")
_ENDED = "Succeeded"
_NEWEST = "2024-07-01"
_LOST = "requests for resources that the simulator would not make"
_REFUSED_BODIES = "resources of deployments, or from before a recording, that were refused here"


@dataclass(frozen=True)
class Pair:
    """A request that both answered, and how the answers differ."""

    exchange: Exchange
    operation: Operation
    ours: Answer
    differences: tuple[Difference, ...]


class Replay:
    """A cassette being played; `skipped` counts what was not compared, and why."""

    def __init__(self, azure: Simulated, cassette: Cassette) -> None:
        self._sim, self._cassette = azure, cassette
        self._names = Names(azure.subscription)
        self._lost: set[str] = set()
        self._stand_ins: set[str] = set()
        self._known: set[str] = set()
        self._in_flight = False
        self.skipped: Counter[str] = Counter()

    def pairs(self) -> Iterator[Pair]:
        """Play the cassette and give what can be compared."""
        self._sim.empty()
        for group in outside.groups(self._cassette.exchanges):
            self._sim.steering.create_group(group.name, group.location, **group.tags)
        for exchange in self._cassette.exchanges:
            if _DEPLOYMENT in exchange.path.lower() and exchange.method == "PUT" and exchange.ok:
                self._deploy(exchange)
                continue
            operation = operation_of(exchange.method, exchange.path)
            if exchange.host != ARM_HOST or operation is None:
                continue
            why = self._unplayable(exchange, operation)
            if why:
                self.skipped[why] += 1
            else:
                yield self._play(exchange, operation)

    def _unplayable(self, exchange: Exchange, operation: Operation) -> str | None:
        """Say why a request cannot be compared, None if it can."""
        if operation.polls:
            known = self._names.operation(exchange.path, monitor=_monitors(exchange))
            return None if known else "polls of operations that the simulator did not start"
        path = exchange.path.lower()
        if operation.template.startswith("{scope}") and not _is_ours(path):
            return "requests for tags and locks of resources that are not simulated"
        if self._is_lost(exchange):
            return _LOST
        found = outside.resource_of(exchange.path)
        if found and found.lower() not in self._known and _was_there(exchange):
            self._adopt(found)
        return _LOST if self._is_lost(exchange) else None

    def _is_lost(self, exchange: Exchange) -> bool:
        path = exchange.path.lower() + "/"
        said = str(exchange.sent).lower() if exchange.method in ("PUT", "PATCH", "POST") else ""
        return any(path.startswith(each + "/") or f"'{each}'" in said for each in self._lost)

    def _play(self, exchange: Exchange, operation: Operation) -> Pair:
        self._keep_time(exchange, operation)
        ours = self._ask(exchange, operation)
        self._names.learn(Answer(exchange.status, exchange.headers, exchange.answer), ours)
        azure = Answer(exchange.status, exchange.headers, self._names.here(exchange.answer))
        resource = outside.resource_of(exchange.path)
        self._remember(exchange, ours, resource)
        azure, ours = self._ours_only(azure, ours, exchange)
        whole = not resource or resource.lower() not in self._stand_ins
        return Pair(exchange, operation, ours, tuple(differences(azure, ours, bodies=whole)))

    def _ask(self, exchange: Exchange, operation: Operation) -> Answer:
        if operation.polls:
            url = self._names.operation(exchange.path, monitor=_monitors(exchange)) or ""
            path, _, query = url.removeprefix(f"https://{ARM_HOST}").partition("?")
            asked = dict(each.split("=", 1) for each in query.split("&") if "=" in each)
            return self._sim.send("GET", path, asked)
        return self._sim.send(
            exchange.method,
            self._names.here(exchange.path),
            exchange.query,
            self._names.here(exchange.sent),
        )

    def _keep_time(self, exchange: Exchange, operation: Operation) -> None:
        """Advance the clock to Azure's state when it answered."""
        if self._in_flight and _had_ended(exchange, polls=operation.polls):
            self._sim.settle()
            self._in_flight = False

    def _remember(self, exchange: Exchange, ours: Answer, resource: str | None) -> None:
        self._in_flight |= bool({"azure-asyncoperation", "location"} & ours.headers.keys())
        if not resource or exchange.path.lower() != resource.lower() or not exchange.ok:
            return
        if exchange.method == "PUT":
            self._made(resource, exchange.sent, ours, exchange)
        elif exchange.method == "DELETE":
            self._lost.discard(resource.lower())
            self._known.discard(resource.lower())

    def _made(self, resource: str, sent: Any, ours: Answer, exchange: Exchange) -> None:  # noqa: ANN401 JSON
        """Record what was created here, or what was not."""
        key = resource.lower()
        self._known.add(key)
        if ours.status < REFUSED:
            self._lost.discard(key)
        elif "/virtualmachines/" in key:
            self._stand_in(resource, sent if isinstance(sent, dict) else exchange.answer)
        else:
            self._lost.add(key)

    def _stand_in(self, resource: str, body: Json) -> None:
        """Create a substitute VM if the original cannot be created."""
        key, properties = resource.lower(), body.get("properties") or {}
        self._known.add(key)
        os = "Windows" if "windows" in str(properties).lower() else "Linux"
        try:
            self._sim.steering.create_vm(
                resource.rsplit("/", 1)[1],
                group=outside.group_of(resource),
                location=body.get("location", "westus"),
                os=os,
                generation="V1",
                tags=body.get("tags") or {},
            )
        except SteeringError:
            self._lost.add(key)
        else:
            self._stand_ins.add(key)

    def _adopt(self, resource: str) -> None:
        """Create a resource that existed before the recording began, as Azure shows it."""
        self._known.add(resource.lower())
        shown = outside.shown_as(resource, self._cassette.exchanges)
        if shown is None:
            if "/virtualmachines/" in resource.lower():
                self._stand_in(resource, {})
            else:
                self._lost.add(resource.lower())
            return
        self._put(resource, shown.api_version, outside.as_sent(shown.answer))

    def _put(self, resource: str, api_version: str, body: Json) -> None:
        sent = self._names.here(body)
        if "/virtualmachines/" in resource.lower():
            sent = _with_login(sent)
        query = {"api-version": api_version or _NEWEST}
        ours = self._sim.send("PUT", self._names.here(resource), query, sent)
        self._sim.settle()
        self._known.add(resource.lower())
        if ours.status < REFUSED:
            return
        self.skipped[f"{_REFUSED_BODIES}: {outcome(ours)}"] += 1
        if "/virtualmachines/" in resource.lower():
            self._stand_in(resource, sent)
        else:
            self._lost.add(resource.lower())

    def _deploy(self, exchange: Exchange) -> None:
        """Create what a template deployment created."""
        if not isinstance(exchange.sent, dict) or self._failed(exchange):
            return
        group = outside.group_of(exchange.path)
        subscription = exchange.path.split("/")[2]
        scope = templates.Scope(subscription, group, "westus")
        for made in templates.made_by(exchange.sent, scope):
            if made.kind.removeprefix("Microsoft.Compute/") in _MADE_BY_TEMPLATES:
                self._put(made.path, made.api_version, made.body)

    def _failed(self, deployment: Exchange) -> bool:
        """Say whether Azure reports later that a deployment failed."""
        after = self._cassette.exchanges[deployment.number :]
        mine = deployment.path.lower()
        for each in after:
            if each.path.lower().startswith(mine) and isinstance(each.answer, dict):
                said = each.answer.get("status") or (each.answer.get("properties") or {}).get(
                    "provisioningState"
                )
                if said == "Failed":
                    return True
        return False

    def _ours_only(self, azure: Answer, ours: Answer, exchange: Exchange) -> tuple[Answer, Answer]:
        """Remove from two lists what was outside the recording's groups."""
        if not (isinstance(azure.body, dict) and isinstance(ours.body, dict)):
            return azure, ours
        real, made = azure.body.get("value"), ours.body.get("value")
        if not isinstance(real, list) or not isinstance(made, list) or exchange.method != "GET":
            return azure, ours
        known = {str(row.get("id")).lower() for row in made if isinstance(row, dict)}
        rows = [row for row in real if isinstance(row, dict) and self._matters(row, known)]
        body = azure.body | {"value": rows}
        return Answer(azure.status, azure.headers, body), ours

    def _matters(self, row: Json, known: set[str]) -> bool:
        row_id = str(row.get("id", "")).lower()
        if not row_id.startswith("/subscriptions/") or row_id in known:
            return True
        resource = outside.resource_of(row_id)
        return resource is not None and resource in self._known and resource not in self._lost


def _had_ended(exchange: Exchange, *, polls: bool) -> bool:
    """Whether Azure's answer shows that the operation had ended."""
    answer = exchange.answer
    if polls:
        status = answer.get("status") if isinstance(answer, dict) else None
        return exchange.status in (200, 204) and status not in _IN_FLIGHT
    if exchange.method != "GET":
        return exchange.ok
    return not outside.states(answer) & _IN_FLIGHT


def _was_there(exchange: Exchange) -> bool:
    """Whether Azure's answer shows that the requested resource existed."""
    return exchange.ok and exchange.method != "PUT" and exchange.status != 204


def _monitors(exchange: Exchange) -> bool:
    return exchange.query.get("monitor", "").lower() == "true"


def _is_ours(path: str) -> bool:
    """Say whether a scope is a subscription, a group, or a compute resource."""
    scope = path.rpartition("/providers/")[0]
    return "/providers/" not in scope or outside.resource_of(scope) == scope


def _with_login(body: Json) -> Json:
    """Return a VM's body with a login, which Azure never shows."""
    profile = (body.get("properties") or {}).get("osProfile")
    if profile is not None:
        profile.setdefault("adminPassword", "not-a-secret-0")
    return body
