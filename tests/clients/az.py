"""The Azure CLI: a VM from the first look at it to an image and a gallery version of it."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from simulator.simulator import Simulator
from tests.clients.environments import bare, pinned, python
from tests.clients.steps import Steps, Wrong, expect

DONE = "groups, VMs, tags, locks, disks, snapshots, images, galleries, lists, refusals"
GROUP = "rg-az"
THERE = "simulator"  # the group of the custom topic that is there from the start
VM_TYPE = "Microsoft.Compute/virtualMachines"
CODES = "instanceView.statuses[].code"


def prepare() -> str:
    """Create the environment if it is missing, and return the client's version."""
    python("az")
    return f"azure-cli {pinned('az', 'azure-cli')}"


def drive(simulator: Simulator, home: Path, steps: Steps) -> None:
    """Take every step."""
    vm = simulator.client.create_vm("web", group=GROUP, generation="V1", tags={"team": "red"})
    simulator.client.create_vm("spare", group=GROUP, os="Linux", power="deallocated")
    az = Az(simulator, home)
    for part in (_log_in, _groups, _vms, _tags, _locks, _disks, _power):
        part(az, steps, vm)
    simulator.client.guest(vm, "sysprep")
    for part in (_image, _gallery, _version, _resources, _refusals, _end):
        part(az, steps, vm)


class Az:
    """Runs the CLI with its own configuration, as the owner."""

    def __init__(self, simulator: Simulator, home: Path) -> None:
        self.simulator = simulator
        self._command = python("az") / "bin" / "az"
        self._environment = bare(simulator, home) | {
            "AZURE_CONFIG_DIR": str(home / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",  # or MSAL asks login.microsoftonline.com
        }

    def __call__(self, said: str) -> Any:  # noqa: ANN401 JSON
        """Run a command and return the JSON that it printed; Wrong if it failed."""
        done = self._run(said)
        if done.returncode:
            msg = f"az {said}: {done.returncode} {done.stderr}"
            raise Wrong(msg)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, said: str) -> str:
        """Run a command that should fail and return its message; Wrong if it succeeded."""
        done = self._run(said)
        if not done.returncode:
            msg = f"az {said} succeeded: {done.stdout}"
            raise Wrong(msg)
        return done.stderr

    def _run(self, said: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the client under test
            [self._command, *shlex.split(said), "--output", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )


def _log_in(az: Az, steps: Steps, _: str) -> None:
    base = az.simulator.arm_endpoint
    audience = "https://management.azure.com/"
    with steps.step("cloud register, cloud set"):
        az(
            f"cloud register -n Simulated --endpoint-resource-manager {base} "
            f"--endpoint-active-directory {base} "
            f"--endpoint-active-directory-resource-id {audience}"
        )
        az("cloud set -n Simulated")
        expect(az("cloud show")["endpoints"]["resourceManager"], base)
    owner = az.simulator.environment("owner")
    with steps.step("login --service-principal"):
        logged_in = az(
            f"login --service-principal -u {owner['AZURE_CLIENT_ID']} -p owner-secret "
            f"--tenant {owner['AZURE_TENANT_ID']}"
        )
        expect([one["id"] for one in logged_in], [az.simulator.subscription_id])
    with steps.step("account show"):
        shown = az("account show")
        expect(shown["user"], {"name": owner["AZURE_CLIENT_ID"], "type": "servicePrincipal"})
        expect(shown["tenantId"], az.simulator.tenant_id)
    with steps.step("account list-locations"):
        regions = {one["name"]: one for one in az("account list-locations")}
        expect(regions["westeurope"]["displayName"], "West Europe")
        expect(regions["westeurope"]["metadata"]["regionType"], "Physical")
    with steps.step("account list-locations: pairs, zones and geography"):
        metadata = regions["westeurope"]["metadata"]
        expect(metadata.get("geographyGroup"), "Europe")
        expect([one["name"] for one in metadata["pairedRegion"]], ["northeurope"])
    with steps.step("provider show -n Microsoft.Compute"):
        provider = az("provider show -n Microsoft.Compute")
        expect(provider["registrationState"], "Registered")
        types = {one["resourceType"] for one in provider["resourceTypes"]}
        expect(types >= {"virtualMachines", "images", "galleries/images/versions"}, wanted=True)
    with steps.step("provider list, provider register"):
        names = az("provider list --query [].namespace")
        expect("Microsoft.Compute" in names, wanted=True)
        az("provider register -n Microsoft.Compute")


def _groups(az: Az, steps: Steps, _: str) -> None:
    with steps.step("group create"):
        made = az("group create -n rg-new -l westeurope --tags kind=new")
        expect(made["properties"]["provisioningState"], "Succeeded")
        expect((made["location"], made["tags"]), ("westeurope", {"kind": "new"}))
    with steps.step("group list"):
        expect(az("group list --query [].name"), [THERE, GROUP, "rg-new"])
    with steps.step("group list --tag"):
        expect(az("group list --tag kind=new --query [].name"), ["rg-new"])
    with steps.step("group show, group exists"):
        expect(az("group show -n rg-new --query name"), "rg-new")
        expect(az("group exists -n rg-new"), wanted=True)
        expect(az("group exists -n nowhere"), wanted=False)
    with steps.step("group update --tags"):
        expect(az("group update -n rg-new --tags kind=old")["tags"], {"kind": "old"})
    with steps.step("group update --set"):
        changed = az("group update -n rg-new --set tags.more=yes")
        expect(changed["tags"], {"kind": "old", "more": "yes"})
    with steps.step("group delete, group wait --deleted"):
        az("group delete -n rg-new --yes --no-wait")
        az("group wait -n rg-new --deleted --interval 1")
        expect(az("group exists -n rg-new"), wanted=False)


def _vms(az: Az, steps: Steps, vm: str) -> None:
    with steps.step("vm list"):
        expect(az("vm list --query [].name"), ["web", "spare"])
        expect(az(f"vm list -g {GROUP} --query [].name"), ["web", "spare"])
    with steps.step("vm list -d"):
        found = {one["name"]: one["powerState"] for one in az("vm list -d")}
        expect(found, {"web": "VM running", "spare": "VM deallocated"})
    with steps.step("vm show"):
        shown = az(f"vm show -g {GROUP} -n web")
        expect((shown["id"], shown["provisioningState"]), (vm, "Succeeded"))
        expect(shown["storageProfile"]["osDisk"]["osType"], "Windows")
        expect(shown["storageProfile"]["osDisk"]["diskSizeGB"], 127)
    with steps.step("vm show -d"):
        expect(az(f"vm show -d --ids {vm} --query powerState"), "VM running")
    with steps.step("vm get-instance-view"):
        view = az(f"vm get-instance-view --ids {vm}")["instanceView"]
        codes = [status["code"] for status in view["statuses"]]
        expect(codes, ["ProvisioningState/succeeded", "PowerState/running"])
        expect(view["hyperVGeneration"], "V1")
        expect(view["vmAgent"]["statuses"][0]["displayStatus"], "Ready")
    with steps.step("vm update --set"):
        expect(az(f"vm update --ids {vm} --set tags.tier=web --query tags.tier"), "web")
    with steps.step("vm resize"):
        resized = az(f"vm resize -g {GROUP} -n spare --size Standard_D2s_v5")
        expect(resized["hardwareProfile"]["vmSize"], "Standard_D2s_v5")
    with steps.step("vm disk attach --new, vm disk detach"):
        disks = "storageProfile.dataDisks[].name"
        az(f"vm disk attach -g {GROUP} --vm-name spare -n extra --new --size-gb 16")
        expect(az(f"vm show -g {GROUP} -n spare --query {disks}"), ["extra"])
        az(f"vm disk detach -g {GROUP} --vm-name spare -n extra")
        expect(az(f"vm show -g {GROUP} -n spare --query {disks}"), [])
    with steps.step("vm identity assign, vm identity show"):
        assigned = az(f"vm identity assign -g {GROUP} -n spare")
        shown = az(f"vm identity show -g {GROUP} -n spare")
        expect(shown["type"], "SystemAssigned")
        expect(shown.get("tenantId"), az.simulator.tenant_id)
        expect(assigned["systemAssignedIdentity"], shown["principalId"])


def _tags(az: Az, steps: Steps, vm: str) -> None:
    tags = "--query properties.tags"
    with steps.step("tag update --operation Merge"):
        merged = az(f"tag update --resource-id {vm} --operation Merge --tags owner=me {tags}")
        expect(merged, {"team": "red", "tier": "web", "owner": "me"})
    with steps.step("tag update --operation Delete"):
        left = az(f"tag update --resource-id {vm} --operation Delete --tags owner=me {tags}")
        expect(left, {"team": "red", "tier": "web"})
    with steps.step("tag update --operation Replace, tag list"):
        az(f"tag update --resource-id {vm} --operation Replace --tags team=blue")
        expect(az(f"tag list --resource-id {vm} {tags}"), {"team": "blue"})
    with steps.step("tag create, of a resource group"):
        group = vm.partition("/providers/")[0]
        expect(az(f"tag create --resource-id {group} --tags cost=1 {tags}"), {"cost": "1"})
        expect(az(f"group show -n {GROUP} --query tags"), {"cost": "1"})
    with steps.step("tag update, of the subscription"):
        subscription = f"/subscriptions/{az.simulator.subscription_id}"
        az(f"tag update --resource-id {subscription} --operation Merge --tags cost=2")
        expect(az(f"tag list --resource-id {subscription} {tags}"), {"cost": "2"})
    with steps.step("resource tag --is-incremental"):
        az(f"resource tag --ids {vm} --is-incremental --tags more=yes")
        expect(az(f"tag list --resource-id {vm} {tags}"), {"team": "blue", "more": "yes"})


def _locks(az: Az, steps: Steps, vm: str) -> None:
    web = f"-g {GROUP} --resource-name web --resource-type {VM_TYPE}"
    with steps.step("lock create --resource-type"):
        made = az(f"lock create -n keep {web} --lock-type CanNotDelete --notes why")
        expect((made["level"], made["notes"]), ("CanNotDelete", "why"))
    with steps.step("lock list"):
        expect(az("lock list --query [].name"), ["keep"])
        expect(az(f"lock list -g {GROUP} --query [].name"), ["keep"])
        expect(az(f"lock list {web} --query [].name"), ["keep"])
    with steps.step("vm delete, under a lock"):
        expect("(ScopeLocked)" in az.refused(f"vm delete --ids {vm} --yes"), wanted=True)
    with steps.step("lock show, lock update, lock delete"):
        az(f"lock update -n keep {web} --notes other")
        expect(az(f"lock show -n keep {web} --query notes"), "other")
        az(f"lock delete -n keep {web}")
        expect(az("lock list"), [])
    with steps.step("lock create, of a group and of the subscription"):
        az(f"lock create -n group -g {GROUP} --lock-type ReadOnly")
        az("lock create -n all --lock-type CanNotDelete")
        of_group = az(f"group lock list -g {GROUP} --query [].name")
        of_all = az("account lock list --query [].name")
        az(f"lock delete -n group -g {GROUP}")
        az("lock delete -n all")
        expect((sorted(of_group), sorted(of_all)), (["all", "group"], ["all", "group"]))


def _disks(az: Az, steps: Steps, vm: str) -> None:
    with steps.step("disk list, disk show"):
        [name] = az(f"disk list -g {GROUP} --query \"[?managedBy=='{vm}'].name\"")
        shown = az(f"disk show -g {GROUP} -n {name}")
        expect((shown["diskState"], shown["diskSizeGB"]), ("Attached", 127))
        expect((shown["managedBy"], shown["sku"]["name"]), (vm, "Premium_LRS"))
    with steps.step("disk show: uniqueId, tier"):
        expect({"uniqueId", "tier"} - set(shown), set())
    with steps.step("disk create"):
        made = az(f"disk create -g {GROUP} -n data --size-gb 32 --sku Standard_LRS")
        expect((made["diskState"], made["diskSizeGB"]), ("Unattached", 32))
    with steps.step("disk create --source"):
        copied = az(f"disk create -g {GROUP} -n copy --source data")
        expect(copied["creationData"]["createOption"], "Copy")
        expect(copied["diskSizeGB"], 32)
    with steps.step("disk update --size-gb"):
        expect(az(f"disk update -g {GROUP} -n data --size-gb 64")["diskSizeGB"], 64)
    with steps.step("disk grant-access, disk revoke-access"):
        access = az(f"disk grant-access -g {GROUP} -n data --duration-in-seconds 600")
        expect(access["accessSAS"].startswith("https://"), wanted=True)
        expect(az(f"disk show -g {GROUP} -n data --query diskState"), "ActiveSAS")
        az(f"disk revoke-access -g {GROUP} -n data")
        expect(az(f"disk show -g {GROUP} -n data --query diskState"), "Unattached")
    with steps.step("snapshot create"):
        taken = az(f"snapshot create -g {GROUP} -n snap --source data")
        expect((taken["provisioningState"], taken["diskSizeGB"]), ("Succeeded", 64))
        expect(taken["creationData"]["sourceResourceId"].endswith("/disks/data"), wanted=True)
    with steps.step("snapshot create --incremental true"):
        taken = az(f"snapshot create -g {GROUP} -n more --source data --incremental true")
        expect(taken.get("incremental"), wanted=True)
    with steps.step("snapshot list, snapshot show, snapshot delete"):
        expect(az(f"snapshot list -g {GROUP} --query [].name"), ["snap", "more"])
        expect(az(f"snapshot show -g {GROUP} -n snap --query name"), "snap")
        az(f"snapshot delete -g {GROUP} -n snap")
        az(f"snapshot delete -g {GROUP} -n more")
        expect(az("snapshot list"), [])
    with steps.step("disk delete"):
        az(f"disk delete -g {GROUP} -n copy --yes")
        names = az(f"disk list -g {GROUP} --query [].name")
        expect("copy" in names or "data" not in names, wanted=False)


def _power(az: Az, steps: Steps, vm: str) -> None:
    state = f"vm show -d --ids {vm} --query powerState"
    with steps.step("vm stop"):
        az(f"vm stop --ids {vm}")
        expect(az(state), "VM stopped")
    with steps.step("vm start, vm restart"):
        az(f"vm start --ids {vm}")
        az(f"vm restart --ids {vm}")
        expect(az(state), "VM running")
    with steps.step("vm wait --custom"):
        az(f"vm wait --ids {vm} --custom \"{CODES}|[?@=='PowerState/running']\" --interval 1")


def _image(az: Az, steps: Steps, vm: str) -> None:
    with steps.step("vm deallocate"):
        az(f"vm deallocate --ids {vm}")
        expect(az(f"vm show -d --ids {vm} --query powerState"), "VM deallocated")
    with steps.step("vm generalize"):
        az(f"vm generalize --ids {vm}")
        codes = az(f"vm get-instance-view --ids {vm} --query {CODES}")
        expect("OSState/generalized" in codes, wanted=True)
    with steps.step("image create --source VM --hyper-v-generation V1"):
        made = az(f"image create -g {GROUP} -n golden --source web --hyper-v-generation V1")
        expect((made["provisioningState"], made["hyperVGeneration"]), ("Succeeded", "V1"))
        expect(made["sourceVirtualMachine"]["id"], vm)
        expect(made["storageProfile"]["osDisk"]["osState"], "Generalized")
    with steps.step("image list, image show, image update --tags"):
        expect(az("image list --query [].name"), ["golden"])
        expect(az(f"image update -g {GROUP} -n golden --tags of=web --query tags"), {"of": "web"})
        expect(az(f"image show -g {GROUP} -n golden --query tags"), {"of": "web"})


def _gallery(az: Az, steps: Steps, _: str) -> None:
    with steps.step("sig create"):
        made = az(f"sig create -g {GROUP} -r shelf --description some")
        expect((made["provisioningState"], made["description"]), ("Succeeded", "some"))
        expect(made["identifier"]["uniqueName"].endswith("-SHELF"), wanted=True)
    with steps.step("sig list, sig show, sig update"):
        expect(az("sig list --query [].name"), ["shelf"])
        az(f"sig update -g {GROUP} -r shelf --set description=other")
        expect(az(f"sig show -g {GROUP} -r shelf --query description"), "other")
    definition = f"-g {GROUP} -r shelf -i web"
    with steps.step("sig image-definition create"):
        made = az(
            f"sig image-definition create {definition} -p me -f web -s v1 --os-type Windows "
            "--os-state Generalized --hyper-v-generation V1"
        )
        expect(made["identifier"], {"publisher": "me", "offer": "web", "sku": "v1"})
        expect((made["hyperVGeneration"], made["osState"]), ("V1", "Generalized"))
    with steps.step("sig image-definition list, show, update"):
        expect(az(f"sig image-definition list -g {GROUP} -r shelf --query [].name"), ["web"])
        az(f"sig image-definition update {definition} --set description=the-web")
        shown = az(f"sig image-definition show {definition}")
        expect(shown["description"], "the-web")


def _version(az: Az, steps: Steps, vm: str) -> None:
    definition = f"-g {GROUP} -r shelf -i web"
    version = f"{definition} -e 1.0.0"
    with steps.step("sig image-version create --virtual-machine"):
        made = az(f"sig image-version create {version} --virtual-machine {vm}")
        expect(made["provisioningState"], "Succeeded")
        expect(made["storageProfile"]["source"]["virtualMachineId"], vm)
        regions = [one["name"] for one in made["publishingProfile"]["targetRegions"]]
        expect(regions, ["West Europe"])
    with steps.step("sig image-version create --managed-image --target-regions"):
        image = f"{vm.partition('/virtualMachines/')[0]}/images/golden"
        made = az(
            f"sig image-version create {definition} -e 1.0.1 --managed-image {image} "
            "--target-regions westeurope northeurope=2"
        )
        targets = made["publishingProfile"]["targetRegions"]
        counts = {one["name"]: one["regionalReplicaCount"] for one in targets}
        expect(counts, {"West Europe": 1, "North Europe": 2})
    with steps.step("sig image-version list"):
        expect(az(f"sig image-version list {definition} --query [].name"), ["1.0.0", "1.0.1"])
    with steps.step("sig image-version show --expand ReplicationStatus"):
        shown = az(f"sig image-version show {version} --expand ReplicationStatus")
        expect(shown["replicationStatus"]["aggregatedState"], "Completed")
    published = "publishingProfile.publishedDate"
    with steps.step("sig image-version update --set"):
        before = az(f"sig image-version show {version} --query {published}")
        changed = az(f"sig image-version update {version} --set tags.of=web")
        expect(changed["tags"], {"of": "web"})
        expect(changed["publishingProfile"]["publishedDate"], before)
    with steps.step("sig image-version update --target-regions"):
        changed = az(f"sig image-version update {version} --target-regions westeurope northeurope")
        targets = changed["publishingProfile"]["targetRegions"]
        expect([one["name"] for one in targets], ["West Europe", "North Europe"])
    with steps.step("sig image-version update --set excludeFromLatest"):
        change = "publishingProfile.excludeFromLatest=true"
        changed = az(f"sig image-version update {version} --set {change}")
        expect(changed["publishingProfile"]["excludeFromLatest"], wanted=True)


def _resources(az: Az, steps: Steps, vm: str) -> None:
    with steps.step("resource list"):
        types = [one["type"].rpartition("/")[2] for one in az(f"resource list -g {GROUP}")]
        expect({"virtualMachines", "disks", "images", "galleries"} - set(types), set())
        named = az(f"resource list --resource-type {VM_TYPE} --query [].name")
        expect(named, ["web", "spare"])
    with steps.step("resource list --tag"):
        expect(az("resource list --tag of=web --query [].name"), ["golden", "shelf/web/1.0.0"])
    with steps.step("resource list: what $expand asks for"):
        [shown] = az("resource list --resource-type Microsoft.Compute/galleries")
        expect(shown["provisioningState"], "Succeeded")
        expect(shown["createdTime"] is None, wanted=False)
    with steps.step("resource list: sku and managedBy of disks"):
        disks = az("resource list --resource-type Microsoft.Compute/disks")
        expect([one["managedBy"] for one in disks if one["name"].startswith("web")], [vm])
        expect([one["name"] for one in disks if not one["sku"]], [])
    with steps.step("resource show"):
        shown = az(f"resource show --ids {vm}")
        expect(shown["properties"]["provisioningState"], "Succeeded")
    with steps.step("rest"):
        base = az.simulator.arm_endpoint
        view = az(f"rest --method get --url {base}{vm}/instanceView?api-version=2024-07-01")
        codes = [status["code"] for status in view["statuses"]]
        expect("OSState/generalized" in codes, wanted=True)
        group = vm.partition("/providers/")[0]
        shown = az(f"rest --method get --url {group}?api-version=2021-04-01")
        expect(shown["name"], GROUP)


def _refusals(az: Az, steps: Steps, vm: str) -> None:
    said = {
        "vm show, of none": (f"vm show -g {GROUP} -n nobody", "ResourceNotFound"),
        "group show, of none": ("group show -n nowhere", "ResourceGroupNotFound"),
        "vm list, in no group": ("vm list -g nowhere", "ResourceGroupNotFound"),
        "vm start, of a generalized VM": (f"vm start --ids {vm}", "OperationNotAllowed"),
        "resource tag, of a generalized VM": (
            f"resource tag --ids {vm} --tags a=b",
            "OperationNotAllowedOnGeneralizedVM",
        ),
    }
    for name, (command, code) in said.items():
        with steps.step(name):
            expect(f"({code})" in az.refused(command), wanted=True)


def _end(az: Az, steps: Steps, vm: str) -> None:
    with steps.step("sig image-version, image-definition, sig: delete"):
        for version in ("1.0.0", "1.0.1"):
            az(f"sig image-version delete -g {GROUP} -r shelf -i web -e {version}")
        az(f"sig image-definition delete -g {GROUP} -r shelf -i web")
        az(f"sig delete -g {GROUP} -r shelf")
        expect(az("sig list"), [])
    with steps.step("image delete, vm delete"):
        az(f"image delete -g {GROUP} -n golden")
        az(f"vm delete --ids {vm} --yes")
        expect(az("vm list --query [].name"), ["spare"])
    with steps.step("group delete"):
        az(f"group delete -n {GROUP} --yes")
        expect(az("group list --query [].name"), [THERE])
