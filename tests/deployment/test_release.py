"""The release workflows name existing files, and the release notes have a button."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from shared.model.version import VERSION

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
NOTES = ROOT / ".github" / "release-notes.sh"


def notes(version: str) -> subprocess.CompletedProcess[str]:
    """Write the notes of a release of some repository."""
    github = {
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_REF_NAME": f"v{version}",
        "GITHUB_SERVER_URL": "https://github.com",
    }
    return subprocess.run(  # noqa: S603 our own script
        [NOTES], env=os.environ | github, capture_output=True, text=True, check=False
    )


def test_the_notes_have_the_changelog_and_a_button() -> None:
    """The button opens the template of the tag, at a URL that a browser may fetch."""
    said = notes(VERSION).stdout
    assert "Hands-off capture" in said
    found = re.search(r"\(https://portal\.azure\.com/#create/Microsoft\.Template/uri/(\S+)\)", said)
    assert found
    address = unquote(found[1])
    base = f"https://raw.githubusercontent.com/owner/name/v{VERSION}/"
    assert (ROOT / address.removeprefix(base)).exists(), address
    package = f"releases/download/v{VERSION}/released-package.zip"
    assert f"https://github.com/owner/name/{package}" in said


def test_a_version_that_the_changelog_has_not_is_not_released() -> None:
    """Such a tag fails the release, with what is missing."""
    ran = notes("99.0.0")
    assert ran.returncode == 1
    assert "CHANGELOG.md has no section for 99.0.0" in ran.stderr


def test_a_release_has_what_is_installed_and_what_it_contains() -> None:
    """The bill of materials and the wheel are released; the tag is compared with the version."""
    release = (WORKFLOWS / "release.yml").read_text()
    copied = re.findall(r"^ +cp (.+) release/$", release, re.MULTILINE)
    assert {".package/sbom.cdx.json", "dist/*.whl"} <= {
        name for one in copied for name in one.split()
    }
    assert "shared/model/version.py" in release
    line = f'VERSION = "{VERSION}"'
    assert line in (ROOT / "shared" / "model" / "version.py").read_text().splitlines()


def test_the_workflows_run_what_everybody_runs() -> None:
    """The check is `.ci/run`, and `make package` builds the release after it."""
    ci, release = ((WORKFLOWS / f"{name}.yml").read_text() for name in ("ci", "release"))
    assert "run: .ci/run" in ci
    assert "run: make package" in release
    assert "run: make sbom wheel" in release
    assert "needs: check" in release
    for name in ("release/", "release/released-package.zip"):
        assert re.search(rf"cp \.package/app\.zip .*{name}( |$)", release, re.MULTILINE)


@pytest.mark.parametrize("name", ["ci", "release", "azure-dev"])
def test_actions_are_pinned_and_tokens_are_small(name: str) -> None:
    """Each action is a commit, each job declares its token's permissions, none keeps it on disk."""
    text = (WORKFLOWS / f"{name}.yml").read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert all(re.search(r"@[0-9a-f]{40}$", one) or one.startswith("./") for one in used), used
    assert "\npermissions: {}\n" in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_a_pipeline_deploys_as_a_person_does() -> None:
    """Both pipelines run `azd up`, which orders the layers; neither provisions by itself."""
    for path in (WORKFLOWS / "azure-dev.yml", ROOT / ".azdo" / "pipelines" / "azure-dev.yml"):
        text = path.read_text()
        assert "azd up --no-prompt" in text
        assert "azd provision" not in text


def test_shellcheck_finds_nothing() -> None:
    """The scripts outside the smoke test have no findings."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    scripts = [
        NOTES,
        ROOT / "infra" / "build.sh",
        ROOT / "infra" / "modules" / "wait.sh",
        ROOT / ".ci" / "run",
    ]
    ran = subprocess.run(  # noqa: S603 a development requirement
        [shellcheck, *scripts], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "")
