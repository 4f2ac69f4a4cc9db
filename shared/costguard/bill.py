"""The bill of a stopped VM: its price and its time -> money, in the columns of FOCUS.

Pure. FOCUS is the FinOps Open Cost and Usage Specification; these are columns of its version 1.2,
columns of our own begin with `x_`: https://focus.finops.org. List prices have no discount: with
`COST_GUARD_PRICE_FACTOR` there is a contracted price beside the list price. Reservations, savings
plans and disks are in neither.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.model.facts import Price
from shared.model.ids import VmRef
from shared.model.instants import write_instant

SECONDS_AN_HOUR = 3600.0
HOURS_A_DAY = 24
NOT_COUNTED = (
    "a reservation or savings plan that covers the VM is not counted: the stop then costs nothing "
    "more, but uses up its hours"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What an hour costs: the list price, the currency, and the factor for a discount."""

    price: Price | None
    currency: str
    factor: float = 1.0

    @property
    def hourly(self) -> float | None:
        """What an hour costs for sure, the factor included; None if unknown."""
        return None if self.price is None else self.price.compute * self.factor

    @property
    def licence(self) -> float | None:
        """What an hour costs more if Azure bills the Windows licence; None if unknown."""
        known = self.price is not None and self.price.windows is not None
        return (self.price.windows or 0.0) * self.factor if self.price and known else None

    def __str__(self) -> str:
        """Return it for people, for example in an alert."""
        if self.hourly is None:
            return "the list price is unknown"
        told = f"{_money(self.hourly)} {self.currency} an hour, {of_list_price(self.factor)}"
        if self.licence == 0:
            return told
        more = "an unknown amount" if self.licence is None else _money(self.licence)
        return f"{told}; {more} more if Azure bills the Windows licence while stopped"

    def columns(self) -> dict[str, Any]:
        """Return the FOCUS columns of an hour."""
        price = self.price or Price(0.0, None)
        known = self.price is not None
        return {
            "BillingCurrency": self.currency,
            "ListUnitPrice": price.compute if known else None,
            "ContractedUnitPrice": _rounded(self.hourly),
            "x_LicenseUnitPrice": _rounded(self.licence),
            "x_PriceFactor": self.factor,
        }


@dataclass(frozen=True, slots=True)
class Bill:
    """The time for which a stopped VM is billed, and the rate."""

    since: datetime
    until: datetime
    rate: Rate

    @property
    def seconds(self) -> int:
        """How long it was billed."""
        return round((self.until - self.since).total_seconds())

    @property
    def hours(self) -> float:
        """How many hours it was billed."""
        return self.seconds / SECONDS_AN_HOUR

    def columns(self) -> dict[str, Any]:
        """Return the FOCUS columns of the whole time."""
        price = self.rate.price
        return {
            "ChargePeriodStart": write_instant(self.since),
            "ChargePeriodEnd": write_instant(self.until),
            **self.rate.columns(),
            "ListCost": self._cost(price.compute if price else None),
            "ContractedCost": self._cost(self.rate.hourly),
            "x_LicenseCost": self._cost(self.rate.licence),
        }

    def _cost(self, hourly: float | None) -> float | None:
        return None if hourly is None else round(hourly * self.hours, 4)


def of_list_price(factor: float) -> str:
    """Return how a price relates to the list price."""
    return "list price" if factor == 1 else f"list price × {factor:g}"  # noqa: RUF001 - the sign that people write


def resource_columns(ref: VmRef, region: str | None) -> dict[str, Any]:
    """Return the FOCUS columns that name a VM."""
    return {
        "ResourceId": ref.id,
        "SubAccountId": f"/subscriptions/{ref.subscription}",
        "RegionId": region,
    }


def _rounded(price: float | None) -> float | None:
    return None if price is None else round(price, 6)


def _money(price: float) -> str:
    """Return a price of an hour with three decimals, more if it is small."""
    return f"{price:.3f}" if price >= 0.01 else f"{price:.5f}"  # noqa: PLR2004 - a cent
