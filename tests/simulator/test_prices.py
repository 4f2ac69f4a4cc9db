"""The price list: its form, its filter, its traps, and its faults."""

from typing import Any

import pytest
import requests

from simulator.simulator import Simulator

ALL_FOR = "serviceName eq 'Virtual Machines' and armRegionName eq '{}' and armSkuName eq '{}'"
CONSUMED = ALL_FOR + " and priceType eq 'Consumption'"
VERSION = "2023-01-01-preview"


def ask(sim: Simulator, asked: str = "", **query: str) -> requests.Response:
    """Query the price list as the public documentation shows, without a token."""
    url = sim.environment()["PRICES_ENDPOINT"]
    given = {"api-version": VERSION, "currencyCode": "'USD'", "$filter": asked} | query
    return requests.get(url, params=given, verify=str(sim.ca_path), timeout=30)


def rows(sim: Simulator, asked: str, **query: str) -> list[dict[str, Any]]:
    """Return the rows of one page."""
    return list(ask(sim, asked, **query).json()["Items"])


def hourly(sim: Simulator, region: str, size: str, **query: str) -> list[dict[str, Any]]:
    """Return the rows for an hour of a VM, for every operating system and priority."""
    return [
        row
        for row in rows(sim, CONSUMED.format(region, size), **query)
        if row["unitOfMeasure"] == "1 Hour"
        and row["retailPrice"] > 0
        and row["isPrimaryMeterRegion"]
        and row["productName"].startswith("Virtual Machines")
    ]


def test_the_documented_form(sim: Simulator) -> None:
    """An answer has the documented members, and a row all of its fields."""
    page = ask(sim, CONSUMED.format("westeurope", "Standard_D4s_v5")).json()
    assert page["CustomerEntityId"] == "Default"
    assert page["CustomerEntityType"] == "Retail"
    assert page["BillingCurrency"] == "USD"
    assert page["NextPageLink"] is None
    assert page["Count"] == len(page["Items"])
    assert " ".join(page["Items"][-1]) == (
        "currencyCode tierMinimumUnits retailPrice unitPrice armRegionName location "
        "effectiveStartDate meterId meterName productId skuId productName skuName serviceName "
        "serviceId serviceFamily unitOfMeasure type isPrimaryMeterRegion armSkuName"
    )


def test_exactly_one_row_for_each_system_and_priority(sim: Simulator) -> None:
    """Without the traps, a size in a region has one price for each way of running it."""
    named = [
        (row["productName"].endswith("Windows"), row["skuName"].removeprefix("D4s v5").strip())
        for row in hourly(sim, "westeurope", "Standard_D4s_v5")
    ]
    ways = [(windows, tier) for windows in (False, True) for tier in ("", "Spot", "Low Priority")]
    assert sorted(named) == sorted(ways)


def test_the_traps_are_there(sim: Simulator) -> None:
    """Cloud Services, foreign meters, free and monthly rows come even with Consumption alone."""
    found = rows(sim, CONSUMED.format("westeurope", "Standard_D4s_v5"))
    assert any(row["productName"] == "Dsv5 Series Cloud Services" for row in found)
    assert any(not row["isPrimaryMeterRegion"] for row in found)
    assert any(row["retailPrice"] == 0 for row in found)
    assert any(row["unitOfMeasure"] == "1/Month" for row in found)
    assert {row["type"] for row in found} == {"Consumption"}
    everything = rows(sim, ALL_FOR.format("westeurope", "Standard_D4s_v5"))
    kinds = {row["type"] for row in everything}
    assert kinds == {"Consumption", "Reservation", "DevTestConsumption"}
    terms = {row["reservationTerm"] for row in everything if row["type"] == "Reservation"}
    assert terms == {"1 Year", "3 Years"}


def test_what_azure_itself_does_oddly(sim: Simulator) -> None:
    """One size has no regular row in its own region; a Cloud Service is spelt as one word."""
    d2s = rows(sim, CONSUMED.format("eastus", "Standard_D2s_v3"))
    regular = [r for r in d2s if r["skuName"] == "D2s v3" and "Machines" in r["productName"]]
    hours = [r for r in regular if r["unitOfMeasure"] == "1 Hour" and r["retailPrice"]]
    assert [row["isPrimaryMeterRegion"] for row in hours] == [False, False]
    products = {r["productName"] for r in rows(sim, CONSUMED.format("eastus", "Standard_E4ads_v5"))}
    assert "Eadsv5 Series CloudServices" in products


def test_a_licence_costs_and_arm_has_none(sim: Simulator) -> None:
    """Windows costs more than Linux, and there is no Windows row for an Arm size."""
    prices = {
        row["productName"]: row["retailPrice"] for row in hourly(sim, "eastus", "Standard_B1s")
    }
    product = "Virtual Machines BS Series"
    assert prices == {product: 0.0104, f"{product} Windows": 0.014}
    arm = hourly(sim, "eastus", "Standard_D4ps_v5")
    assert not any("Windows" in row["productName"] for row in arm)


def test_currencies(sim: Simulator) -> None:
    """A currency is requested in quotes, shown in page and row, and converts every price."""
    page = ask(sim, CONSUMED.format("eastus", "Standard_B1s"), currencyCode="'EUR'").json()
    assert page["BillingCurrency"] == "EUR"
    assert {row["currencyCode"] for row in page["Items"]} == {"EUR"}
    euros = hourly(sim, "eastus", "Standard_B1s", currencyCode="'EUR'")
    dollars = hourly(sim, "eastus", "Standard_B1s")
    assert [round(row["retailPrice"] / 0.85, 4) for row in euros] == [
        row["retailPrice"] for row in dollars
    ]
    assert ask(sim, currencyCode="'XYZ'").status_code == 501


def test_values_are_case_sensitive(sim: Simulator) -> None:
    """Another casing finds nothing, nor does a size that is not listed."""
    assert rows(sim, CONSUMED.format("westeurope", "standard_d4s_v5")) == []
    assert rows(sim, CONSUMED.format("WestEurope", "Standard_D4s_v5")) == []
    assert rows(sim, CONSUMED.format("westeurope", "Standard_O''Hara")) == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("armSkuName in ('Standard_B1s')", 400),
        ("armSkuName = 'Standard_B1s'", 400),
        ("armSkuName eq Standard_B1s", 400),
        ("armSku eq 'Standard_B1s'", 400),
        ("priceType eq 'OnDemand'", 400),
        ("armSkuName eq 'Standard_O'Hara'", 400),
        (" and ".join(["armSkuName eq 'Standard_B1s'"] * 21), 400),
        ("armSkuName eq 'a' or armSkuName eq 'b'", 501),
        ("contains(armSkuName, 'B1s')", 501),
        ("productName eq 'Virtual Machines BS Series'", 501),
        ("isPrimaryMeterRegion eq true", 501),
        ("armSkuName eq '" + "x" * 2048 + "'", 404),
    ],
)
def test_filters_that_are_refused(sim: Simulator, asked: str, status: int) -> None:
    """What Azure refuses is 400 in the price list's own form; unsupported filters are 501."""
    refused = ask(sim, asked)
    assert refused.status_code == status
    assert set(refused.json()["Error"]) == {"Code", "Message"}


def test_other_parameters(sim: Simulator) -> None:
    """An unknown api-version and a skip that is not a number are 400; other parameters are 501."""
    assert ask(sim, **{"api-version": "2023-01-01"}).json()["Error"] == {
        "Code": "BadRequest",
        "Message": "Unsupported API version",
    }
    assert ask(sim, **{"$skip": "x"}).status_code == 400
    assert ask(sim, meterRegion="'primary'").status_code == 501


def test_savings_plans_come_with_the_preview_version_alone(sim: Simulator) -> None:
    """The regular Linux row has them there, and no api-version is required."""
    asked = CONSUMED.format("eastus", "Standard_B1s")
    assert sum("savingsPlan" in row for row in rows(sim, asked)) == 1
    url = sim.environment()["PRICES_ENDPOINT"]
    plain = requests.get(url, params={"$filter": asked}, verify=str(sim.ca_path), timeout=30).json()
    assert plain["Items"]
    assert not any("savingsPlan" in row for row in plain["Items"])


def test_pages(sim: Simulator) -> None:
    """A page has at most 1,000 rows; NextPageLink leads through all rows, each once."""
    first = ask(sim).json()
    assert first["Count"] == 1000
    sim.client.settings(page_size=4)
    page = ask(sim, ALL_FOR.format("eastus", "Standard_D4s_v5"), currencyCode="'GBP'").json()
    seen = page["Items"]
    while page["NextPageLink"]:
        page = requests.get(page["NextPageLink"], verify=str(sim.ca_path), timeout=30).json()
        assert page["BillingCurrency"] == "GBP"
        seen += page["Items"]
    sim.client.settings(page_size=1000)
    assert seen == rows(sim, ALL_FOR.format("eastus", "Standard_D4s_v5"), currencyCode="'GBP'")


def test_an_empty_list(sim: Simulator) -> None:
    """The setting `prices` removes all rows; an unknown value is refused."""
    sim.client.settings(prices="none")
    assert ask(sim).json()["Items"] == []
    with pytest.raises(Exception, match="no such setting"):
        sim.client.settings(prices="empty")


def test_it_fails_throttles_and_hangs_up(sim: Simulator) -> None:
    """Faults for its path apply to it, in its own form; faults for ARM's callers do not."""
    path = "/api/retail/prices"
    app = sim.environment()["AZURE_CLIENT_ID"]
    sim.client.fault(caller=app, error={"status": 500, "code": "InternalError"}, count=None)
    assert ask(sim).status_code == 200
    sim.client.fault(path=path, error={"status": 503, "code": "ServerBusy"})
    assert ask(sim).json()["Error"]["Code"] == "ServerBusy"
    sim.client.fault(path=path, throttle=30)
    throttled = ask(sim)
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "30")
    sim.client.fault(path=path, drop=True)
    with pytest.raises(requests.ConnectionError):
        ask(sim)
    assert ask(sim).status_code == 200


def test_it_hangs(sim: Simulator) -> None:
    """A client with a timeout gives up on a list that does not answer."""
    sim.client.fault(path="/api/retail/prices", latency=5)
    url = sim.environment()["PRICES_ENDPOINT"]
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, verify=str(sim.ca_path), timeout=0.2)


def test_its_requests_are_logged_without_a_caller(sim: Simulator) -> None:
    """A test can count them, and they are not among those of the app."""
    ask(sim, CONSUMED.format("eastus", "Standard_B1s"))
    (logged,) = sim.client.requests()
    assert (logged["path"], logged["status"]) == ("/api/retail/prices", 200)
    assert sim.client.requests(caller="app") == []


def test_the_endpoint_is_named(sim: Simulator) -> None:
    """Environment and endpoints.json both have its address."""
    url = f"{sim.arm_endpoint}/api/retail/prices"
    assert sim.environment()["PRICES_ENDPOINT"] == sim.endpoints()["prices"] == url
