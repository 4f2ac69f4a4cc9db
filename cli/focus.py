"""A sweep's flagged VMs -> CSV in the columns of FOCUS 1.2, one row for each VM.

Pure. FOCUS is the FinOps Open Cost and Usage Specification: https://focus.finops.org. Columns that
begin with `x_` are our own. An unknown value is an empty field.
"""

import csv
import io
from datetime import datetime
from typing import Any

from shared.costguard.bill import SECONDS_AN_HOUR
from shared.sweep.report import Flagged, SweepReport

COLUMNS = (
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ProviderName",
    "SubAccountId",
    "ResourceId",
    "ResourceName",
    "RegionId",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "PricingQuantity",
    "PricingUnit",
    "ListUnitPrice",
    "ListCost",
    "ContractedUnitPrice",
    "ContractedCost",
    "BillingCurrency",
    "x_LicenseUnitPrice",
    "x_LicenseCost",
    "x_PriceFactor",
    "x_Owner",
    "x_PastGrace",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a text for that begins so: a formula to run."""


def focus_csv(report: SweepReport, now: datetime) -> str:
    """Return the CSV, the most expensive VM first."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    rows.writeheader()
    rows.writerows(_row(flagged, now) for flagged in report.dearest)
    return text.getvalue()


def _row(flagged: Flagged, now: datetime) -> dict[str, Any]:
    hours = (now - flagged.since).total_seconds() / SECONDS_AN_HOUR if flagged.since else None
    return flagged.row(now) | {
        "ProviderName": "Microsoft",
        "ResourceName": flagged.ref.name,
        "ServiceCategory": "Compute",
        "ServiceName": "Virtual Machines",
        "SkuId": flagged.machine.size if flagged.machine else None,
        "PricingQuantity": None if hours is None else round(hours, 4),
        "PricingUnit": "Hours",
        "x_Owner": _inert(flagged.owner),
        "x_PastGrace": flagged.past_grace,
    }


def _inert(text: str | None) -> str | None:
    """Return a text of a stranger so that no spreadsheet runs it."""
    return f"'{text}" if text and text.startswith(_FORMULA) else text
