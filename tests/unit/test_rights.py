"""May the app do it? The permissions API's patterns, and what an order needs."""

import pytest

from shared.capture.rights import ON_DEFINITION, ON_MANAGED_IMAGES, ON_VM, allows, lacking
from shared.model.facts import Permission, Rights
from tests.unit.making import GALLERY, MANAGED, rights

DEALLOCATE = "Microsoft.Compute/virtualMachines/deallocate/action"


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*/action",
        "Microsoft.Compute/*",
        "Microsoft.Compute/virtualMachines/*",
        "Microsoft.Compute/*/deallocate/action",
        "Microsoft.Compute/virtualMachines/*/action",
        "microsoft.compute/VIRTUALMACHINES/Deallocate/ACTION",
        DEALLOCATE,
    ],
)
def test_a_pattern_covers_an_action(pattern: str) -> None:
    """A star matches any text, slashes included, and case is ignored."""
    assert allows(Permission((pattern,)), DEALLOCATE)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*/read",
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/virtualMachines/deallocate",
        "Microsoft.Compute/virtualMachines/deallocate/action/more",
        "Microsoft.Compute/virtualMachines/de.*ocate/action",
        "Microsoft?Compute/virtualMachines/deallocate/action",
        "MicrosoftXCompute/virtualMachines/deallocate/action",
    ],
)
def test_a_pattern_is_no_regular_expression(pattern: str) -> None:
    """A pattern covers the whole action and nothing but its star is special."""
    assert not allows(Permission((pattern,)), DEALLOCATE)


def test_an_exception_takes_away_what_its_own_grant_gives() -> None:
    """`notActions` is subtracted from its own grant only."""
    assert not allows(Permission(("*",), ("*/deallocate/action",)), DEALLOCATE)


def test_an_exception_takes_nothing_from_another_grant() -> None:
    """One assignment's exceptions do not deny what another assignment gives."""
    both = (Permission(("*",), ("Microsoft.Compute/*",)), Permission(("Microsoft.Compute/*",)))
    assert lacking(Rights(vm=both, target=both), MANAGED) == []


def test_who_may_do_everything_lacks_nothing() -> None:
    """A star on both scopes is enough for either kind of image."""
    assert [lacking(rights(), target) for target in (GALLERY, MANAGED)] == [[], []]


def test_who_may_do_nothing_lacks_every_action_by_its_name() -> None:
    """An empty answer of the permissions API is a no to each action, in the order of the steps."""
    nothing = Rights(vm=(), target=())
    assert lacking(nothing, MANAGED) == [*ON_VM, *ON_MANAGED_IMAGES]


def test_a_gallery_version_wants_write_on_the_vm() -> None:
    """Azure makes a version from a VM only for who may write that VM; a managed image needs not."""
    on_vm = Rights(vm=(Permission(ON_VM),), target=(Permission(("*",)),))
    assert lacking(on_vm, GALLERY) == ["Microsoft.Compute/virtualMachines/write"]
    assert lacking(on_vm, MANAGED) == []


def test_rights_on_the_definition_are_asked_of_the_definition() -> None:
    """A permission on the VM's group does not count for the target."""
    on_vm = Rights(vm=(Permission(("*",)),), target=(Permission(("*/read",)),))
    assert lacking(on_vm, GALLERY) == [ON_DEFINITION[1]]


def test_who_may_not_ask_is_told_of_the_right_to_ask() -> None:
    """For an unreadable scope the permission to read permissions is missing."""
    everything = (Permission(("*",)),)
    ask = "Microsoft.Authorization/permissions/read"
    assert lacking(Rights(vm=None, target=everything), MANAGED) == [ask]
    assert lacking(Rights(vm=everything, target=None), GALLERY) == [ask]
    assert lacking(Rights(vm=None, target=None), GALLERY) == [ask]
