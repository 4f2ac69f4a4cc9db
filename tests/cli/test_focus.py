"""`stillframe sweep --csv`: FOCUS columns, and nothing that a spreadsheet would run."""

import csv
import io
from datetime import timedelta

from cli.focus import COLUMNS, focus_csv
from shared.costguard.bill import Rate
from shared.model.facts import Machine, Price
from shared.sweep.report import Flagged, SweepReport
from tests.unit.making import NOW, REF

MACHINE = Machine("Standard_D4s_v5", "westeurope", "Windows")
RATE = Rate(price=Price(0.2, 0.1), currency="EUR", factor=0.5)


def rows(*flagged: Flagged) -> list[dict[str, str]]:
    """Read the CSV of a report."""
    return list(csv.DictReader(io.StringIO(focus_csv(SweepReport(flagged=list(flagged)), NOW))))


def test_a_row_has_every_column() -> None:
    """Time, resource, prices and costs of one VM."""
    (row,) = rows(
        Flagged(REF, NOW - timedelta(hours=5), MACHINE, RATE, past_grace=True, owner="payments")
    )
    assert tuple(row) == COLUMNS
    assert row == {
        "ChargePeriodStart": "2026-05-04T05:00:00.000Z",
        "ChargePeriodEnd": "2026-05-04T10:00:00.000Z",
        "ProviderName": "Microsoft",
        "SubAccountId": f"/subscriptions/{REF.subscription}",
        "ResourceId": REF.id,
        "ResourceName": REF.name,
        "RegionId": "westeurope",
        "ServiceCategory": "Compute",
        "ServiceName": "Virtual Machines",
        "SkuId": "Standard_D4s_v5",
        "PricingQuantity": "5.0",
        "PricingUnit": "Hours",
        "ListUnitPrice": "0.2",
        "ListCost": "1.0",
        "ContractedUnitPrice": "0.1",
        "ContractedCost": "0.5",
        "BillingCurrency": "EUR",
        "x_LicenseUnitPrice": "0.05",
        "x_LicenseCost": "0.25",
        "x_PriceFactor": "0.5",
        "x_Owner": "payments",
        "x_PastGrace": "True",
    }


def test_what_is_unknown_is_empty() -> None:
    """No zero, no word."""
    (row,) = rows(Flagged(REF, None, None, Rate(price=None, currency="EUR")))
    unknown = ("ChargePeriodStart", "ListUnitPrice", "ListCost", "RegionId", "SkuId", "x_Owner")
    assert {row[name] for name in unknown} == {""}


def test_an_owner_is_no_formula() -> None:
    """Tags are written by strangers, and CSV is opened in spreadsheets."""
    for owner in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1"):
        (row,) = rows(Flagged(REF, NOW, MACHINE, RATE, past_grace=True, owner=owner))
        assert row["x_Owner"] == f"'{owner}"
    (row,) = rows(Flagged(REF, NOW, MACHINE, RATE, past_grace=True, owner='a "b", c'))
    assert row["x_Owner"] == 'a "b", c'


def test_the_dearest_comes_first() -> None:
    """With the factor of the app."""
    cheap = Rate(price=Price(0.1), currency="EUR")
    (first, second) = rows(Flagged(REF, NOW, MACHINE, cheap), Flagged(REF, NOW, MACHINE, RATE))
    assert (first["ListUnitPrice"], second["ListUnitPrice"]) == ("0.1", "0.2")
