"""The vocabulary of the stories: a subscription, its VMs, and the app in it.

Takes the simulator and the app (deployed in its own process, or its spine called from here), gives
few words for what people, guests and time do, and for what came of it. The clock stands until a
story moves it, and everything that falls due is carried out to its end in order, so nothing here
waits and a story goes the same way each time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import requests
from azure.core.rest import HttpRequest
from azure.mgmt.compute import ComputeManagementClient

from shared.cloud.azure import Azure, connect
from shared.cloud.client import find_credential
from shared.cloud.ledger import LedgerStore
from shared.cloud.topic import Topic
from shared.model.ids import VmRef
from shared.model.memory import remembered
from shared.reconcile import reconcile
from shared.sweep.report import SweepReport
from shared.sweep.sweeper import Sweeper
from shared.visit import Report
from simulator.client import SimClient
from simulator.deployment import Deployment, deployed_into
from simulator.disk_requests import proof_requests
from simulator.simulator import Simulator

type Json = dict[str, Any]

IMAGES = "images"
"""The group that galleries named by tag and managed images lie in."""

GALLERY = "golden"
INFRA = Path(__file__).parent.parent.parent / "infra"

WRITES = {"PUT", "POST", "PATCH", "DELETE"}
OURS = ("status", "detail", "image", "image-group", "as-of", "by")
TAGS_API = "/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
STEP, PATIENCE = 60, 8 * 3600
"""Simulated seconds: how far time moves at once, and how long it may take until all is quiet."""

_BUSY = {"Creating", "Updating", "Deleting"}
_LISTS = (
    *("/virtualmachines", "/resourcegroups", "/versions", "/locks", "/disks"),
    *("/galleries", "/images", "/microsoft.resourcegraph/resources"),
)
GUARD_TAGS = {
    "stillframe-billed-since",
    "stillframe-billed-alerted",
    "stillframe-deallocated-by",
}
"""All that the cost guard ever writes on a VM."""


@dataclass(frozen=True)
class Vm:
    """One VM of a story."""

    world: "World"
    id: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.id.rsplit("/", 1)[1]

    @property
    def facts(self) -> Json:
        """What it really is at."""
        return self.world.client.vm(self.id)

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, as they count: those of its OS disk once it is generalized."""
        facts = self.facts
        own, disk = facts["tags"], facts["osDiskTags"] if facts["generalized"] else None
        return dict(remembered(own, disk, facts["vmId"]))

    @property
    def frozen(self) -> dict[str, str]:
        """The tags on the VM itself, which stay as they are from generalize on."""
        return dict(self.facts["tags"])

    def said(self, what: str) -> str | None:
        """Return one of our tags by its last word: status, detail, image, as-of."""
        return self.tags.get(f"stillframe-{what}")

    @property
    def status(self) -> str | None:
        """The word that people read."""
        return self.said("status")

    @property
    def told(self) -> dict[str, str]:
        """Every tag of ours."""
        return {name: text for name in OURS if (text := self.said(name))}

    @property
    def since(self) -> str | None:
        """Since when it is billed while stopped, as its mark says."""
        return self.said("billed-since")

    @property
    def alerted(self) -> str | None:
        """When that was last told, as its mark says."""
        return self.said("billed-alerted")

    @property
    def own_tags(self) -> dict[str, str]:
        """Its tags but for the cost guard's."""
        return {name: text for name, text in self.tags.items() if name not in GUARD_TAGS}

    @property
    def state(self) -> tuple[str, bool]:
        """Its power state, and whether it is marked generalized."""
        facts = self.facts
        return facts["power"], facts["generalized"]

    def order(self, target: str = "yes", **others: str) -> None:
        """Set the capture tag, and `version`, `latest`, as people do by the Tags API."""
        named = {f"stillframe-{name}": value for name, value in others.items()}
        self.tag({"stillframe-capture": target} | named)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Merge tags by the Tags API."""
        self._patch("Merge", tags)

    def tag_disk(self, tags: Mapping[str, str], operation: str = "Merge") -> None:
        """Merge or delete tags of its OS disk, which is where they go once it is generalized."""
        body = {"operation": operation, "properties": {"tags": dict(tags)}}
        self.world.owner("PATCH", self.facts["osDisk"] + TAGS_API, body)

    def untag(self, *names: str) -> None:
        """Take tags off by the Tags API."""
        self._patch("Delete", {name: self.tags[name] for name in names})

    def withdraw(self) -> None:
        """Take the order back."""
        self.untag("stillframe-capture")

    def write_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags by a PATCH of the VM itself, which replaces the whole map."""
        self.world.owner("PATCH", f"{self.id}?api-version=2026-04-01", {"tags": dict(tags)})

    def guest(self, act: str) -> None:
        """Let its guest act: sysprep, shutdown .."""
        self.world.client.guest(self.id, act)

    def power(self, act: str) -> None:
        """Let its owner start, powerOff, deallocate, generalize it."""
        self.world.owner("POST", f"{self.id}/{act}?api-version=2026-04-01")

    def delete(self) -> None:
        """Let its owner delete it."""
        self.world.owner("DELETE", f"{self.id}?api-version=2026-04-01")

    def sysprep(self) -> None:
        """Let its order be answered, its guest run Sysprep, and all come to rest."""
        self.world.settle()
        self.guest("sysprep")
        self.world.settle()

    @property
    def images(self) -> list[Json]:
        """Every image and version that was made of it, with what it was really made of."""
        made = self.world.client.captures()
        return [one for one in made if one["source"].lower() == self.id.lower()]

    @property
    def writes(self) -> list[Json]:
        """The app's writes to the VM and its OS disk, or about them."""
        named = (self.id.lower(), self.facts["osDisk"].lower())
        return [one for one in self.world.writes if one["path"].lower().startswith(named)]

    def _patch(self, operation: str, tags: Mapping[str, str]) -> None:
        body = {"operation": operation, "properties": {"tags": dict(tags)}}
        self.world.owner("PATCH", self.id + TAGS_API, body)


class World:
    """The simulated subscription as a story sees it; `compute` is its owner's client."""

    def __init__(self, simulator: Simulator, compute: ComputeManagementClient) -> None:
        self.simulator = simulator
        self.compute = compute
        self.client = simulator.client

    def vm(self, name: str = "web", **words: object) -> Vm:
        """Make a VM that runs, of security type Standard unless said otherwise."""
        return Vm(self, self.client.create_vm(name, **({"security_type": "Standard"} | words)))

    def definition(
        self,
        name: str = "windows",
        security: str = "Standard",
        gallery: str = GALLERY,
        group: str = IMAGES,
        **said: object,
    ) -> str:
        """Make an image definition in a gallery, `said` in its properties; return its id."""
        self.client.create_group(group)
        gallery = f"{self.group(group)}/providers/Microsoft.Compute/galleries/{gallery}"
        self.owner("PUT", f"{gallery}?api-version=2026-03-03", {"location": "westeurope"})
        self.client.advance(2)
        properties = {
            "osType": "Windows",
            "osState": "Generalized",
            "hyperVGeneration": "V2",
            "architecture": "x64",
            "identifier": {"publisher": "Contoso", "offer": "Golden", "sku": name},
            "features": [{"name": "SecurityType", "value": security}],
        }
        body = {"location": "westeurope", "properties": properties | said}
        self.owner("PUT", f"{gallery}/images/{name}?api-version=2026-03-03", body)
        self.client.advance(2)
        return f"{gallery}/images/{name}"

    def group(self, name: str) -> str:
        """Return a resource group's id."""
        return f"/subscriptions/{self.simulator.subscription_id}/resourceGroups/{name}"

    def owner(self, method: str, path: str, body: object = None) -> Json:
        """Send ARM a request as the subscription's owner, who has every right."""
        answer = self.compute.send_request(HttpRequest(method, path, json=body))
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def delete_image(self, image: str) -> None:
        """Delete an image, as its owner."""
        version = "2026-03-03" if "/versions/" in image else "2026-04-01"
        self.owner("DELETE", f"{image}?api-version={version}")

    def lock(self, scope: str, level: str) -> None:
        """Put a management lock on a scope."""
        path = f"{scope}/providers/Microsoft.Authorization/locks/kept?api-version=2016-09-01"
        self.owner("PUT", path, {"properties": {"level": level}})

    def deploy_roles(self, template: str) -> None:
        """Let the app have the roles of a template, by its snapshot's name."""
        deployed = deployed_into(self.simulator, INFRA / "snapshots" / f"{template}.snapshot.json")
        self.client.set_roles(deployed.roles(self.client.roles()))

    def forbid(self, *actions: str, scope: str | None = None) -> None:
        """Take actions from all roles that were made for the app, and let these hold at a scope."""
        roles = self.client.roles()
        own = {_last(one["id"]) for one in roles["roleDefinitions"] if _is_ours(one)}
        for permission in self._permissions(roles):
            permission["notActions"] = list(actions)
        for one in roles["roleAssignments"]:
            if scope and _last(one["properties"]["roleDefinitionId"]) in own:
                one["properties"]["scope"] = scope
        self.client.set_roles(roles)

    def grant_images(self, group: str) -> None:
        """Let the app make images in another group, too."""
        roles = self.client.roles()
        for one in list(roles["roleAssignments"]):
            if one["properties"]["scope"].lower() == self.group(IMAGES).lower():
                there = {**one["properties"], "scope": self.group(group)}
                roles["roleAssignments"].append({**one, "properties": there})
        self.client.set_roles(roles)

    def grant(self, data_action: str) -> None:
        """Let the app do one thing more with what resources hold."""
        roles = self.client.roles()
        for permission in self._permissions(roles):
            permission["dataActions"] = [data_action]
        self.client.set_roles(roles)

    @staticmethod
    def _permissions(roles: Json) -> list[Json]:
        """Return what the roles made for the app permit."""
        own = [one["properties"] for one in roles["roleDefinitions"] if _is_ours(one)]
        return [permission for role in own for permission in role["permissions"]]

    def fault(self, method: str, path: str, **said: object) -> None:
        """Let something happen to the app's next requests of a kind."""
        app = self.simulator.environment()["AZURE_CLIENT_ID"]
        self.client.fault(method=method, path=path, caller=app, **said)

    def refuse(self, method: str, path: str, status: int, code: str, **said: Any) -> None:  # noqa: ANN401 words of a fault
        """Let Azure refuse the app's next requests of a kind; `message`, `count` in `said`."""
        error = {"status": status, "code": code, "message": said.pop("message", "No.")}
        self.fault(method, path, error=error, **said)

    def events(self, kind: str, **said: object) -> None:
        """Lose, double, delay or shuffle events."""
        self.client.ask("POST", "eventgrid/faults", {"kind": kind, **said})

    def let(self, seconds: float) -> None:
        """Let that much time pass."""
        self.client.advance(seconds)

    def settle(self) -> None:
        """Let time pass until nothing is under way any more: no guest, operation or event."""
        self._until_quiet(1, lambda: None)

    def watch(self, vm: Vm) -> list[str]:
        """Let time pass until all is quiet; return the words that its status went through."""
        words = [vm.status or ""]

        def note() -> None:
            if (word := vm.status or "") != words[-1]:
                words.append(word)

        self._until_quiet(12, note)
        return [word for word in words if word]

    def _until_quiet(self, pieces: int, note: Callable[[], None]) -> None:
        for _ in range(PATIENCE // STEP):
            for _ in range(pieces):
                self.client.advance(STEP / pieces)
                note()
            if self.quiet:
                return
        msg = f"nothing came to rest in {PATIENCE} simulated seconds"
        raise AssertionError(msg)

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way: no event, no operation, no guest's act."""
        if self.client.ask("GET", "eventgrid/counts")["pending"]:
            return False
        vms, images = self.client.vms(), self.client.captures()
        idle = all(vm["provisioning"] not in _BUSY and not vm["guestAct"] for vm in vms)
        return idle and all(image["state"] not in _BUSY for image in images)

    @property
    def outcomes(self) -> list[Json]:
        """The outcome events of VMs, oldest first."""
        return [one for one in self._published if not one["type"].endswith("SweepCompleted")]

    @property
    def reasons(self) -> list[str]:
        """What the outcome events gave as their reasons."""
        return [one["data"]["reason"] for one in self.outcomes if "reason" in one["data"]]

    @property
    def heartbeats(self) -> list[Json]:
        """What the sweeps said."""
        return [one["data"] for one in self._published if one["type"].endswith("SweepCompleted")]

    @property
    def _published(self) -> list[Json]:
        return list(self.client.ask("GET", "topics/outcomes/events"))

    @property
    def requests(self) -> list[Json]:
        """Every ARM request by the app but for those of its proofs."""
        asked = self.client.requests(caller="app")
        proofs = {one["number"] for one in proof_requests(asked)}
        return [one for one in asked if one["number"] not in proofs]

    @property
    def proofs(self) -> list[Json]:
        """The app's ARM requests that only proofs make."""
        return proof_requests(self.client.requests(caller="app"))

    @property
    def disk_reads(self) -> list[Json]:
        """Every range that was read of a disk."""
        return self.client.disk_reads()

    @property
    def writes(self) -> list[Json]:
        """Every ARM request by the app that is not a read, nor a query of Resource Graph."""
        asked = [one for one in self.requests if one["method"] in WRITES]
        return [one for one in asked if not one["path"].endswith("ResourceGraph/resources")]

    @property
    def polls(self) -> list[Json]:
        """The app's requests to operations in flight; there must be none but a proof's."""
        return [one for one in self.requests if "operations/" in one["path"].lower()]

    def forget_requests(self) -> None:
        """Begin to count anew."""
        self.client.clear_requests()
        self.client.clear_disk_reads()


class Hosted(World):
    """The subscription with the app deployed into it."""

    def __init__(
        self, simulator: Simulator, compute: ComputeManagementClient, app: Deployment
    ) -> None:
        super().__init__(simulator, compute)
        self.app = app
        self._before = len(self._invocations())

    def sweep(self) -> Json:
        """Run the timer's function; return what it reported."""
        answer = requests.post(f"{self.app.url}/_host/functions/sweep/run", timeout=60)
        ran: Json = answer.json()
        assert ran["ok"], ran
        return self.heartbeats[-1]

    @property
    def invocations(self) -> list[Json]:
        """The runs of the app's functions in this story."""
        return self._invocations()[self._before :]

    @property
    def failures(self) -> list[Json]:
        """The runs that raised."""
        return [one for one in self.invocations if not one["ok"]]

    def deliver(self, body: object = None, *, text: str | None = None) -> None:
        """Let Event Grid deliver a body as it stands, and whatever follows from it."""
        content = {"eventSubscription": "stillframe-steps"}
        sent = {"event": body} if text is None else {"text": text}
        self.client.ask("POST", "eventgrid/publish", content | sent)
        self.settle()

    def _invocations(self) -> list[Json]:
        return list(requests.get(f"{self.app.url}/_host/invocations", timeout=60).json())


class Spine(World):
    """The subscription with the app's spine called from here: the same requests, no events."""

    def __init__(
        self, simulator: Simulator, compute: ComputeManagementClient, azure: Azure
    ) -> None:
        super().__init__(simulator, compute)
        self.azure = azure

    def under(self, **settings: Any) -> Self:  # noqa: ANN401 a setting may be anything
        """Go on under other settings."""
        changed = replace(self.azure.settings, **settings)
        if changed.dry_run is self.azure.settings.dry_run:
            self.azure = replace(self.azure, settings=changed)
        else:  # it is what the clients are made by
            self.azure = replace(connect(changed), prices=self.azure.prices)
        return self

    def restart(self) -> Self:
        """Forget what the process remembers of what it has told."""
        endpoint = self.azure.settings.outcome_topic
        credential = find_credential()
        ledger = LedgerStore(self.azure.settings.ledger, credential)
        self.azure = replace(self.azure, topic=Topic(endpoint, credential), ledger=ledger)
        return self

    def look(self, vm: Vm, *, stopping: datetime | None = None) -> Report:
        """Take one look at a VM."""
        ref = VmRef.find(vm.id)
        assert ref
        return reconcile(self.azure, ref, self.client.now(), stopping=stopping)

    def carry(self, vm: Vm, looks: int = 6) -> Report:
        """Look at a VM again and again, with the time between that an operation takes."""
        for _ in range(looks):
            report = self.look(vm)
            self.let(130)
        return report

    def sweep_for(self, seconds: float) -> None:
        """Let time pass, with a sweep every five minutes."""
        for _ in range(int(seconds) // 300):
            before = self.client.now()
            self.let(300)
            self.sweep(before)

    def sweep(self, since: datetime | None = None) -> SweepReport:
        """Sweep once; `since` is when the one before ran, else just now."""
        now = self.client.now()
        return Sweeper(self.azure).sweep(since or now, now)


def empty(client: SimClient) -> None:
    """Empty the subscription.

    While the clock stands nothing can end that a function waits for, so opening a disk takes none
    of its time, and Azure says that it may be asked again at once.
    """
    client.reset()
    client.create_group(IMAGES)
    client.settings(durations={"version": 60, "access": 0}, retry_after=0)


def _is_ours(role: Json) -> bool:
    return bool(role["properties"]["type"] == "CustomRole")


def _last(resource_id: str) -> str:
    return resource_id.rsplit("/", 1)[1]


def beyond_lists(asked: Iterable[Json]) -> list[Json]:
    """Return what was asked for beyond the lists that a sweep costs in any case."""
    return [one for one in asked if not one["path"].lower().endswith(_LISTS)]


def kinds(asked: Iterable[Json]) -> list[str]:
    """Return what was asked for: deallocate, generalize, tags, images, versions .."""
    return [str(one["action"]).split("/")[-2] for one in asked]
