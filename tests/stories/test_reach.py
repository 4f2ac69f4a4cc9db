"""How far an order reaches: into whose scope, by which app, to what target, under which version."""

from dataclasses import replace

import pytest

from tests.stories.world import IMAGES, Spine, kinds

HOUR = 3600
RELEASED = {"power": "deallocated", "sysprep": "succeeded"}
WEB = "images-of-web"


def test_an_order_of_two_apps_is_carried_out_by_the_first(spine: Spine) -> None:
    """The other sends it nowhere, takes none of its tags, and says whose it is."""
    spine.definition()
    one = spine.azure
    two = replace(
        one, settings=replace(one.settings, app="func-two", capture_target="managed-image")
    )
    one = replace(
        one, settings=replace(one.settings, app="func-one", capture_target="golden/windows")
    )
    vm = spine.vm()
    vm.order("yes")
    spine.azure = one
    spine.sweep()
    spine.forget_requests()
    for _ in range(12):
        for spine.azure in (two, one):
            spine.sweep_for(300)
    assert (vm.said("by"), vm.status, spine.writes) == ("func-one", "waiting", [])
    spine.azure = two
    assert list(spine.sweep().others.values()) == ["func-one"]
    vm.guest("sysprep")
    spine.let(HOUR)
    assert spine.look(vm).by == "func-one"
    assert spine.writes == []
    spine.azure = one
    spine.carry(vm)
    assert spine.sweep().others == {}
    (image,) = vm.images
    assert image["tags"]["stillframe-by"] == "func-one"
    assert (vm.status, image["id"].split("/")[-3]) == ("captured", "windows")


def test_an_order_is_handed_over_by_taking_the_name_off(spine: Spine) -> None:
    """The next app that looks answers it anew, and it is that one's from then on."""
    vm = spine.vm()
    vm.order("managed-image")
    spine.under(app="func-one").sweep()
    assert vm.said("by") == "func-one"
    spine.under(app="func-two").sweep()
    assert vm.said("by") == "func-one"
    vm.untag("stillframe-by")
    spine.sweep()
    assert (vm.said("by"), vm.status) == ("func-two", "waiting")


def test_the_image_of_another_app_is_told_by_that(spine: Spine) -> None:
    """Where the VM is gone both find the image in one group; one of them tells of it."""
    vm = spine.vm(**RELEASED)
    vm.order("managed-image")
    spine.under(app="func-one")
    spine.look(vm)
    spine.let(130)
    vm.delete()
    spine.under(app="func-two")
    spine.sweep_for(2 * HOUR)
    assert spine.outcomes == []
    spine.under(app="func-one")
    spine.sweep_for(HOUR)
    assert spine.reasons == ["captured"]


def test_where_the_scope_is_narrowed_the_order_is_taken_back_and_the_bill_told(
    spine: Spine,
) -> None:
    """The tags of an order that counts no more go with the next sweep; then it is billed."""
    vm = spine.vm()
    vm.order("managed-image")
    spine.sweep()
    assert vm.status == "waiting"
    spine.under(scopes=(f"{spine.group('elsewhere')}/".lower(),))
    vm.guest("shutdown")
    spine.sweep_for(300)
    assert vm.told == {}
    spine.sweep_for(2 * HOUR)
    assert [one["type"] for one in spine.outcomes] == ["Stillframe.VmStillBilled"]
    assert vm.state == ("stopped", False)


def test_a_captured_vm_out_of_scope_keeps_what_it_says(spine: Spine) -> None:
    """It was captured, whatever counts today; and it costs a sweep no look."""
    vm = spine.vm(**RELEASED)
    vm.order("managed-image")
    spine.carry(vm)
    assert vm.status == "captured"
    spine.under(scopes=(f"{spine.group('elsewhere')}/".lower(),)).forget_requests()
    spine.sweep_for(2 * HOUR)
    assert (vm.status, spine.writes) == ("captured", [])


def test_a_namesake_in_another_group_is_another_target(spine: Spine) -> None:
    """What was captured of one gallery is no answer for one of its name elsewhere."""
    first = spine.definition()
    second = spine.definition(group=WEB)
    spine.grant_images(WEB)
    vm = spine.vm(**RELEASED)
    spine.under(targets=tuple(f"{spine.group(name)}/".lower() for name in (IMAGES, WEB)))
    vm.order(first)
    spine.carry(vm)
    assert (vm.status, len(vm.images)) == ("captured", 1)
    vm.tag_disk({"stillframe-capture": second})
    spine.carry(vm)
    made = [one["id"].lower().partition("/versions/")[0] for one in vm.images]
    assert (vm.status, sorted(made)) == ("captured", sorted([first.lower(), second.lower()]))
    spine.forget_requests()
    spine.sweep_for(2 * HOUR)
    assert spine.writes == []


def test_a_target_that_the_operator_does_not_allow_is_refused(spine: Spine) -> None:
    """Though the app may write there; nothing is deallocated for it, and it is told once."""
    elsewhere = spine.definition(group=WEB)
    spine.grant_images(WEB)
    vm = spine.vm(power="stopped", sysprep="succeeded")
    vm.order(elsewhere)
    spine.sweep_for(3 * HOUR)
    assert (vm.status, vm.state) == ("refused", ("stopped", False))
    assert "CAPTURE_ALLOWED_TARGETS" in vm.told["detail"]
    assert spine.reasons.count("refused") == 1
    spine.under(targets=(f"{spine.group(WEB)}/".lower(),))
    spine.carry(vm)
    assert vm.status == "captured"


@pytest.mark.parametrize("remedy", ["latest", "setting", "number"])
def test_a_version_above_all_to_come_is_refused(spine: Spine, remedy: str) -> None:
    """No version named by date would be `latest` again; so it is not made without more."""
    spine.definition()
    vm = spine.vm(power="stopped", sysprep="succeeded")
    vm.tag({"stillframe-version": "2147483647.0.0"})
    vm.order("golden/windows")
    spine.sweep_for(3 * HOUR)
    assert (vm.status, kinds(vm.writes).count("deallocate")) == ("refused", 0)
    assert spine.reasons.count("refused") == 1
    if remedy == "latest":
        vm.tag({"stillframe-latest": "no"})
    elif remedy == "number":
        vm.tag({"stillframe-version": "7.0.0"})
    else:
        spine.under(any_version=True)
    spine.carry(vm)
    assert vm.status == "captured"
