"""A dry run's report -> the same with each order as the app itself says that it stands.

Pure. Whoever runs a sweep has other rights than the app, and may not know its settings. So what the
app has written on a VM counts, and what this run has come to is shown beside it.
"""

from collections import Counter
from dataclasses import replace

from shared.model.tags import Status
from shared.sweep.report import SweepReport


def in_the_apps_words(report: SweepReport) -> SweepReport:
    """Return the report by the words on the tags; where the run has another, to say it is a step.

    But whether an order is refused hangs on rights and settings, which are not the app's here: that
    is no step, and stays `unsaid`.
    """
    statuses = Counter(report.statuses)
    for said, would_say in report.unsaid.values():
        statuses[would_say] -= 1
        statuses[said] += 1
    unsure = {vm: words for vm, words in report.unsaid.items() if Status.REFUSED in words}
    steps = {
        vm: (f"would say {would_say}",)
        for vm, (_, would_say) in report.unsaid.items()
        if vm not in unsure
    }
    return replace(report, statuses=+statuses, steps=report.steps | steps, unsaid=unsure)
