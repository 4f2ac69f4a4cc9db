"""What captures leave behind: which versions nobody gets by `latest`."""

from shared.model.tags import SourceTag
from shared.sweep.left import LeftVersions, left_versions
from tests.unit.making import GALLERY, image

OURS = {SourceTag.STARTED.value: "2026-05-04T10:00:00Z"}


def test_older_versions_of_ours_are_superseded() -> None:
    """By number, not by text; a version of others counts as newer, but is not ours to name."""
    versions = [
        image(GALLERY.version("2026.9.1"), tags=OURS, replicas=3),
        image(GALLERY.version("2026.10.1"), tags=OURS, replicas=2),
        image(GALLERY.version("2026.11.1"), replicas=1),
        image(GALLERY.version("1.0.0"), replicas=5),
    ]
    assert left_versions(versions) == LeftVersions((), superseded=2, replicas=5)


def test_a_failed_version_is_named_and_supersedes_nothing() -> None:
    """It blocks its number until somebody deletes it."""
    failed = GALLERY.version("2026.10.1")
    versions = [
        image(GALLERY.version("2026.9.1"), tags=OURS, replicas=3),
        image(failed, tags=OURS, provisioning="Failed"),
    ]
    assert left_versions(versions) == LeftVersions((failed.id,))


def test_without_versions_nothing_is_left() -> None:
    """Nor by a definition's only version."""
    assert left_versions([]) == LeftVersions()
    assert left_versions([image(GALLERY.version("1.0.0"), tags=OURS)]) == LeftVersions()
