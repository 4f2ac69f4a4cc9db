"""The function app: bindings only.

Reads the settings and creates the clients once per process, reads the clock once per invocation.
Everything else is in `shared/`; start reading at `shared/reconcile.py`.
"""

import logging
import os
from datetime import UTC, datetime, timedelta

import azure.functions as func
from azure.functions.timer import TimerRequest

from shared.cloud.azure import connect
from shared.events import Wake, read_event
from shared.model.errors import Refused, Unreadable
from shared.model.ids import CopyRef, VmRef
from shared.model.instants import read_instant
from shared.model.settings import read_settings
from shared.reconcile import reconcile, reconcile_copy, reconcile_image
from shared.sweep.sweeper import Sweeper
from shared.visit import Report

log = logging.getLogger("stillframe")
logging.getLogger("azure").setLevel(logging.WARNING)  # the SDK logs every request at info
settings = read_settings(os.environ)
cloud = connect(settings)
sweeper = Sweeper(cloud)
app = func.FunctionApp()


@app.function_name("look")
@app.event_grid_trigger(arg_name="event")
def look(event: func.EventGridEvent) -> None:
    """Visit what an event is about, a VM or an image; the event is in either schema."""
    kind = event.type if isinstance(event, func.CloudEvent) else event.event_type
    try:
        wake = read_event(kind or "", event.subject or "", event.get_json())
    except Unreadable as reason:
        log.warning("event %s dropped: %s", event.id, reason)
        return
    if wake is None:
        log.info("event %s of type %s is not for us", event.id, kind)
        return
    try:
        report = _look(wake, datetime.now(UTC))
    except Refused as refused:
        log.error("look for event %s ended: Azure refuses %s: %s", event.id, wake.ref.id, refused)  # noqa: TRY400 - the message is Azure's, a traceback adds nothing
        return
    if report:
        log.info("look %s", report.line(event.id))


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule=settings.sweep_schedule)
def sweep(timer: TimerRequest) -> None:
    """Visit what changed without an event."""
    from shared.page.report import keep_page  # noqa: PLC0415 an event need not wait for it

    now = datetime.now(UTC)
    last = timer.schedule_status.get("Last")
    report = sweeper.sweep(read_instant(last) or now - timedelta(hours=1), now)
    log.info("sweep %s", report.line(now, dry_run=settings.dry_run))
    keep_page(cloud, report, now)


def _look(wake: Wake, now: datetime) -> Report | None:
    if isinstance(wake.ref, VmRef):
        return reconcile(cloud, wake.ref, now, stopping=wake.stopping)
    if isinstance(wake.ref, CopyRef):
        return reconcile_copy(cloud, wake.ref, now)
    return reconcile_image(cloud, wake.ref, now)
