"""The app's log as Application Insights stores it, and its queries run on that.

Takes invocations as recorded by the local host, gives the table `traces` and what a query of
`infra/queries` finds in it. The engine is not Azure's own: another test checks that Microsoft's
parser accepts each query.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb_kql

type Json = dict[str, Any]
type Trace = tuple[datetime, str]

QUERIES = Path(__file__).parents[3] / "infra" / "queries"
COLUMNS = "timestamp TIMESTAMP, message VARCHAR"

_BEGINNING = re.compile(r"message startswith_cs '([^']+)'")
_SAID = re.compile(r"\bsaid((?:\.\w+|\['\w+'\])+)")
_ONE = re.compile(r"\bone((?:\.\w+)+)")
_EACH = re.compile(r"mv-expand one = said\.(\w+)")


def traces(invocations: Iterable[Json]) -> list[Trace]:
    """Return the lines of the app's log; the host puts a line's level before it."""
    return [
        (datetime.fromisoformat(one["started"]).replace(tzinfo=None), line.partition(": ")[2])
        for one in invocations
        for line in one["lines"]
    ]


def text(query: str) -> str:
    """Return a query as it is deployed."""
    return (QUERIES / f"{query}.kql").read_text()


def find(query: str, logged: Iterable[Trace]) -> list[Json]:
    """Return the rows that a query finds."""
    with duckdb_kql.connect() as database:
        database.execute(f"CREATE TABLE traces ({COLUMNS})")
        rows = [list(trace) for trace in logged]
        if rows:
            database.executemany("INSERT INTO traces VALUES (?, ?)", rows)
        found = duckdb_kql.query(database, text(query))
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def unlogged(query: str, logged: Iterable[Trace]) -> set[str]:
    """Return the fields that a query reads but no line it looks at has."""
    kql = text(query)
    beginning = _BEGINNING.search(kql)
    assert beginning, f"{query} does not say which lines it looks at"
    lines = [line for _, line in logged if line.startswith(beginning[1])]
    said = [json.loads(line.partition(" ")[2]) for line in lines]
    wanted = {_dotted(path) for path in _SAID.findall(kql)}
    if each := _EACH.search(kql):
        wanted |= {f"{each[1]}.{_dotted(path)}" for path in _ONE.findall(kql)}
    return wanted - {path for one in said for path in _paths(one)}


def _dotted(path: str) -> str:
    return ".".join(re.findall(r"\w+", path))


def _paths(value: object, here: str = "") -> Iterator[str]:
    """Yield the path of every member; items of a list are under the list's own path."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{here}{name}"
            yield from _paths(member, f"{here}{name}.")
    elif isinstance(value, list):
        for member in value:
            yield from _paths(member, here)
