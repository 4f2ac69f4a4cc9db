"""A dry run's report -> the same with the status that the app has written for each order.

Pure. The user who runs a sweep has other permissions than the app, and may not know its settings.
So the status on the VM's tags is the one counted, and a different result of this run is a step.
"""

from collections import Counter
from dataclasses import replace

from shared.model.tags import Status
from shared.sweep.report import SweepReport


def in_the_apps_words(report: SweepReport) -> SweepReport:
    """Return the report by the status on the tags; a different status of this run becomes a step.

    If either status is `refused` there is no step, and the order stays `unsaid`: refusals depend on
    permissions and settings, which are not the app's here. Nothing is untold: nothing was written.
    """
    statuses = Counter(report.statuses)
    for tagged, would_say in report.unsaid.values():
        statuses[would_say] -= 1
        statuses[tagged] += 1
    unsure = {vm: pair for vm, pair in report.unsaid.items() if Status.REFUSED in pair}
    steps = {
        vm: (f"would say {would_say}",)
        for vm, (_, would_say) in report.unsaid.items()
        if vm not in unsure
    }
    return replace(report, statuses=+statuses, steps=report.steps | steps, unsaid=unsure, untold={})
