"""Prices of VMs and disks: a `Machine` -> an hour, a `KeptDisk` -> a month, by Azure's price list.

List prices: no discount, no reservation. Requested once a day for each kind and cached in the
process. A price that cannot be read is unknown, and reported as such. After the API fails it is not
called again for a while, so that an outage does not cost a sweep one timeout per machine.
Source: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from shared.model.facts import KeptDisk, Machine, Price

TIMEOUT = 5.0
"""Seconds to connect, and seconds between bytes of a response."""

PAGES = 5
"""The most pages to read; one size in one region has fewer."""

KEPT = timedelta(days=1)
PAUSE_AFTER_FAILURE = timedelta(minutes=15)
"""How long the API is not called after a failure."""

_TIERS = {"Premium": "P", "StandardSSD": "E", "Standard": "S"}
_SMALLEST = {"P": 1, "E": 1, "S": 4}
_PRODUCTS = {
    "P": "Premium SSD Managed Disks",
    "E": "Standard SSD Managed Disks",
    "S": "Standard HDD Managed Disks",
}
_SIZES = (
    *((4, 1), (8, 2), (16, 3), (32, 4), (64, 6), (128, 10), (256, 15), (512, 20)),
    *((1024, 30), (2048, 40), (4096, 50), (8192, 60), (16384, 70), (32767, 80)),
)
"""The largest size of each tier in GiB, and its number."""

log = logging.getLogger(__name__)


class PriceRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row of the price list: the fields that are used."""

    retail_price: float = 0.0
    type: str = ""
    unit_of_measure: str = ""
    is_primary_meter_region: bool = False
    product_name: str = ""
    sku_name: str = ""
    meter_name: str = ""


class PricePage(msgspec.Struct, frozen=True):
    """A page of the price list."""

    items: tuple[PriceRow, ...] = msgspec.field(default=(), name="Items")
    next_page: str | None = msgspec.field(default=None, name="NextPageLink")


@dataclass(frozen=True, slots=True)
class _Known:
    """A cached price and when it was read; None if the list has no single price."""

    price: Any
    at: datetime


class Prices:
    """The price cache of one process, in one currency; without an endpoint all are unknown."""

    def __init__(self, endpoint: str, currency: str) -> None:
        self.currency = currency
        self._endpoint = endpoint
        self._known: dict[object, _Known] = {}
        self._failure: tuple[datetime, str] | None = None

    def unread(self, now: datetime) -> str:
        """Return why the price list is not read, which it will be later; empty if it is."""
        at, why = self._failure or (None, "")
        return why if at and now - at < PAUSE_AFTER_FAILURE else ""

    def price(self, machine: Machine, now: datetime) -> Price | None:
        """Return the price of an hour; None if it is unknown."""
        return self._cached(filter_of(machine), lambda rows: price_of(rows, machine), machine, now)

    def disk_price(self, disk: KeptDisk, now: datetime) -> float | None:
        """Return the price of a disk's month; None if it is unknown."""
        meter = disk_meter(disk)
        if meter is None:
            return None
        filtered = disk_filter_of(disk.region, meter)
        return self._cached(filtered, lambda rows: month_of(rows, meter), filtered, now)

    def _cached[T](
        self,
        filtered: str,
        read: Callable[[list[PriceRow]], T | None],
        key: object,
        now: datetime,
    ) -> T | None:
        """Return what the rows of a filter say, read once a day; None if they cannot be read."""
        known = self._known.get(key)
        if known and now - known.at < KEPT:
            kept: T | None = known.price
            return kept
        if not self._endpoint or self.unread(now):
            return None
        try:
            price = read(self._rows(filtered))
        except (requests.RequestException, msgspec.DecodeError) as error:
            log.warning("no price for %s: %s", key, error)
            host = urlsplit(self._endpoint).hostname
            self._failure = now, f"{host} could not be read: {_words(error)}"
            return None
        self._failure = None
        self._known[key] = _Known(price, now)
        return price

    def _rows(self, filtered: str) -> list[PriceRow]:
        params = {
            "api-version": "2023-01-01-preview",
            "currencyCode": f"'{self.currency}'",
            "$filter": filtered,
        }
        url: str | None = requests.Request("GET", self._endpoint, params=params).prepare().url
        rows: list[PriceRow] = []
        for _ in range(PAGES):
            if not url:
                break
            answer = requests.get(url, timeout=TIMEOUT)
            answer.raise_for_status()
            page = msgspec.json.decode(answer.content, type=PricePage)
            rows += page.items
            url = page.next_page
        return rows


def _words(error: Exception) -> str:
    """Return the status that the list answered, else the type of the error."""
    answer = error.response if isinstance(error, requests.RequestException) else None
    return type(error).__name__ if answer is None else f"it answered {answer.status_code}"


def filter_of(machine: Machine) -> str:
    """Return the OData filter for one size in one region; values are case-sensitive."""
    return (
        "serviceName eq 'Virtual Machines' "
        f"and armRegionName eq '{_quoted(machine.region.lower())}' "
        f"and armSkuName eq '{_quoted(machine.size)}' and priceType eq 'Consumption'"
    )


def disk_filter_of(region: str, meter: str) -> str:
    """Return the OData filter for one tier of managed disks in one region."""
    return (
        "serviceName eq 'Storage' "
        f"and armRegionName eq '{_quoted(region.lower())}' "
        f"and skuName eq '{_quoted(meter)}' and priceType eq 'Consumption'"
    )


def disk_meter(disk: KeptDisk) -> str | None:
    """Return the tier that a disk is billed in, `P10 LRS`; None if its price has no tiers.

    A disk is billed as the smallest tier that it fits into.
    Source: https://learn.microsoft.com/azure/virtual-machines/disks-understand-billing
    """
    kind, _, redundancy = (disk.sku or "").partition("_")
    letter = _TIERS.get(kind)
    number = next((tier for size, tier in _SIZES if (disk.size_gb or size + 1) <= size), None)
    if letter is None or number is None or disk.size_gb is None:
        return None
    smallest = _SMALLEST[letter]
    return f"{letter}{max(number, smallest)} {redundancy}"


def month_of(rows: Iterable[PriceRow], meter: str) -> float | None:
    """Return the price of a month of managed disks of a tier; None without a row, or if unclear."""
    product = _PRODUCTS[meter[0]]
    return _only(
        row
        for row in rows
        if row.type == "Consumption"
        and row.unit_of_measure in ("1/Month", "1 Month")
        and row.product_name == product
        and row.meter_name in (f"{meter} Disk", f"{meter} Disks")
    )


def price_of(rows: Iterable[PriceRow], machine: Machine) -> Price | None:
    """Return the price in the rows for this machine; None without a row, or if prices differ.

    The rows have a size without Windows, and with it: the licence is the difference.
    """
    own = [row for row in rows if _is_hour_of(row, machine)]
    compute = _only(row for row in own if not row.product_name.endswith("Windows"))
    if compute is None:
        return None
    if machine.os_type.lower() != "windows" or machine.hybrid:
        return Price(compute)
    both = _only(row for row in own if row.product_name.endswith("Windows"))
    licence = None if both is None or both < compute else round(both - compute, 6)
    return Price(compute, licence)


def _only(rows: Iterable[PriceRow]) -> float | None:
    """Return the only price in these rows; None without a row, or if prices differ.

    Some sizes have no row with the region's primary meter, so such rows are preferred but not
    required.
    """
    own = list(rows)
    primary = [row for row in own if row.is_primary_meter_region]
    left = {row.retail_price for row in primary or own}
    return left.pop() if len(left) == 1 else None


def _is_hour_of(row: PriceRow, machine: Machine) -> bool:
    hour = row.type == "Consumption" and row.unit_of_measure == "1 Hour" and row.retail_price > 0
    if not hour or not row.product_name.startswith("Virtual Machines"):
        return False  # other names are cloud services of that size
    if "Low Priority" in row.sku_name:
        return False
    return ("Spot" in row.sku_name or "Spot" in row.meter_name) == machine.spot


def _quoted(text: str) -> str:
    return text.replace("'", "''")
