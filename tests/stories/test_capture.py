"""Captures from tag to image, with events only: tags, images and number of requests."""

from collections.abc import Callable

import pytest

from tests.stories.world import GALLERY, IMAGES, Hosted, Json, Vm, kinds

WORDS = ["waiting", "deallocating", "capturing", "captured"]
PLAN = {"publisher": "contoso", "product": "server", "name": "hourly"}
type Order = Callable[[Vm, dict[str, str]], None]

MOST_REQUESTS, MOST_WRITES, MORE_READS, MOST_OF_PROOF = 24, 9, 4, 8


def tag(vm: Vm, tags: dict[str, str]) -> None:
    """Set the capture tag with the Tags API."""
    vm.tag(tags)


def write(vm: Vm, tags: dict[str, str]) -> None:
    """Set the capture tag by writing the VM itself."""
    vm.write_tags(vm.tags | tags)


@pytest.mark.parametrize("order", [tag, write])
@pytest.mark.parametrize(
    ("target", "security", "label"),
    [
        ("managed-image", "Standard", "web-"),
        ("golden/windows", "Standard", "golden/windows/"),
        ("yes", "Standard", "golden/windows/"),
        ("golden/windows", "TrustedLaunch", "golden/windows/"),
    ],
)
def test_a_tagged_vm_is_captured_by_events_alone(
    world: Hosted, order: Order, target: str, security: str, label: str
) -> None:
    """The statuses follow in order, and one image is created after Sysprep has finished."""
    world.definition(security=security)
    vm = world.vm(security_type=security)
    world.forget_requests()
    order(vm, {"stillframe-capture": target})
    words = world.watch(vm)
    vm.guest("sysprep")
    assert words + [word for word in world.watch(vm) if word not in words] == WORDS
    assert vm.state == ("deallocated", True)
    (image,) = vm.images
    assert (image["state"], image["sysprep"]) == ("Succeeded", "succeeded")
    assert (vm.said("image") or "").startswith(label)
    assert set(vm.told) == {"status", "detail", "image", "image-group", "as-of", "by"}
    (outcome,) = world.outcomes
    assert outcome["type"] == "Stillframe.ImageCaptured"
    assert outcome["data"]["image"]["id"].lower() == image["id"].lower()


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_a_capture_costs_what_was_promised_and_polls_nothing(world: Hosted, target: str) -> None:
    """24 requests, 9 of them writes; 4 more reads for a version, 8 for the proof; no run fails."""
    world.definition()
    vm = world.vm()
    world.forget_requests()
    vm.order(target)
    vm.sysprep()
    assert vm.status == "captured"
    reads = MOST_REQUESTS - MOST_WRITES + (MORE_READS if "/" in target else 0)
    writes = kinds(world.writes)
    assert len(writes) <= MOST_WRITES
    assert len(world.requests) <= reads + MOST_WRITES
    assert sorted(set(writes)) == sorted(
        {"deallocate", "generalize", "tags", "versions" if "/" in target else "images"}
    )
    assert [writes.count(step) for step in ("deallocate", "generalize")] == [1, 1]
    assert world.polls == []
    assert len(world.proofs) <= MOST_OF_PROOF
    assert world.invocations
    assert world.failures == []
    lines = [line for one in world.invocations for line in one["lines"]]
    assert [line for line in lines if line.startswith(("Warning", "Error"))] == []


def test_the_tags_are_exactly_those_promised_at_each_stage(world: Hosted) -> None:
    """The image tag has the order's target, then the image's name; detail is for people."""
    world.definition()
    vm = world.vm(tags={"team": "payments"})
    vm.order("golden/windows")
    world.settle()
    assert {name: vm.told[name] for name in ("status", "image")} == {
        "status": "waiting",
        "image": "golden/windows",
    }
    assert "Sysprep" in vm.told["detail"]
    vm.guest("sysprep")
    world.settle()
    assert vm.tags == {
        "team": "payments",
        "stillframe-capture": "golden/windows",
        "stillframe-status": "captured",
        "stillframe-detail": f"{vm.said('image')} is ready",
        "stillframe-image": vm.said("image"),
        "stillframe-image-group": world.group(IMAGES),
        "stillframe-as-of": vm.said("as-of"),
        "stillframe-by": world.app.deployed.app,
    }


def test_an_image_says_where_it_comes_from(world: Hosted) -> None:
    """Source, as-of time and proof are in the image's tags, and the time is in its name."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    vm.sysprep()
    (image,) = vm.images
    tags = image["tags"]
    released = str(vm.said("as-of"))
    assert tags["stillframe-source-group"] == "rg-vms"
    assert tags["stillframe-source-vm"] == "web"
    assert tags["stillframe-source-id"]
    assert tags["stillframe-as-of"] == released
    assert tags["stillframe-proof"] == "generalized"
    assert "Sysprep_succeeded.tag" in tags["stillframe-proof-detail"]
    digits = released.translate({ord(mark): None for mark in "-:.TZ"})
    number = f"{digits[:4]}.{int(digits[4:8])}.{int(digits[8:])}"
    assert image["id"].endswith(f"/versions/{number}")


def test_a_version_is_its_owners_to_delete(world: Hosted) -> None:
    """It has no end-of-life date and no deletion block: it can be deleted at once."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows")
    vm.sysprep()
    (image,) = vm.images
    shown = world.owner("GET", f"{image['id']}?api-version=2026-03-03")["properties"]
    assert "endOfLifeDate" not in shown["publishingProfile"]
    assert not shown["safetyProfile"].get("blockDeletionBeforeEndOfLife")
    world.delete_image(image["id"])
    world.let(60)
    assert vm.images == []


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_a_marketplace_plan_is_kept(world: Hosted, target: str) -> None:
    """The plan that a VM created from the image needs is in the image's tags."""
    world.definition(purchasePlan=PLAN)
    vm = world.vm(plan=PLAN)
    vm.order(target)
    vm.sysprep()
    (image,) = vm.images
    assert {part: image["tags"][f"stillframe-plan-{part}"] for part in PLAN} == PLAN


@pytest.mark.parametrize("target", ["managed-image", "golden/windows"])
def test_data_disks_are_captured_too(world: Hosted, target: str) -> None:
    """An image contains all disks of its VM."""
    world.definition()
    vm = world.vm(data_disks=[{"diskSizeGB": 64}, {"diskSizeGB": 128}])
    vm.order(target)
    vm.sysprep()
    (image,) = vm.images
    assert len(image["dataDisks"]) == 2
    assert image["dataDisks"] == vm.facts["dataDisks"]


def test_a_managed_image_lies_in_the_images_group(world: Hosted) -> None:
    """Managed images of both generations are created in IMAGE_RESOURCE_GROUP."""
    for name, generation in (("old", "V1"), ("new", "V2")):
        vm = world.vm(name, generation=generation)
        vm.order("managed-image")
        vm.sysprep()
        (image,) = vm.images
        home = world.group(IMAGES)
        assert image["id"].startswith(f"{home}/providers/Microsoft.Compute/images/{name}-2")


def version(world: Hosted, vm: Vm) -> Json:
    """Return the version created from a VM, as ARM returns it."""
    (image,) = vm.images
    return world.owner("GET", f"{image['id']}?api-version=2026-03-03")


def test_a_version_is_replicated_like_the_newest(world: Hosted) -> None:
    """Regions, replicas and storage are copied from the newest version, plus the VM's region."""
    definition = world.definition()
    first = world.vm("first", location="northeurope")
    first.order("golden/windows")
    first.sysprep()
    profile = {
        "targetRegions": [
            {"name": "northeurope", "regionalReplicaCount": 3},
            {"name": "uksouth", "storageAccountType": "Premium_LRS"},
        ]
    }
    number = first.images[0]["id"].rsplit("/", 1)[1]
    path = f"{definition}/versions/{number}?api-version=2026-03-03"
    world.owner("PATCH", path, {"properties": {"publishingProfile": profile}})
    world.settle()
    second = world.vm("second")
    second.order("golden/windows")
    second.sysprep()
    regions = version(world, second)["properties"]["publishingProfile"]["targetRegions"]
    assert {
        (one["name"], one["regionalReplicaCount"], one["storageAccountType"]) for one in regions
    } == {
        ("North Europe", 3, "Standard_LRS"),
        ("UK South", 1, "Premium_LRS"),
        ("West Europe", 1, "Standard_LRS"),
    }


def test_the_first_version_stays_in_its_vms_region(world: Hosted) -> None:
    """Without an earlier version, the only region is that of the source."""
    world.definition()
    vm = world.vm(location="northeurope")
    vm.order("golden/windows")
    vm.sysprep()
    profile = version(world, vm)["properties"]["publishingProfile"]
    assert [one["name"] for one in profile["targetRegions"]] == ["North Europe"]
    assert profile["excludeFromLatest"] is False


def test_the_owner_chooses_number_and_latest(world: Hosted) -> None:
    """`stillframe-version` is the number, `stillframe-latest: no` keeps it from being latest."""
    world.definition()
    vm = world.vm()
    vm.order("golden/windows", version="7.0.1", latest="no")
    vm.sysprep()
    assert vm.said("image") == f"{GALLERY}/windows/7.0.1"
    assert version(world, vm)["properties"]["publishingProfile"]["excludeFromLatest"] is True


def test_a_full_definition_id_reaches_any_gallery(world: Hosted) -> None:
    """A target by id does not depend on IMAGE_RESOURCE_GROUP."""
    vm = world.vm()
    vm.order(world.definition().replace(f"/{IMAGES}/", f"/{IMAGES.upper()}/"))
    vm.sysprep()
    assert vm.status == "captured"


def test_ours_are_the_only_tags_that_change(world: Hosted) -> None:
    """The tags of others are the same after the capture as before."""
    vm = world.vm(tags={"Team": "payments", "empty": ""})
    vm.order("managed-image")
    vm.sysprep()
    assert vm.tags["Team"] == "payments"
    assert vm.tags["empty"] == ""
    assert vm.tags["stillframe-capture"] == "managed-image"
