"""A bill: the sure part, the Windows licence beside it, the factor, and FOCUS columns."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costguard.bill import Bill, Rate, resource_columns
from shared.model.facts import Price
from tests.unit.making import NOW, REF

LINUX = Rate(price=Price(0.196), currency="USD")
IF_BILLED = "more if Azure bills the Windows licence while stopped"
WINDOWS = Rate(price=Price(0.196, 0.156), currency="USD")


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (LINUX, "0.196 USD an hour, list price"),
        (
            WINDOWS,
            f"0.196 USD an hour, list price; 0.156 {IF_BILLED}",
        ),
        (
            Rate(price=Price(0.2, 0.1), currency="EUR", factor=0.82),
            f"0.164 EUR an hour, list price \u00d7 0.82; 0.082 {IF_BILLED}",
        ),
        (
            Rate(price=Price(0.2, None), currency="EUR"),
            f"0.200 EUR an hour, list price; an unknown amount {IF_BILLED}",
        ),
        (Rate(price=Price(0.0052), currency="EUR"), "0.00520 EUR an hour, list price"),
        (Rate(price=None, currency="EUR"), "the list price is unknown"),
    ],
)
def test_a_rate_in_words(rate: Rate, text: str) -> None:
    """What is sure, and what is not."""
    assert str(rate) == text


def test_a_bill_in_focus_columns() -> None:
    """List prices without the factor, contracted ones with it."""
    rate = Rate(price=Price(0.2, 0.1), currency="EUR", factor=0.5)
    assert Bill(NOW - timedelta(hours=5), NOW, rate).columns() == {
        "ChargePeriodStart": "2026-05-04T05:00:00.000Z",
        "ChargePeriodEnd": "2026-05-04T10:00:00.000Z",
        "BillingCurrency": "EUR",
        "ListUnitPrice": 0.2,
        "ContractedUnitPrice": 0.1,
        "x_LicenseUnitPrice": 0.05,
        "x_PriceFactor": 0.5,
        "ListCost": 1.0,
        "ContractedCost": 0.5,
        "x_LicenseCost": 0.25,
    }


def test_an_unknown_price_is_no_zero() -> None:
    """Neither of an hour nor in all."""
    columns = Bill(NOW - timedelta(hours=5), NOW, Rate(price=None, currency="EUR")).columns()
    money = [name for name in columns if "Cost" in name or "UnitPrice" in name]
    assert len(money) == 6
    assert {columns[name] for name in money} == {None}


def test_a_vm_in_focus_columns() -> None:
    """The subscription as Azure's own FOCUS export names it."""
    assert resource_columns(REF, "westeurope") == {
        "ResourceId": REF.id,
        "SubAccountId": f"/subscriptions/{REF.subscription}",
        "RegionId": "westeurope",
    }


@given(
    st.floats(0.0001, 100),
    st.one_of(st.none(), st.floats(0, 100)),
    st.floats(0.01, 10),
    st.integers(0, 10**7),
)
def test_costs_are_prices_times_hours(
    compute: float, windows: float | None, factor: float, seconds: int
) -> None:
    """For any price, factor and time, to a hundredth of a cent."""
    rate = Rate(price=Price(compute, windows), currency="EUR", factor=factor)
    columns = Bill(NOW - timedelta(seconds=seconds), NOW, rate).columns()
    hours = seconds / 3600
    assert columns["ListCost"] == pytest.approx(compute * hours, abs=1e-4)
    assert columns["ContractedCost"] == pytest.approx(compute * factor * hours, abs=1e-4)
    if windows is not None:
        assert columns["x_LicenseCost"] == pytest.approx(windows * factor * hours, abs=1e-4)
