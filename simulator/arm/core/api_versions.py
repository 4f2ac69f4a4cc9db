"""Which api-versions Azure knows: ARM's own, and those of each resource type.

Takes a resource type, gives its api-versions as Azure lists them in its refusals: the providers'
oldest first, ARM's own newest first. Sources: Microsoft's specifications in August 2026, and
recorded refusals.
"""

_ARM = """
    2025-04-01 2025-03-01 2024-10-01-preview 2024-11-01 2024-08-01 2024-07-01 2024-06-01-preview
    2024-03-01 2023-07-01 2023-07-01-preview 2023-03-01-preview 2022-12-01 2022-11-01-preview
    2022-09-01 2022-06-01 2022-05-01 2022-03-01-preview 2022-01-01 2021-04-01 2021-01-01
    2020-10-01 2020-09-01 2020-08-01 2020-07-01 2020-06-01 2020-05-01 2020-01-01 2019-11-01
    2019-10-01 2019-09-01 2019-08-01 2019-07-01 2019-06-01 2019-05-10 2019-05-01 2019-03-01
    2018-11-01 2018-09-01 2018-08-01 2018-07-01 2018-06-01 2018-05-01 2018-02-01 2018-01-01
    2017-12-01 2017-08-01 2017-06-01 2017-05-10 2017-05-01 2017-03-01 2016-09-01 2016-07-01
    2016-06-01 2016-02-01 2015-11-01 2015-01-01 2014-04-01-preview 2014-04-01 2014-01-01
    2013-03-01 2014-02-26 2014-04
"""

_MACHINES = """
    2015-05-01-preview 2015-06-15 2016-03-30 2016-04-30-preview 2016-08-30 2017-03-30 2017-12-01
    2018-04-01 2018-06-01 2018-10-01 2019-03-01 2019-07-01 2019-12-01 2020-06-01 2020-12-01
    2021-03-01 2021-04-01 2021-07-01 2021-11-01 2022-03-01 2022-08-01 2022-11-01 2023-03-01
    2023-07-01 2023-09-01 2024-03-01 2024-07-01 2024-11-01 2025-04-01 2025-11-01 2026-03-01
    2026-04-01
"""
_DISKS = """
    2016-04-30-preview 2017-03-30 2018-04-01 2018-06-01 2018-09-30 2019-03-01 2019-07-01
    2019-11-01 2020-05-01 2020-06-30 2020-09-30 2020-12-01 2021-04-01 2021-08-01 2021-12-01
    2022-03-02 2022-07-02 2023-01-02 2023-04-02 2023-10-02 2024-03-02 2025-01-02 2026-03-02
"""
_GALLERIES = """
    2018-06-01 2019-03-01 2019-07-01 2019-12-01 2020-09-30 2021-03-01 2021-07-01 2021-10-01
    2022-01-03 2022-03-03 2022-08-03 2023-07-03 2024-03-03 2025-03-03 2025-12-03 2026-03-03
"""
_INTERFACES = """
    2014-12-01-preview 2015-05-01-preview 2015-06-15 2016-03-30 2016-06-01 2016-07-01 2016-08-01
    2016-09-01 2016-10-01 2016-11-01 2016-12-01 2017-03-01 2017-03-30 2017-04-01 2017-06-01
    2017-08-01 2017-09-01 2017-10-01 2017-11-01 2018-01-01 2018-02-01 2018-03-01 2018-04-01
    2018-05-01 2018-06-01 2018-07-01 2018-08-01 2018-10-01 2018-11-01 2018-12-01 2019-02-01
    2019-04-01 2019-06-01 2019-07-01 2019-08-01 2019-09-01 2019-11-01 2019-12-01 2020-01-01
    2020-03-01 2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01 2021-01-01
    2021-02-01 2021-03-01 2021-04-01 2021-05-01 2021-06-01 2021-08-01 2022-01-01 2022-05-01
    2022-07-01 2022-09-01 2022-11-01 2023-02-01 2023-04-01 2023-05-01 2023-06-01 2023-09-01
    2023-11-01 2024-01-01 2024-03-01 2024-05-01 2024-07-01 2024-10-01 2025-01-01 2025-03-01
    2025-05-01 2025-07-01 2025-09-01
"""
_SITES = """
    2015-08-01 2016-08-01 2018-02-01 2018-11-01 2019-08-01 2020-06-01 2020-09-01 2020-10-01
    2020-12-01 2021-01-01 2021-01-15 2021-02-01 2021-03-01 2022-03-01 2022-09-01 2023-01-01
    2023-12-01 2024-04-01 2024-11-01 2025-03-01
"""
_TOPICS = """
    2017-06-15-preview 2017-09-15-preview 2018-01-01 2018-05-01-preview 2018-09-15-preview
    2019-01-01 2019-02-01-preview 2019-06-01 2020-01-01-preview 2020-04-01-preview 2020-06-01
    2020-10-15-preview 2021-06-01-preview 2021-10-15-preview 2021-12-01 2022-06-15
    2023-06-01-preview 2023-12-15-preview 2024-06-01-preview 2024-12-15-preview 2025-02-15
    2025-04-01-preview 2025-07-15-preview
"""
# System topics came in 2020, and to a stable api-version in 2021.
_SYSTEM_TOPICS = " ".join(
    date for date in _TOPICS.split() if date >= "2020-04-01" and date != "2020-06-01"
)
_HEALTH = """
    2015-01-01 2017-07-01 2018-07-01-preview 2018-08-01-preview 2020-05-01 2020-05-01-preview
    2022-05-01 2022-05-01-preview 2022-10-01 2023-07-01-preview 2023-10-01-preview 2024-02-01
    2025-05-01 2026-08-01-preview
"""

# 2020-05-01 is in the specification; Azure has refused it.
_LOCKS = "2015-01-01 2015-05-01-preview 2015-06-01 2016-09-01 2017-04-01"

_GRAPH = "2018-09-01-preview 2019-04-01 2020-04-01-preview 2021-03-01 2022-10-01 2024-04-01"

_BY_TYPE = {
    "Microsoft.Authorization/locks": _LOCKS,
    "Microsoft.Authorization/permissions": "2015-07-01 2018-01-01-preview 2022-04-01",
    "Microsoft.Compute/virtualMachines": _MACHINES,
    "Microsoft.Compute/images": _MACHINES,
    "Microsoft.Compute/locations": _MACHINES + _DISKS + _GALLERIES,
    "Microsoft.Compute/disks": _DISKS,
    "Microsoft.Compute/snapshots": _DISKS,
    "Microsoft.Compute/restorePointCollections": _MACHINES,
    "Microsoft.Compute/galleries": _GALLERIES,
    "Microsoft.EventGrid/systemTopics": _SYSTEM_TOPICS,
    "Microsoft.EventGrid/topics": _TOPICS,
    "Microsoft.EventGrid/eventSubscriptions": _TOPICS,
    "Microsoft.Network/networkInterfaces": _INTERFACES,
    "Microsoft.Network/virtualNetworks": _INTERFACES,
    "Microsoft.ResourceGraph/resources": _GRAPH,
    "Microsoft.ResourceHealth/availabilityStatuses": _HEALTH,
    "Microsoft.Web/sites": _SITES,
}
ARM = tuple(_ARM.split())
_LISTS = {kind.lower(): tuple(sorted(set(said.split()))) for kind, said in _BY_TYPE.items()}


def known(namespace: str, resource_type: str) -> tuple[str, ...]:
    """Return the api-versions of a type, `galleries/images`; a nested type has its parent's.

    ARM's own for ARM's own types; none for a type that is not simulated.
    """
    if namespace.lower() in ("", "microsoft.resources"):
        return ARM
    parent, _, _ = resource_type.partition("/")
    return _LISTS.get(f"{namespace}/{parent}".lower(), ())
