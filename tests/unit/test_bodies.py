"""The request bodies that create an image."""

from dataclasses import replace
from typing import Any

import pytest

from shared.capture.targets import names
from shared.cloud.bodies import managed_image_body, source_tags, target_regions, version_body
from shared.model.facts import Doubt, Region
from shared.model.ids import GalleryTarget, ManagedImageTarget
from shared.model.steps import Create
from tests.unit.making import (
    GALLERY,
    GENERALIZED,
    MANAGED,
    NOW,
    PLAN,
    REF,
    RELEASED,
    order,
    say,
    vm,
)


def create(target: GalleryTarget | ManagedImageTarget = GALLERY, **changes: Any) -> Create:  # noqa: ANN401 - fields of Order
    """Make the step that starts to create an image of the VM of `making.py`."""
    ref, *_ = names(REF, target, RELEASED, None)
    return Create(
        say=say(),
        ref=ref,
        order=order(target, **changes),
        as_of=RELEASED,
        verdict=GENERALIZED,
        generation="V2",
        regions=(),
    )


def test_a_managed_image_says_its_generation() -> None:
    """Azure rejects a managed image without a generation; it captures all disks of its source."""
    assert managed_image_body(vm(), create(MANAGED), NOW) == {
        "location": "westeurope",
        "tags": source_tags(vm(), create(MANAGED), NOW),
        "properties": {"sourceVirtualMachine": {"id": REF.id}, "hyperVGeneration": "V2"},
    }


def test_a_version_comes_straight_from_the_vm() -> None:
    """A version's source is the VM; without other regions it is created in the VM's region."""
    assert version_body(vm(), create(), NOW) == {
        "location": "westeurope",
        "tags": source_tags(vm(), create(), NOW),
        "properties": {
            "storageProfile": {"source": {"virtualMachineId": REF.id}},
            "publishingProfile": {
                "targetRegions": [{"name": "westeurope"}],
                "excludeFromLatest": False,
            },
        },
    }


@pytest.mark.parametrize("in_latest", [True, False])
def test_the_owner_says_whether_latest_means_it(in_latest: bool) -> None:  # noqa: FBT001
    """`stillframe-latest: no` sets excludeFromLatest on the version."""
    profile = version_body(vm(), create(in_latest=in_latest), NOW)["properties"]
    assert profile["publishingProfile"]["excludeFromLatest"] is not in_latest


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ((), [{"name": "westeurope"}]),
        (
            (Region("North Europe", 2, "Standard_ZRS"),),
            [
                {
                    "name": "North Europe",
                    "regionalReplicaCount": 2,
                    "storageAccountType": "Standard_ZRS",
                },
                {"name": "westeurope"},
            ],
        ),
        ((Region("West Europe", 3),), [{"name": "West Europe", "regionalReplicaCount": 3}]),
        ((Region("uksouth"), Region("WESTEUROPE")), [{"name": "uksouth"}, {"name": "WESTEUROPE"}]),
    ],
)
def test_the_sources_region_is_among_the_targets(
    regions: tuple[Region, ...], expected: list[dict[str, object]]
) -> None:
    """It is there once, under either name; other regions keep their replicas and storage type."""
    assert target_regions("westeurope", regions) == expected


def test_an_image_says_where_it_comes_from() -> None:
    """An image's tags have its source, as-of time, proof and start, within a tag's length."""
    tags = source_tags(vm(), create(), NOW)
    assert tags == {
        "stillframe-source-group": "golden",
        "stillframe-source-vm": "web-01",
        "stillframe-source-id": vm().vm_id,
        "stillframe-as-of": "2026-05-04T09:48:07.250Z",
        "stillframe-proof": "generalized",
        "stillframe-proof-detail": "State.ini says so",
        "stillframe-started": "2026-05-04T10:00:00.000Z",
    }


def test_an_image_says_what_it_should_not_have() -> None:
    """If present, the warnings about its disk, joined, and the app that created it."""
    warnings = {Doubt.MACHINE_ID: "one id for all", Doubt.USER: "ada stays in the image"}
    verdict = replace(GENERALIZED, warnings=warnings)
    step = replace(create(), verdict=verdict, say=say(by="func-one"))
    tags = source_tags(vm(), step, NOW)
    assert tags["stillframe-proof-warnings"] == "one id for all; ada stays in the image"
    assert tags["stillframe-by"] == "func-one"


def test_an_image_keeps_its_marketplace_plan() -> None:
    """VMs created from the image need publisher, product and name; an image has no such field."""
    tags = source_tags(vm(plan=PLAN), create(), NOW)
    assert [tags[f"stillframe-plan-{part}"] for part in ("publisher", "product", "name")] == [
        "contoso",
        "server",
        "hourly",
    ]
