"""The heartbeat: it fits into an event even if everything fails."""

import json
from datetime import UTC, datetime

from shared.model.version import VERSION
from shared.sweep.report import LISTED, SweepReport, sweep_outcome

NOW = datetime(2026, 5, 4, tzinfo=UTC)
EVENT_LIMIT = 1_000_000


def test_a_heartbeat_and_the_log_name_the_version() -> None:
    """Operators of several apps see in the event and in the log which version each runs."""
    assert sweep_outcome(SweepReport(), "s", NOW).data["version"] == VERSION
    assert json.loads(SweepReport().line(NOW, dry_run=False))["version"] == VERSION


def test_a_heartbeat_fits_into_an_event() -> None:
    """With five thousand failed visits, the longest ids and Azure's longest messages."""
    vms = [f"{number:04}".ljust(300, "é") for number in range(5000)]
    why = dict.fromkeys(vms, "é" * 2000)
    steps: dict[str, tuple[str, ...]] = dict.fromkeys(vms, ("deallocate", "generalize"))
    report = SweepReport(
        untold=why,
        failed=why,
        unlisted=why,
        unreadable=why,
        others=why,
        strange=why,
        unreached=vms,
        steps=steps,
    )
    data = sweep_outcome(report, "s", NOW).data
    assert len(json.dumps(data, ensure_ascii=False).encode()) < EVENT_LIMIT
    for name in data["counts"]:
        assert (len(data[name]), data["counts"][name]) == (LISTED, len(vms))
