"""The list price of a VM: which row of the price list applies, and the filter sent."""

from typing import Any

import msgspec
import pytest

from shared.cloud.prices import (
    PAUSE_AFTER_FAILURE,
    PriceRow,
    Prices,
    disk_filter_of,
    disk_meter,
    filter_of,
    month_of,
    price_of,
)
from shared.model.facts import KeptDisk, Machine, Price
from tests.unit.making import NOW

WINDOWS = Machine("Standard_D4s_v5", "westeurope", "Windows")
LINUX = Machine("Standard_D4s_v5", "westeurope", "Linux")


def row(price: float, **changes: Any) -> PriceRow:  # noqa: ANN401 - fields of a row
    """Make a row of the list as Azure sends it: the Linux price of a regular VM."""
    body = {
        "retailPrice": price,
        "type": "Consumption",
        "unitOfMeasure": "1 Hour",
        "isPrimaryMeterRegion": True,
        "productName": "Virtual Machines Dsv5 Series",
        "skuName": "D4s v5",
        "meterName": "D4s v5",
        "currencyCode": "EUR",
        **changes,
    }
    return msgspec.convert(body, PriceRow)


ROWS = [
    row(0.2),
    row(0.4, productName="Virtual Machines Dsv5 Series Windows"),
    row(0.05, skuName="D4s v5 Spot", meterName="D4s v5 Spot"),
    row(0.08, skuName="D4s v5 Low Priority", meterName="D4s v5 Low Priority"),
    row(0.4, productName="Dsv5 Series Cloud Services"),
    row(0.4, productName="Dsv5 Series CloudServices"),
    row(0.22, isPrimaryMeterRegion=False),
    row(0.0),
    row(140.0, unitOfMeasure="1/Month"),
    row(900.0, type="Reservation"),
    row(0.1, type="DevTestConsumption"),
]


@pytest.mark.parametrize(
    ("machine", "price"),
    [
        (LINUX, Price(0.2)),
        (WINDOWS, Price(0.2, 0.2)),
        (Machine("Standard_D4s_v5", "westeurope", "Windows", hybrid=True), Price(0.2)),
        (Machine("Standard_D4s_v5", "westeurope", "Linux", spot=True), Price(0.05)),
        (Machine("Standard_D4s_v5", "westeurope", "Windows", spot=True), Price(0.05, None)),
    ],
)
def test_the_rows_have_a_machines_price_without_and_with_windows(
    machine: Machine, price: Price
) -> None:
    """Of all rows of a size the priority selects two; the licence is what the second has more."""
    assert price_of(ROWS, machine) == price


def test_a_licence_that_cannot_be_told_leaves_the_sure_part() -> None:
    """Without a row with Windows, with two, or with one that costs less than without."""
    windows = "Virtual Machines Dsv5 Series Windows"
    for others in ([], [0.3, 0.4], [0.1]):
        rows = [row(0.2), *(row(price, productName=windows) for price in others)]
        assert price_of(rows, WINDOWS) == Price(0.2, None)
    assert price_of([row(0.4, productName=windows)], WINDOWS) is None


def test_a_price_in_two_rows_is_one_price() -> None:
    """The list repeats rows."""
    assert price_of([row(0.2), row(0.2)], LINUX) == Price(0.2)


def test_a_size_without_a_primary_meter_has_a_price_all_the_same() -> None:
    """Some sizes have no primary row; then the only other row counts, but of two rows neither."""
    assert price_of([row(0.22, isPrimaryMeterRegion=False)], LINUX) == Price(0.22)
    two = [row(0.22, isPrimaryMeterRegion=False), row(0.23, isPrimaryMeterRegion=False)]
    assert price_of(two, LINUX) is None
    assert price_of([], LINUX) is None


def kept(sku: str | None, size_gb: int | None) -> KeptDisk:
    """Make a disk."""
    return KeptDisk("/disks/os", sku, size_gb, "WestEurope")


@pytest.mark.parametrize(
    ("sku", "size_gb", "meter"),
    [
        ("Premium_LRS", 127, "P10 LRS"),
        ("Premium_LRS", 128, "P10 LRS"),
        ("Premium_LRS", 129, "P15 LRS"),
        ("Premium_LRS", 4, "P1 LRS"),
        ("Premium_ZRS", 30, "P4 ZRS"),
        ("StandardSSD_LRS", 30, "E4 LRS"),
        ("StandardSSD_ZRS", 32767, "E80 ZRS"),
        ("Standard_LRS", 4, "S4 LRS"),
        ("Standard_LRS", 1024, "S30 LRS"),
        ("PremiumV2_LRS", 128, None),
        ("UltraSSD_LRS", 128, None),
        ("Premium_LRS", None, None),
        ("Premium_LRS", 32768, None),
        (None, 128, None),
    ],
)
def test_a_disk_is_billed_as_the_smallest_tier_that_holds_it(
    sku: str | None, size_gb: int | None, meter: str | None
) -> None:
    """Premium SSD v2 and Ultra disks have no tiers: their price is unknown here."""
    assert disk_meter(kept(sku, size_gb)) == meter


def test_a_month_of_a_disk_is_neither_a_mount_nor_an_unmanaged_disk() -> None:
    """The list has all of them under one SKU."""
    names = {"skuName": "P10 LRS", "productName": "Premium SSD Managed Disks"}
    month = names | {"unitOfMeasure": "1/Month", "meterName": "P10 LRS Disk"}
    rows = [
        row(19.71, **month),
        row(1.18, **month | {"meterName": "P10 LRS Disk Mount"}),
        row(17.0, **month | {"productName": "Premium Page Blob"}),
        row(200.0, **month | {"type": "Reservation"}),
        row(0.03, **month | {"unitOfMeasure": "1 Hour"}),
    ]
    assert month_of(rows, "P10 LRS") == 19.71
    assert month_of(rows[1:], "P10 LRS") is None
    assert disk_filter_of("WestEurope", "P10 LRS") == (
        "serviceName eq 'Storage' and armRegionName eq 'westeurope' and skuName eq 'P10 LRS' "
        "and priceType eq 'Consumption'"
    )


def test_the_filter_is_the_documented_one() -> None:
    """Values keep their case, except the region in lower case; quotes are escaped."""
    assert filter_of(Machine("Standard_D4s_v5", "WestEurope", "Linux")) == (
        "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope' "
        "and armSkuName eq 'Standard_D4s_v5' and priceType eq 'Consumption'"
    )
    assert "armSkuName eq 'a''b'" in filter_of(Machine("a'b", "x", "Linux"))


def test_without_an_endpoint_no_price_is_known() -> None:
    """If the endpoint is set empty, no request is sent and the price is unknown."""
    prices = Prices("", "EUR")
    assert (prices.price(LINUX, NOW), prices.unread(NOW)) == (None, "")


def test_a_list_that_does_not_answer_is_told_until_it_is_asked_again() -> None:
    """A sweep that needs no price reports no outage that may be long over."""
    prices = Prices("https://127.0.0.1:9/prices", "EUR")
    assert prices.unread(NOW) == ""
    assert prices.price(LINUX, NOW) is None
    assert prices.unread(NOW) == "127.0.0.1 could not be read: ConnectionError"
    assert prices.unread(NOW + PAUSE_AFTER_FAILURE) == ""
