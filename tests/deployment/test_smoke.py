"""The script for a live subscription: it names every open point, and says and undoes its actions.

A script replaces `az` and records its calls: the smoke script is tested here, not Azure's
answers.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from shared.cloud import blob
from shared.cloud import errors as azure_errors

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "infra" / "smoke.sh"
PARTS = (SMOKE, *sorted((ROOT / "infra" / "smoke").iterdir()))
POINTS = (ROOT / "infra" / "smoke" / "points.sh").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
OPEN = OPERATIONS.partition("## To be confirmed on a live subscription")[2].partition("\n## ")[0]
GROUP = r"stillframe-smoke-\d{8}"

NOTING = """#!/bin/sh
echo "az $*" >> "$NOTES"
case "$*" in
  *"$FAILS"*) exit 1 ;;
  "eventgrid system-topic list"*)
    [ -z "$NO_TOPICS" ] || exit 0
    printf 'Microsoft.Resources.Subscriptions\\tof-subscription\\there\\n'
    printf 'microsoft.resourcenotifications.healthresources\\tof-health\\there\\n' ;;
esac
"""


def smoke(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script; it is ended if it waits too long."""
    return subprocess.run(  # noqa: S603 our own script
        [SMOKE, *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def az(tmp_path: Path) -> dict[str, str]:
    """Give the environment in which `az` only records, and fails at what `FAILS` names."""
    stand_in = tmp_path / "az"
    stand_in.write_text(NOTING)
    stand_in.chmod(0o755)
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    return {"PATH": path, "NOTES": str(tmp_path / "notes"), "FAILS": "no such command"}


def noted(az: dict[str, str]) -> list[str]:
    """Return the recorded calls."""
    notes = Path(az["NOTES"])
    return notes.read_text().splitlines() if notes.exists() else []


def plain(text: str) -> str:
    """Return an open point without parentheses, marks and line ends."""
    text = re.sub(r"\s*\([^)]*\)", "", " ".join(text.split()))
    return text.replace("`", "").rstrip(";.")


def test_every_open_point_is_looked_at(az: dict[str, str]) -> None:
    """Each point that the operations page calls unconfirmed is one of the script's."""
    still_open = [plain(text) for text in re.findall(r"^- (.*(?:\n  .*)*)", OPEN, re.MULTILINE)]
    assert still_open
    ran = smoke("--dry-run", "--deploy", **az).stdout
    points = [plain(text) for text in re.findall(r"^point +(.*)$", ran, re.MULTILINE)]
    assert [text for text in still_open if text not in points] == []


def test_what_a_deployment_rests_on_is_looked_at_before_it(az: dict[str, str]) -> None:
    """The points that the page lists first come before the first deployment, others after it."""
    ran = smoke("--dry-run", "--deploy", **az).stdout
    before = re.findall(
        r"^- (.*(?:\n  .*)*)",
        OPEN.partition("Checked on the deployment itself")[0],
        re.MULTILINE,
    )
    deployment = ran.index("az deployment sub create")
    assert before
    assert all(ran.index(plain(text)) < deployment for text in before)
    assert len(re.findall(r"^point ", ran[:deployment], re.MULTILINE)) == len(before)


def test_a_failure_after_a_deployment_says_what_stays(az: dict[str, str]) -> None:
    """What was deployed is named, with the command that removes it; probes remove themselves."""
    ran = smoke("--subscription", "any", "--deploy", **az | {"FAILS": "deployment sub create"})
    assert ran.returncode == 1
    assert "deployed, and left there: the groups stillframe and stillframe-images" in ran.stdout
    assert "az group delete --name stillframe;" in ran.stdout
    without = az | {"FAILS": "group delete", "NO_TOPICS": "yes"}
    probe = smoke("--subscription", "any", "--deploy", **without)
    assert probe.returncode == 1
    assert [one for one in noted(az) if re.search(r"group delete .*-probe( |$)", one)]


def test_a_dry_run_asks_nothing_and_prints_commands(az: dict[str, str]) -> None:
    """Each az line is valid shell, including deployment and deletion; az is not run."""
    ran = smoke("--dry-run", "--deploy", **az)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert noted(az) == []
    commands = [shlex.split(line) for line in ran.stdout.splitlines() if line.startswith("az ")]
    wanted = (
        "deployment sub create",
        "functionapp deployment source config-zip",
        "vm create",
        "group delete",
    )
    for words in wanted:
        assert [one for one in commands if " ".join(one[1:]).startswith(words)], words


def test_what_was_made_is_deleted_where_it_fails(az: dict[str, str]) -> None:
    """If a VM cannot be created, its group and both event subscriptions are deleted."""
    ran = smoke("--subscription", "any", **az | {"FAILS": "vm create"})
    assert ran.returncode == 1
    deleted = [line for line in noted(az) if " delete " in line]
    assert [re.sub(GROUP, "G", line).split(" --subscription")[0] for line in deleted][-1] == (
        "az group delete --yes --no-wait --name G"
    )
    topics = [re.findall(r"--system-topic-name (\S+)", line) for line in deleted[:-1]]
    assert topics == [["of-subscription"], ["of-health"]]


def test_what_is_to_be_kept_is_not_deleted(az: dict[str, str]) -> None:
    """With --keep nothing is deleted, and what remains is named."""
    ran = smoke("--subscription", "any", "--keep", **az | {"FAILS": "vm create"})
    assert [line for line in noted(az) if " delete " in line] == []
    assert re.search(rf"kept: the group {GROUP}", ran.stdout)


def test_nothing_is_made_where_no_events_are_deployed(az: dict[str, str]) -> None:
    """In a subscription without system topics it says so before anything is created."""
    ran = smoke("--subscription", "any", **az | {"FAILS": "system-topic list"})
    assert ran.returncode == 1
    assert [line for line in noted(az) if " create " in line or " delete " in line] == []


def test_no_key_and_no_signature_is_printed() -> None:
    """The script reads no key, and Azure's messages are shown without signatures."""
    text = "".join(path.read_text() for path in PARTS)
    assert not re.search(r"keys list|connection-string|set -x", text)
    assert "s/sig=[^& ]+/sig=../g" in text


def test_help_names_every_option() -> None:
    """Each option has its line in --help, and others are refused."""
    ran = smoke("--help")
    assert ran.returncode == 0
    options = set(re.findall(r"(--[a-z-]+)(?: \||\))", SMOKE.read_text()))
    assert options
    assert [name for name in options if name not in ran.stdout] == []
    assert smoke("--helpful").returncode == 2
    assert smoke("--size").returncode == 2


def test_it_knows_the_words_that_the_app_knows() -> None:
    """The values that it accepts as confirmed are those that the app's code knows."""
    named = dict(re.findall(r"^(BUSY_CODES|BUSY|FOR_GOOD)='(.*)'$", POINTS, re.MULTILINE))
    assert set(named["BUSY_CODES"].split("|")) == azure_errors._TRANSIENT_CODES
    assert named["BUSY"] == azure_errors._TRANSIENT_WORDS.pattern
    assert set(named["FOR_GOOD"].split("|")) == blob._FOR_GOOD


def test_shellcheck_finds_nothing() -> None:
    """The script and its parts have no findings."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    ran = subprocess.run(  # noqa: S603 a development requirement
        [shellcheck, "-x", *PARTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "")
