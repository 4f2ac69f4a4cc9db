"""What a Bicep template deploys: its snapshot -> settings, roles, topics, event subscriptions.

`bicep snapshot` lists each resource that a deployment would create, with every expression evaluated
that does not need Azure. The rest is in `ONLY_AZURE_KNOWS`, and the caller of `read_template` gives
its values. So the app is tested with what is deployed, not with a copy of it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import expressions
from simulator.eventgrid.grid import OUTCOMES, OUTCOMES_GROUP

type Json = dict[str, Any]

_REFERENCE = r"reference\('[^']*/{}', '[^']*'\)\.{}"
ONLY_AZURE_KNOWS = {
    _REFERENCE.format("userAssignedIdentities/[^']*-app", "clientId"): "app_id",
    _REFERENCE.format("userAssignedIdentities/[^']*-app", "principalId"): "object_id",
    (
        r"reference\('[^']*/systemTopics/[^']*', '[^']*', 'full'\)\.identity\.principalId"
    ): "event_grid",
    _REFERENCE.format("userAssignedIdentities/[^']*-wait", "principalId"): "waits",
    _REFERENCE.format("Microsoft.EventGrid/topics/[^']*", "endpoint"): "outcome_topic",
    _REFERENCE.format("Microsoft.Insights/components/[^']*", "ConnectionString"): "insights",
    _REFERENCE.format(r"storageAccounts/[^']*", r"primaryEndpoints\.blob"): "blobs",
    r"environment\(\)\.resourceManager": "arm_endpoint",
    r"environment\(\)\.portal": "portal",
}
"""The expressions that a snapshot may hold, and the member of `Known` that replaces each."""

_SUBSCRIPTION = re.compile(r'"id": "/subscriptions/([^/]+)/')
_GROUP = re.compile(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)")
_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments/"


class TemplateError(Exception):
    """A snapshot that cannot be read; the text says where."""


@dataclass(frozen=True)
class Known:
    """Values that only Azure knows; `app_id` and `object_id` are those of the app's identity."""

    subscription: str
    app_id: str
    object_id: str
    arm_endpoint: str = "https://management.azure.com/"
    portal: str = "https://portal.azure.com"
    outcome_topic: str = "https://outcomes.invalid/api/events"
    event_grid: str = "0b000000-0000-4000-8000-00000000dead"
    waits: str = "0b000000-0000-4000-8000-000000003a17"
    insights: str = ""
    blobs: str = "https://storage.invalid/"

    @property
    def outcomes(self) -> str:
        """The id of the outcome topic: here the one that exists from the start."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{OUTCOMES_GROUP}"
        return f"{group}/providers/Microsoft.EventGrid/topics/{OUTCOMES}"


@dataclass(frozen=True)
class Template:
    """The resources of a snapshot, in its order, with every expression evaluated."""

    resources: tuple[Json, ...]
    known: Known

    def of(self, kind: str) -> list[Json]:
        """Return the resources of a type."""
        return [one for one in self.resources if one["type"].lower() == kind.lower()]

    @property
    def settings(self) -> dict[str, str]:
        """The function app's settings."""
        (found,) = self.of("Microsoft.Web/sites/config")
        return dict(found["properties"])

    @property
    def groups(self) -> list[str]:
        """The resource groups of this subscription that hold a resource, created here or not."""
        found = [_GROUP.match(one["id"]) for one in self.resources]
        return sorted({one[2] for one in found if one and one[1] == self.known.subscription})

    @property
    def event_subscriptions(self) -> list[Json]:
        """The event subscriptions."""
        return self.of("Microsoft.EventGrid/systemTopics/eventSubscriptions")

    @property
    def functions(self) -> set[str]:
        """The names of the functions that events are sent to."""
        sent = [one["properties"]["destination"] for one in self.event_subscriptions]
        targets = [one["properties"]["resourceId"] for one in sent]
        return {target.rsplit("/", 1)[1] for target in targets}

    @property
    def app(self) -> str:
        """The function app's name."""
        return str(self.of("Microsoft.Web/sites")[0]["name"])

    def roles(self, present: Json) -> Json:
        """Return a role file in which the app has only the permissions granted here.

        Grants on what is not simulated (storage, logs) are those of roles that `present` lacks.
        """
        roles = self.of("Microsoft.Authorization/roleDefinitions")
        mine = {one["id"] for one in roles}
        others = [one for one in present["roleDefinitions"] if one["id"] not in mine]
        file = present | {
            "roleDefinitions": others + roles,
            "roleAssignments": [
                one
                for one in present["roleAssignments"]
                if one["properties"]["principalId"] != self.known.object_id
            ],
        }
        named = {_last(one["id"]) for one in file["roleDefinitions"]}
        file["roleAssignments"] += [
            one for one in self._grants() if _last(one["properties"]["roleDefinitionId"]) in named
        ]
        return file

    def _grants(self) -> Iterator[Json]:
        """Yield the role assignments with their scopes, which a snapshot has only in their ids."""
        topic = self.of("Microsoft.EventGrid/topics")
        for one in self.of("Microsoft.Authorization/roleAssignments"):
            scope = one["id"].partition(_ASSIGNMENTS)[0]
            stands = {each["id"]: self.known.outcomes for each in topic}.get(scope, scope)
            yield {"properties": one["properties"] | {"scope": stands}}


def read_template(path: Path, known: Known) -> Template:
    """Read a snapshot; `TemplateError` if it needs a value that is not known here."""
    text = path.read_text()
    if not (home := _SUBSCRIPTION.search(text)):
        msg = f"{path}: deploys nothing"
        raise TemplateError(msg)
    snapshot = json.loads(text.replace(home[1], known.subscription))
    return Template(tuple(_filled(one, known) for one in snapshot["predictedResources"]), known)


def _filled(value: Any, known: Known) -> Any:  # noqa: ANN401 JSON
    """Return JSON with every expression in it replaced by its value."""
    if isinstance(value, dict):
        return {name: _filled(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if isinstance(value, str) and value.startswith("["):
        return evaluate(value, known)
    return value


def evaluate(expression: str, known: Known) -> str:
    """Return the value of an expression: one that only Azure knows, or a text built from it."""
    text = expression[1:-1]
    for pattern, name in ONLY_AZURE_KNOWS.items():
        text = re.sub(pattern, f"'{getattr(known, name)}'", text)
    try:
        return expressions.evaluate(text)
    except expressions.ExpressionError as error:
        msg = f"only Azure knows what {expression} is"
        raise TemplateError(msg) from error


def _last(resource_id: str) -> str:
    return resource_id.rsplit("/", 1)[1].lower()
