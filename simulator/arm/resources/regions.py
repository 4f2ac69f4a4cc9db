"""The regions as the list of locations shows them, except for their names.

Coordinates, locations and pairs are those that Azure is known to list; a paired region may be one
that is not simulated.
"""

from simulator.arm.core import ids
from simulator.arm.core.errors import Json

# name: latitude, longitude, location, pair; a star: not among the regions that Azure recommends.
_FACTS = {
    ("US", "United States"): """
        eastus: 37.3719, -79.8164, Virginia, westus
        eastus2: 36.6681, -78.3889, Virginia, centralus
        westus*: 37.783, -122.417, California, eastus
        westus2: 47.233, -119.852, Washington, westcentralus
        westus3: 33.448376, -112.074036, Phoenix, eastus
        centralus: 41.5908, -93.6208, Iowa, eastus2
        northcentralus*: 41.8819, -87.6278, Illinois, southcentralus
        southcentralus: 29.4167, -98.5, Texas, northcentralus
        westcentralus*: 40.890, -110.234, Wyoming, westus2""",
    ("Canada", "Canada"): """
        canadacentral: 43.653, -79.383, Toronto, canadaeast
        canadaeast*: 46.817, -71.217, Quebec, canadacentral""",
    ("Mexico", "Mexico"): "mexicocentral: 20.588818, -100.389888, Querétaro State,",
    ("South America", "Brazil"): "brazilsouth: -23.55, -46.633, Sao Paulo State, southcentralus",
    ("Europe", "Europe"): """
        northeurope: 53.3478, -6.2597, Ireland, westeurope
        westeurope: 52.3667, 4.9, Netherlands, northeurope""",
    ("UK", "United Kingdom"): """
        uksouth: 50.941, -0.799, London, ukwest
        ukwest*: 53.427, -3.084, Cardiff, uksouth""",
    ("Europe", "France"): "francecentral: 46.3772, 2.3730, Paris, francesouth",
    ("Europe", "Germany"): "germanywestcentral: 50.110924, 8.682127, Frankfurt, germanynorth",
    ("Europe", "Switzerland"): "switzerlandnorth: 47.451542, 8.564572, Zurich, switzerlandwest",
    ("Europe", "Norway"): "norwayeast: 59.913868, 10.752245, Norway, norwaywest",
    ("Europe", "Sweden"): "swedencentral: 60.67488, 17.14127, Gävle, swedensouth",
    ("Europe", "Poland"): "polandcentral: 52.23334, 21.01666, Warsaw,",
    ("Europe", "Italy"): "italynorth: 45.46888, 9.18109, Milan,",
    ("Europe", "Spain"): "spaincentral: 40.4259, -3.4209, Madrid,",
    ("Middle East", "UAE"): "uaenorth: 25.266666, 55.316666, Dubai, uaecentral",
    ("Middle East", "Israel"): "israelcentral: 31.2655698, 33.4506633, Israel,",
    ("Middle East", "Qatar"): "qatarcentral: 25.551462, 51.439327, Doha,",
    ("Africa", "South Africa"): """
        southafricanorth: -25.731340, 28.218370, Johannesburg, southafricawest""",
    ("Asia Pacific", "India"): """
        centralindia: 18.5822, 73.9197, Pune, southindia
        southindia*: 12.9822, 80.1636, Chennai, centralindia""",
    ("Asia Pacific", "Asia Pacific"): """
        southeastasia: 1.283, 103.833, Singapore, eastasia
        eastasia: 22.267, 114.188, Hong Kong, southeastasia""",
    ("Asia Pacific", "Japan"): """
        japaneast: 35.68, 139.77, Tokyo, japanwest
        japanwest*: 34.6939, 135.5022, Osaka, japaneast""",
    ("Asia Pacific", "Korea"): "koreacentral: 37.5665, 126.9780, Seoul, koreasouth",
    ("Asia Pacific", "Australia"): """
        australiaeast: -33.86, 151.2094, New South Wales, australiasoutheast
        australiasoutheast*: -37.8136, 144.9631, Victoria, australiaeast""",
}


def location_body(subscription: str, region: ids.Region) -> Json:
    """Return a region as the list of locations shows it."""
    metadata = _METADATA[region.name]
    pairs = [{"name": name, "id": _id(subscription, name)} for name in metadata["pairedRegion"]]
    return {
        "id": _id(subscription, region.name),
        "name": region.name,
        "type": "Region",
        "displayName": region.display,
        "regionalDisplayName": f"({metadata['geographyGroup']}) {region.display}",
        "metadata": metadata | {"pairedRegion": pairs},
    }


def _id(subscription: str, name: str) -> str:
    return f"/subscriptions/{subscription}/locations/{name}"


def _metadata(group: str, geography: str, line: str) -> tuple[str, Json]:
    name, _, facts = line.strip().partition(":")
    latitude, longitude, place, pair = (fact.strip() for fact in facts.split(","))
    return name.rstrip("*"), {
        "regionType": "Physical",
        "regionCategory": "Other" if name.endswith("*") else "Recommended",
        "geography": geography,
        "geographyGroup": group,
        "longitude": longitude,
        "latitude": latitude,
        "physicalLocation": place,
        "pairedRegion": [pair] if pair else [],
    }


_METADATA = dict(
    _metadata(*where, line)
    for where, lines in _FACTS.items()
    for line in lines.strip().splitlines()
)
