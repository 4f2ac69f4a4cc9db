"""A small price list in the form of the Azure Retail Prices API.

Takes the wanted field values and a currency, gives rows as they go over the wire. The prices are
plausible, not true. Besides the row that a client looks for there are the others of a real answer:
reserved and dev/test prices, Spot and Low Priority, the same size as a Cloud Service, meters of
another region, rows with price 0 and with other units.
Source: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from simulator.arm.core.errors import Json

SERVICE = "Virtual Machines"
# The value of one US dollar; Azure's own conversion changes monthly.
CURRENCIES = {"USD": 1.0, "EUR": 0.85, "GBP": 0.75}


class Size(NamedTuple):
    """A VM size: dollars per hour in `eastus`, `windows` with licence (None: not offered)."""

    name: str
    series: str
    linux: float
    windows: float | None
    preemptible: bool = True


class Offer(NamedTuple):
    """A size in a region at its prices there."""

    size: Size
    region: str
    location: str
    linux: float
    windows: float | None


SIZES = (
    Size("Standard_B1s", "BS", 0.0104, 0.014, preemptible=False),
    Size("Standard_B2s", "BS", 0.0416, 0.0496, preemptible=False),
    Size("Standard_B2ms", "BS", 0.0832, 0.0912, preemptible=False),
    Size("Standard_D2s_v3", "DSv3", 0.096, 0.188),
    Size("Standard_D4s_v3", "DSv3", 0.192, 0.376),
    Size("Standard_D2s_v5", "Dsv5", 0.096, 0.188),
    Size("Standard_D4s_v5", "Dsv5", 0.192, 0.376),
    Size("Standard_D8s_v5", "Dsv5", 0.384, 0.752),
    Size("Standard_D16s_v5", "Dsv5", 0.768, 1.504),
    Size("Standard_D4as_v5", "Dasv5", 0.172, 0.356),
    Size("Standard_D4ds_v5", "Ddsv5", 0.226, 0.41),
    Size("Standard_D2ps_v5", "Dpsv5", 0.077, None),
    Size("Standard_D4ps_v5", "Dpsv5", 0.154, None),
    Size("Standard_D2als_v7", "Dalsv7", 0.0804, 0.172),
    Size("Standard_E4s_v5", "Esv5", 0.252, 0.436),
    Size("Standard_E4ads_v5", "Eadsv5", 0.262, 0.446),
    Size("Standard_F4s_v2", "FSv2", 0.169, 0.353),
    Size("Standard_DC4as_v5", "DCasv5", 0.172, 0.356),
    Size("Standard_NC4as_T4_v3", "NCasT4 v3", 0.526, 0.71),
)

# A month of each tier of managed disks, in dollars in `eastus`.
DISKS = (
    ("Premium SSD Managed Disks", "P", {4: 5.28, 6: 10.21, 10: 19.71, 15: 38.02, 20: 73.22}),
    ("Standard SSD Managed Disks", "E", {4: 2.4, 6: 4.8, 10: 9.6, 15: 19.2, 20: 38.4}),
    ("Standard HDD Managed Disks", "S", {4: 1.54, 6: 3.01, 10: 5.89, 15: 11.33, 20: 21.76}),
)

# The location as meters name it (not as regions do), and the price factor there.
REGIONS = {
    "eastus": ("US East", 1.0),
    "westus2": ("US West 2", 1.0),
    "westeurope": ("EU West", 1.2),
    "northeurope": ("EU North", 1.12),
    "germanywestcentral": ("DE West Central", 1.2),
    "francecentral": ("FR Central", 1.18),
    "uksouth": ("UK South", 1.16),
    "swedencentral": ("SE Central", 1.08),
    "switzerlandnorth": ("CH North", 1.32),
    "japaneast": ("JA East", 1.3),
    "australiaeast": ("AU East", 1.25),
}
# Azure marks no regular meter of this size as primary in this region, though there are no others.
NEVER_PRIMARY = ("Standard_D2s_v3", "eastus")

# One Cloud Services name is written without a space, only in these series.
RUN_TOGETHER = frozenset({"Eadsv5"})


def found(wanted: Sequence[tuple[str, str]], currency: str, *, savings: bool) -> list[Json]:
    """Return the rows whose fields have the wanted values, in a known currency."""
    return [
        _in_currency(row, currency, savings=savings)
        for row in catalogue()
        if all(row[field] == value for field, value in wanted)
    ]


@cache
def catalogue() -> tuple[Json, ...]:
    """Return every row, in dollars."""
    vms = (
        row
        for region, (location, factor) in REGIONS.items()
        for size in SIZES
        for row in _rows(_offer(size, region, location, factor))
    )
    disks = (
        row
        for region, (location, factor) in REGIONS.items()
        for row in _disk_rows(region, location, factor)
    )
    return (*vms, *disks)


def _disk_rows(region: str, location: str, factor: float) -> Iterator[Json]:
    """Give the rows of managed disks: a month of each tier, and a mount of a shared disk."""
    for product, letter, tiers in DISKS:
        for tier, dollars in tiers.items():
            for redundancy, share in (("LRS", 1.0), ("ZRS", 1.5)):
                sku = f"{letter}{tier} {redundancy}"
                price = dollars * factor * share
                yield _disk_row(region, location, product, sku, f"{sku} Disk", price)
                yield _disk_row(region, location, product, sku, f"{sku} Disk Mount", price / 20)
                if letter == "P":
                    blob = f"{sku} Disk"
                    yield _disk_row(region, location, "Premium Page Blob", sku, blob, price)


def _disk_row(  # noqa: PLR0913, PLR0917 what distinguishes the rows
    region: str, location: str, product: str, sku: str, meter: str, price: float
) -> Json:
    product_id = f"DZH318Z{_letters(product, 5)}"
    return _priced(_ROW, price) | {
        "armRegionName": region,
        "location": location,
        "meterId": str(uuid5(NAMESPACE_URL, f"{region} {product} {meter}")),
        "meterName": meter,
        "productId": product_id,
        "skuId": f"{product_id}/{_letters(sku, 4)}",
        "productName": product,
        "skuName": sku,
        "serviceName": "Storage",
        "serviceId": "DZH317F1HKN0",
        "serviceFamily": "Storage",
        "unitOfMeasure": "1/Month",
    }


def _offer(size: Size, region: str, location: str, factor: float) -> Offer:
    # A licence costs the same everywhere.
    linux = size.linux * factor
    windows = size.windows and linux + size.windows - size.linux
    return Offer(size, region, location, linux, windows)


def _rows(offer: Offer) -> Iterator[Json]:
    """Give all rows of a size in a region: the regular price, and the others."""
    product = f"Virtual Machines {offer.size.series} Series"
    primary = (offer.size.name, offer.region) != NEVER_PRIMARY
    regular = _row(offer, product, offer.linux, primary=primary)
    yield regular | {"savingsPlan": _savings(offer.linux)}
    yield from _reserved(offer, product)
    if offer.size.preemptible:
        yield from _preemptible(offer, product, offer.linux)
    if offer.windows:
        yield from _with_licence(offer, f"{product} Windows", offer.windows, primary=primary)
    if primary:
        yield _row(offer, product, offer.linux * 1.1, mark="elsewhere", primary=False)
    yield _row(offer, product, 0.0, mark="free")
    yield _row(offer, product, offer.linux * 730, mark="monthly") | {"unitOfMeasure": "1/Month"}


def _with_licence(offer: Offer, product: str, price: float, *, primary: bool) -> Iterator[Json]:
    """Give the rows of a size with Windows; dev/test has the price of Linux."""
    regular = _row(offer, product, price, primary=primary)
    yield regular
    yield _priced(regular, offer.linux) | {"type": "DevTestConsumption"}
    if offer.size.preemptible:
        yield from _preemptible(offer, product, price)
    services = "CloudServices" if offer.size.series in RUN_TOGETHER else "Cloud Services"
    yield _row(offer, f"{offer.size.series} Series {services}", price)


def _preemptible(offer: Offer, product: str, price: float) -> Iterator[Json]:
    for tier, share in (("Spot", 0.196), ("Low Priority", 0.4)):
        yield _row(offer, product, price * share, tier=tier)


def _reserved(offer: Offer, product: str) -> Iterator[Json]:
    """Give the reservations: the price is for the whole term, though the unit reads an hour."""
    for term, hours, share in (("1 Year", 8760, 0.59), ("3 Years", 26280, 0.38)):
        row = _row(offer, product, round(offer.linux * hours * share), mark=term)
        yield row | {"type": "Reservation", "reservationTerm": term}


def _savings(price: float) -> list[Json]:
    shares = (("3 Years", 0.47), ("1 Year", 0.69))
    return [_priced({}, price * share) | {"term": term} for term, share in shares]


_ROW: Json = {
    "currencyCode": "USD",
    "tierMinimumUnits": 0.0,
    "retailPrice": 0.0,
    "unitPrice": 0.0,
    "armRegionName": "",
    "location": "",
    "effectiveStartDate": "2023-04-01T00:00:00Z",
    "meterId": "",
    "meterName": "",
    "productId": "",
    "skuId": "",
    "productName": "",
    "skuName": "",
    "serviceName": SERVICE,
    "serviceId": "DZH313Z7MMC8",
    "serviceFamily": "Compute",
    "unitOfMeasure": "1 Hour",
    "type": "Consumption",
    "isPrimaryMeterRegion": True,
    "armSkuName": "",
}


def _row(  # noqa: PLR0913 what distinguishes the rows
    offer: Offer,
    product: str,
    price: float,
    *,
    tier: str = "",
    mark: str = "",
    primary: bool = True,
) -> Json:
    """Return one row; `mark` only gives it another meter id."""
    name = f"{offer.size.name.removeprefix('Standard_').replace('_', ' ')} {tier}".strip()
    product_id = f"DZH318Z{_letters(product, 5)}"
    return _priced(_ROW, price) | {
        "armRegionName": offer.region,
        "location": offer.location,
        "meterId": str(uuid5(NAMESPACE_URL, f"{offer.region} {product} {name} {mark}")),
        "meterName": name,
        "productId": product_id,
        "skuId": f"{product_id}/{_letters(name + mark, 4)}",
        "productName": product,
        "skuName": name,
        "isPrimaryMeterRegion": primary,
        "armSkuName": offer.size.name,
    }


def _priced(row: Json, price: float) -> Json:
    return row | {"retailPrice": round(price, 6), "unitPrice": round(price, 6)}


def _letters(text: str, count: int) -> str:
    return uuid5(NAMESPACE_URL, text).hex[:count].upper()


def _in_currency(row: Json, currency: str, *, savings: bool) -> Json:
    factor = CURRENCIES[currency]
    shown = _priced(row, row["retailPrice"] * factor) | {"currencyCode": currency}
    plans = shown.pop("savingsPlan", None)
    if plans and savings:
        shown["savingsPlan"] = [_priced(plan, plan["retailPrice"] * factor) for plan in plans]
    return shown
