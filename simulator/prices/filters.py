"""The `$filter` of the price list, as far as it is simulated: `eq` joined by `and`.

Takes its text, gives the fields and values to compare. A filter that Azure refuses gets Azure's
error; one that only Azure understands gets `NotSimulated`, so the two cannot be confused.
"""

import re

from simulator.arm.core.errors import ArmError, not_simulated

PRICE_TYPES = ("Consumption", "DevTestConsumption", "Reservation", "SavingsPlan")
MOST_COMPARISONS = 20
_COMPARISON = r"(\w+)\s+eq\s+('(?:[^']|'')*'|\w+)"
_FILTER = re.compile(rf"{_COMPARISON}(?:\s+and\s+{_COMPARISON})*")
_ONE = re.compile(_COMPARISON)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_BEYOND = re.compile(r"\b(?:or|ne|gt|ge|lt|le)\b|\b(?:contains|startswith|endswith)\s*\(")
# By their names in a filter; the type has another name in a row.
_FIELDS = {
    "serviceName": "serviceName",
    "armRegionName": "armRegionName",
    "armSkuName": "armSkuName",
    "skuName": "skuName",
    "priceType": "type",
}
_OTHER_FIELDS = frozenset({
    "currencyCode", "tierMinimumUnits", "retailPrice", "unitPrice", "location",
    "effectiveStartDate", "meterId", "meterName", "productId", "skuId", "productName",
    "serviceId", "serviceFamily", "unitOfMeasure", "type", "isPrimaryMeterRegion",
    "reservationTerm"
})  # fmt: skip


def comparisons(text: str) -> list[tuple[str, str]]:
    """Return the fields of a row and their values in a `$filter`; ArmError 400 or 501."""
    asked = text.strip()
    if not asked:
        return []
    if not _FILTER.fullmatch(asked):
        if _BEYOND.search(_TEXT.sub("''", asked)):
            msg = f"the price filter {asked}"
            raise not_simulated(msg)
        raise _nonsense()
    given = _ONE.findall(asked)
    if len(given) > MOST_COMPARISONS:
        raise _nonsense()
    return [_comparison(field, value) for field, value in given]


def refused(message: str) -> ArmError:
    """Refuse as the price list does."""
    return ArmError(400, "BadRequest", message)


def _comparison(field: str, value: str) -> tuple[str, str]:
    if field in _OTHER_FIELDS:
        msg = f"a price filter by {field}"
        raise not_simulated(msg)
    if field not in _FIELDS or not value.startswith("'"):
        raise _nonsense()
    text = value[1:-1].replace("''", "'")
    if field == "priceType" and text not in PRICE_TYPES:
        raise _nonsense()
    return _FIELDS[field], text


def _nonsense() -> ArmError:
    return refused("Invalid OData parameters supplied")
