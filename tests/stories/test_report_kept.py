"""The report in the app's own storage: the sweep keeps it each hour, and no fault of it matters."""

from datetime import datetime, timedelta

import pytest

from shared.cloud.client import find_credential
from shared.cloud.container import Container
from shared.model.errors import Refused, Transient
from shared.page.report import keep_page
from shared.sweep.report import SweepReport
from tests.stories.world import Hosted, Spine

HOUR = 3600


def sweep(spine: Spine, since: datetime | None = None) -> tuple[SweepReport, datetime]:
    """Sweep and keep the report, as the timer's function does; `since` is an hour ago if not set.

    Return the sweep's report and its time.
    """
    now = spine.client.now()
    report = spine.sweep(since or now - timedelta(hours=1))
    keep_page(spine.azure, report, now)
    return report, now


def kept(spine: Spine) -> tuple[str, str]:
    """Return the kept report as somebody else reads it: its text and its type."""
    answer = Container(spine.azure.settings.report, find_credential()).send("GET", "report.html")
    assert answer.status_code in (200, 404)
    return (answer.text if answer.ok else ""), answer.headers.get("Content-Type", "")


def test_the_sweep_keeps_what_a_person_would_see(spine: Spine) -> None:
    """A whole page of HTML, with the VM that is billed, and who says since when it is stopped."""
    spine.vm("idle", power="stopped", stopped_since=5 * HOUR)
    _, now = sweep(spine)
    _, now = sweep(spine)
    text, kind = kept(spine)
    assert kind == "text/html; charset=utf-8"
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>")
    assert "idle" in text
    assert "swept just now" in text
    assert spine.azure.page_kept() == now.replace(microsecond=0)


def test_it_is_kept_once_an_hour(spine: Spine) -> None:
    """A sweep that has not listed the images has not the whole picture: it keeps nothing."""
    now = spine.client.now()
    sweep(spine, now.replace(minute=0))
    assert spine.azure.page_kept() is None
    sweep(spine)
    first = spine.azure.page_kept()
    spine.let(HOUR)
    sweep(spine)
    second = spine.azure.page_kept()
    assert first
    assert second
    assert second - first >= timedelta(hours=1)


def test_without_a_container_nothing_is_kept(spine: Spine) -> None:
    """And nothing is read for it."""
    spine.under(report="")
    before = spine.azure.requests
    sweep(spine)
    swept = spine.azure.requests - before
    spine.sweep(spine.client.now() - timedelta(hours=1))
    assert spine.azure.requests - before == 2 * swept


def test_a_dry_run_keeps_nothing(spine: Spine) -> None:
    """It writes nothing anywhere."""
    spine.under(dry_run=True)
    sweep(spine)
    spine.under(dry_run=False)
    assert spine.azure.page_kept() is None


@pytest.mark.parametrize(
    "error", [Transient("busy"), Refused("LeaseIdMissing", "leased", 412), ValueError("a bug")]
)
def test_a_fault_of_storage_ends_no_sweep(
    spine: Spine, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged; the next hour keeps a report again."""

    def fails(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Container, "put", fails)
        sweep(spine)
    assert spine.azure.page_kept() is None
    sweep(spine)
    assert spine.azure.page_kept()


def test_the_deployed_app_keeps_it(world: Hosted) -> None:
    """The timer's function, with the permissions and settings of the template."""
    world.vm("idle", power="stopped", stopped_since=5 * HOUR)
    world.sweep()
    container = Container(
        f"{world.simulator.arm_endpoint}/ledger-account/reports", find_credential()
    )
    answer = container.send("GET", "report.html")
    assert (answer.status_code, "idle" in answer.text) == (200, True)
