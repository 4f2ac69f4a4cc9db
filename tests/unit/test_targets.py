"""Where an order's image goes and what it is called."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.targets import (
    ATTEMPTS,
    fits,
    is_left_over,
    is_ordered,
    later_names,
    names,
    read_order,
    speaks_of,
)
from shared.model.errors import Misconfigured
from shared.model.facts import ListedVm, Refusal
from shared.model.ids import (
    GalleryTarget,
    ManagedImageRef,
    ManagedImageTarget,
    Target,
    VersionRef,
    VmRef,
)
from shared.model.instants import write_instant
from shared.model.settings import read_settings
from shared.model.steps import Order
from shared.model.tags import SourceTag, Tag
from tests.unit.making import (
    ELSEWHERE,
    GALLERY,
    MANAGED,
    NOW,
    REF,
    RELEASED,
    SUBSCRIPTION,
    image,
    settings,
)

IMAGE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?")
VERSION_NUMBER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
FAR = GalleryTarget(ELSEWHERE, "far", "gallery", "windows")
HOME = f"{REF.group_id}/".lower()
INT32_MAX = 2_147_483_647
HIGHER = f"{INT32_MAX}.0.0"
VM_NAMES = st.sampled_from([0, 1, 50, 59, 60, 61, 62, 63, 64, 258]).flatmap(
    lambda n: st.from_regex(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{{n}}}[A-Za-z0-9]", fullmatch=True)
)
ANY_NAMES = VM_NAMES | st.text(st.characters(exclude_characters="/", codec="utf-8"), min_size=1)
INSTANTS = st.builds(
    lambda span, zone: (NOW + span).astimezone(zone),
    st.timedeltas(-timedelta(days=9_000), timedelta(days=99_000)),
    st.timezones(),
)


def numbers(instant: datetime) -> list[tuple[int, ...]]:
    """Give the version numbers of an instant as they are compared."""
    labels = [ref.label.rpartition("/")[2] for ref in names(REF, GALLERY, instant, None)]
    return [tuple(map(int, label.split("."))) for label in labels]


def ordered(capture: str, **tags: str) -> Order | Refusal:
    """Read an order where `yes` means the gallery."""
    known = settings(capture_target="gallery/windows", targets=(f"{FAR.group_id}/".lower(), HOME))
    return read_order({Tag.CAPTURE.value: capture, **tags}, known, REF, NOW)


def refusal(capture: str, **tags: str) -> str:
    """Give the words in which an order is refused."""
    read = ordered(capture, **tags)
    assert isinstance(read, Refusal)
    return read.why


@pytest.mark.parametrize("asks", [False, True], ids=["no order", "ordered"])
@pytest.mark.parametrize("answered", [None, Tag.STATUS, Tag.UNTOLD])
@pytest.mark.parametrize("within", [False, True], ids=["out of scope", "in scope"])
@pytest.mark.parametrize("generalized", [False, True], ids=["may run", "generalized"])
def test_an_order_counts_within_scope_and_its_words_are_left_over_without(
    asks: bool,  # noqa: FBT001 - a row of a table
    answered: Tag | None,
    within: bool,  # noqa: FBT001 - a row of a table
    generalized: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """A generalized VM out of scope keeps its tags while its order is there."""
    tags = {Tag.CAPTURE.value: "yes"} if asks else {"team": "web"}
    if answered:
        tags[answered.value] = "waiting"
    vm = ListedVm(REF, tags, generalized=generalized)
    known = settings(scopes=(HOME,) if within else ("/subscriptions/other/",))
    assert is_ordered(vm, known) is (asks and within)
    kept = asks and (within or generalized)
    assert is_left_over(vm, known) is (answered is not None and not kept)


@pytest.mark.parametrize(
    ("capture", "target"),
    [
        ("yes", GALLERY),
        (" YES ", GALLERY),
        ("managed-image", MANAGED),
        ("Managed-Image", MANAGED),
        ("gallery/windows", GALLERY),
        ("My.Gallery_1/w-1.x", GalleryTarget(SUBSCRIPTION, "golden", "My.Gallery_1", "w-1.x")),
        (GALLERY.scope, GALLERY),
        (FAR.scope, FAR),
    ],
)
def test_the_tag_says_where_the_image_goes(capture: str, target: Target) -> None:
    """Each form of the capture tag names one target."""
    assert ordered(capture) == Order(target)


@pytest.mark.parametrize(
    ("capture", "target"),
    [
        ("gallery/windows", GalleryTarget(ELSEWHERE, "images", "gallery", "windows")),
        ("managed-image", ManagedImageTarget(ELSEWHERE, "images")),
        (GALLERY.scope, GALLERY),
    ],
)
def test_images_may_have_a_group_of_their_own(capture: str, target: Target) -> None:
    """`IMAGE_RESOURCE_GROUP` takes the place of the VM's group, but not of a full id's."""
    known = settings(image_group=(ELSEWHERE, "images"), capture_target=GALLERY.scope)
    assert read_order({Tag.CAPTURE: capture}, known, REF, NOW) == Order(target)


@pytest.mark.parametrize(
    "capture",
    [
        "",
        "no",
        "true",
        "gallery",
        "gallery/",
        "/windows",
        "a/b/c",
        "gal lery/windows",
        "-a/b",
        "a/b.",
        "x" * 300,
        "a/" + "b" * 81,
        "ü/b",
        "<script>",
        "💾",
        REF.id,
        GALLERY.version("1.0.0").id,
        GALLERY.scope.replace(SUBSCRIPTION, "production"),
        GALLERY.scope + "?x=1#",
        GALLERY.scope.replace("gallery", "gallery "),
        GALLERY.scope.replace("golden", ".."),
    ],
)
def test_nonsense_is_refused_in_words_that_fit_a_tag(capture: str) -> None:
    """The refusal quotes at most the value's beginning and says what is valid."""
    assert "is not a valid target" in refusal(capture)
    assert len(refusal(capture)) <= 256


def test_yes_needs_a_default() -> None:
    """Without a default target `yes` is refused, and the refusal says what to write instead."""
    read = read_order({Tag.CAPTURE: "yes"}, settings(), REF, NOW)
    assert isinstance(read, Refusal)
    assert "name one: managed-image or <gallery>/<definition>" in read.why


@pytest.mark.parametrize("number", ["1.0.0", "0.0.0", " 10.20.30 ", f"1.2.{INT32_MAX}"])
def test_an_owner_may_choose_the_number(number: str) -> None:
    """A number of three int32 without leading zeros is used unchanged."""
    assert ordered("yes", **{Tag.VERSION: number}) == Order(GALLERY, number.strip())


@pytest.mark.parametrize(
    "number",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "01.2.3",
        "1.2.-3",
        "1.2.x",
        "latest",
        "1.2.3a",
        "1. 2.3",
        f"1.2.{INT32_MAX + 1}",
        "9" * 250 + ".1.1",
        "²" + ".1.1",
        "1.1.\u0661",
    ],
)
def test_a_number_that_azure_would_refuse_is_refused(number: str) -> None:
    """An invalid version number is refused before anything is done."""
    assert "is not a valid version" in refusal("yes", **{Tag.VERSION: number})


def test_a_managed_image_has_no_version() -> None:
    """A version number with a managed image is a contradiction, and is refused as one."""
    assert "a managed image has no version" in refusal("managed-image", **{Tag.VERSION: "1.0.0"})


@pytest.mark.parametrize(("latest", "included"), [("yes", True), ("no", False), (" NO ", False)])
def test_a_version_may_be_kept_from_latest(latest: str, included: bool) -> None:  # noqa: FBT001
    """The tag `stillframe-latest` says whether `latest` may mean this version."""
    assert ordered("yes", **{Tag.LATEST: latest}) == Order(GALLERY, None, included)


def test_latest_is_yes_or_no() -> None:
    """Anything else might mean either, and is refused."""
    assert "is neither yes nor no" in refusal("yes", **{Tag.LATEST: "maybe" * 60})


@given(VM_NAMES, INSTANTS, st.sampled_from([GALLERY, MANAGED]))
def test_whoever_names_an_image_names_the_same(
    name: str, instant: datetime, target: Target
) -> None:
    """One VM and one instant give the same names, in any case of the VM's id and in any zone."""
    vm = VmRef(SUBSCRIPTION, "golden", name)
    shouted = VmRef(SUBSCRIPTION.upper(), "GOLDEN", name.swapcase())
    ours = names(vm, target, instant, None)
    theirs = names(shouted, target, instant.astimezone(UTC), None)
    assert [ref.key for ref in ours] == [ref.key for ref in theirs]
    assert len({ref.key for ref in ours}) == ATTEMPTS


@given(INSTANTS, st.timedeltas(timedelta(milliseconds=1), timedelta(days=40_000)))
def test_a_later_release_has_the_higher_number(instant: datetime, later: timedelta) -> None:
    """`latest` is the last: numbers grow with the instant, and with each attempt."""
    first, then = numbers(instant), numbers(instant.astimezone(UTC) + later)
    assert first == sorted(set(first))
    assert all(one < other for one, other in zip(first, then, strict=True))


@given(INSTANTS)
def test_a_number_is_one_that_azure_takes(instant: datetime) -> None:
    """Parts are int32 without leading zeros, at any hour of any day."""
    for ref in names(REF, GALLERY, instant, None):
        assert isinstance(ref, VersionRef)
        assert VERSION_NUMBER.fullmatch(ref.version)
        assert max(map(int, ref.version.split("."))) <= INT32_MAX


@given(ANY_NAMES, INSTANTS)
def test_a_managed_image_has_a_name_that_azure_takes(name: str, instant: datetime) -> None:
    """Whatever a VM's name is, its image's has at most 80 characters, all of them allowed."""
    for ref in names(VmRef(SUBSCRIPTION, "golden", name), MANAGED, instant, None):
        assert isinstance(ref, ManagedImageRef)
        assert IMAGE_NAME.fullmatch(ref.name)


def test_names_read_as_their_instant() -> None:
    """People can read the instant in a name."""
    version, *_ = names(REF, GALLERY, RELEASED, None)
    image, second, third = names(REF, MANAGED, RELEASED, None)
    assert version.label == "gallery/windows/2026.504.94807250"
    assert [image.label, second.label, third.label] == [
        "web-01-20260504-094807250",
        "web-01-20260504-094807251",
        "web-01-20260504-094807252",
    ]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("x" * 61, "x" * 61),
        ("x" * 62, "x" * 52 + "-" + hashlib.sha256(b"x" * 62).hexdigest()[:8]),
        ("Web 01", "Web-01-" + hashlib.sha256(b"web 01").hexdigest()[:8]),
        ("_X", "X-" + hashlib.sha256(b"_x").hexdigest()[:8]),
    ],
    ids=["fits", "too long", "a blank", "begins with a stroke"],
)
def test_a_name_that_does_not_fit_keeps_what_can_be_read_of_it(name: str, stem: str) -> None:
    """Its image begins as its VM does, with the hash of the whole name after it."""
    ref, *_ = names(VmRef(SUBSCRIPTION, "golden", name), MANAGED, RELEASED, None)
    assert ref.label == f"{stem}-20260504-094807250"


def test_long_names_that_begin_alike_stay_apart() -> None:
    """A VM name that is cut gets a hash."""
    one, other = (VmRef(SUBSCRIPTION, "golden", "x" * 70 + end) for end in "ab")
    assert set(names(one, MANAGED, NOW, None)).isdisjoint(names(other, MANAGED, NOW, None))


def test_an_owners_number_is_never_changed() -> None:
    """An order with its own number has this one name only."""
    assert names(REF, GALLERY, NOW, "1.0.0") == (GALLERY.version("1.0.0"),)


@pytest.mark.parametrize("target", [GALLERY, MANAGED])
def test_an_image_tells_the_names_of_the_attempts_after_it(target: Target) -> None:
    """By the instant in its tags; a number of the owner's, or no instant, has none after it."""
    tags = {SourceTag.AS_OF.value: write_instant(RELEASED)}
    refs = names(REF, target, RELEASED, None)
    for n, ref in enumerate(refs):
        shouted = replace(ref, group=ref.group.upper())
        later = later_names(image(shouted, tags=tags), REF)
        assert [one.key for one in later] == [one.key for one in refs[n + 1 :]]
        assert later_names(image(ref), REF) == ()
    assert later_names(image(GALLERY.version("7.0.0"), tags=tags), REF) == ()


@pytest.mark.parametrize(
    ("label", "order", "expected"),
    [
        ("gallery/windows/1.0.0", Order(GALLERY), True),
        ("GALLERY/Windows/1.0.0", Order(GALLERY), True),
        ("gallery/windows/1.0.0", Order(GALLERY, "1.0.0"), True),
        ("gallery/windows/1.0.0", Order(GALLERY, "1.0.1"), False),
        ("gallery/windows", Order(GALLERY), False),
        ("gallery/linux/1.0.0", Order(GALLERY), False),
        ("", Order(GALLERY), False),
        ("web-01-20260504-094807250", Order(GALLERY), False),
        ("web-01-20260504-094807250", Order(MANAGED), True),
        ("managed-image", Order(MANAGED), False),
        ("Managed-Image", Order(MANAGED), False),
        ("gallery/windows/1.0.0", Order(MANAGED), False),
        ("", Order(MANAGED), False),
    ],
)
def test_an_image_fits_the_order_that_it_was_made_for(
    label: str,
    order: Order,
    expected: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """The label on the VM tells whether its image is what the order asks for now."""
    assert fits({Tag.IMAGE: label}, order) is expected


@pytest.mark.parametrize("target", [GALLERY, MANAGED])
def test_names_are_compared_by_their_resource_group(target: Target) -> None:
    """A gallery of the same name in another group is another gallery."""
    order = Order(target)
    image = names(REF, target, NOW, None)[0].label
    for group, same in ((f"{REF.group_id}2", False), (REF.group_id.upper(), True)):
        tags = {Tag.IMAGE_GROUP.value: group, Tag.IMAGE.value: image}
        assert fits(tags, order) is same
        assert speaks_of({**tags, Tag.IMAGE.value: order.label.upper()}, order) is same
        assert not speaks_of(tags, order)


@pytest.mark.parametrize(
    ("allowed", "capture", "may"),
    [
        ((), "gallery/windows", True),
        ((), "gallery/linux", True),
        ((), "managed-image", True),
        ((), GALLERY.scope.upper(), True),
        ((), FAR.scope, False),
        ((), GALLERY.scope.replace("golden", "golden2"), False),
        ((FAR.scope,), FAR.scope, True),
        ((FAR.scope,), f"{FAR.scope}2", False),
        ((FAR.scope,), "managed-image", False),
        ((FAR.group_id,), FAR.scope, True),
        ((FAR.group_id,), "gallery/linux", False),
        ((FAR.group_id,), "gallery/windows", True),
        ((FAR.group_id,), "yes", True),
    ],
)
def test_an_order_may_name_what_the_operator_allows(
    allowed: tuple[str, ...],
    capture: str,
    may: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """Without a list that is the group for images; the default target may always be named."""
    listed = tuple(f"{one}/".lower() for one in allowed)
    known = settings(capture_target="gallery/windows", targets=listed)
    read = read_order({Tag.CAPTURE: capture}, known, REF, NOW)
    assert isinstance(read, Order) is may
    if isinstance(read, Refusal):
        assert "CAPTURE_ALLOWED_TARGETS" in read.why
        assert len(read.why) <= 256


@pytest.mark.parametrize(
    ("number", "hides"),
    [
        ("2026.504.100000000", False),
        ("2026.504.100000001", True),
        ("2026.503.2147483647", False),
        ("2026.505.0", True),
        ("2025.9999.0", False),
        ("2027.0.0", True),
        (HIGHER, True),
    ],
)
def test_a_number_above_those_of_today_hides_later_ones(
    number: str,
    hides: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """It is refused, unless it is not to be `latest`, or the operator allows it."""
    tags = {Tag.CAPTURE.value: "gallery/windows", Tag.VERSION.value: number}
    read = read_order(tags, settings(), REF, NOW)
    assert isinstance(read, Refusal) is hides
    if isinstance(read, Refusal):
        assert number in read.why
        assert len(read.why) <= 256
    beside = read_order(tags | {Tag.LATEST.value: "no"}, settings(), REF, NOW)
    allowed = read_order(tags, settings(any_version=True), REF, NOW)
    assert beside == Order(GALLERY, number, in_latest=False)
    assert allowed == Order(GALLERY, number)


def test_a_group_for_managed_images_is_a_target() -> None:
    """Managed images go to the group that is set for them."""
    known = settings(capture_target="managed-image", image_group=(SUBSCRIPTION, "images"))
    target = ManagedImageTarget(SUBSCRIPTION, "images")
    assert read_order({Tag.CAPTURE: "yes"}, known, REF, NOW) == Order(target)


@given(st.from_regex(r"[\w.-]{1,5}/[\w.-]{1,5}|managed-image", fullmatch=True))
def test_a_default_target_that_starts_the_app_is_a_target(text: str) -> None:
    """`CAPTURE_TARGET` takes nothing that every order for it would be refused for."""
    try:
        known = read_settings({"SUBSCRIPTIONS": SUBSCRIPTION, "CAPTURE_TARGET": text})
    except Misconfigured:
        return
    assert isinstance(read_order({Tag.CAPTURE: "yes"}, known, REF, NOW), Order)
