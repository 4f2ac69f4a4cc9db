"""Recorded traffic of real Azure: files -> exchanges, in the order of the recording.

Takes VCR cassettes (YAML, the format of the Azure CLI's tests) and JSON files with `entries` of
`request` and `response`. Gives `Exchange`s with parsed bodies and lower-case header names. No
recording is kept in this project.
"""

import base64
import gzip
import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

type Json = dict[str, Any]

ARM_HOST = "management.azure.com"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Exchange:
    """One request and Azure's answer to it; `sent` and `answer` are JSON, text or None."""

    cassette: str
    number: int
    method: str
    path: str
    query: Mapping[str, str]
    sent: Any
    status: int
    headers: Mapping[str, str]
    answer: Any
    host: str = ARM_HOST

    @property
    def api_version(self) -> str:
        """Return the api-version that the client requested, or nothing."""
        return self.query.get("api-version", "")

    @property
    def day(self) -> str:
        """Return the day of the recording as YYYY-MM-DD, or nothing."""
        date = self.headers.get("date")
        return parsedate_to_datetime(date).date().isoformat() if date else ""

    @property
    def ok(self) -> bool:
        """Whether Azure fulfilled the request."""
        return self.status < 400


@dataclass(frozen=True)
class Cassette:
    """All exchanges of one recorded test; `source` is the collection that it comes from."""

    name: str
    source: str
    exchanges: tuple[Exchange, ...]


def cassettes(folder: Path) -> Iterator[Cassette]:
    """Read all recordings below a folder, by name; the folder right below it is their source."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".yaml", ".json"} and path.is_file():
            source = path.relative_to(folder).parts[0]
            yield Cassette(path.stem, source, tuple(exchanges(path)))


def exchanges(path: Path) -> Iterator[Exchange]:
    """Read one recording; a JSON file that is not a recording gives nothing."""
    if path.suffix == ".yaml":
        for number, entry in enumerate(_yaml(path)["interactions"]):
            yield _of_vcr(path.stem, number, entry)
        return
    read = json.loads(path.read_text())
    for number, entry in enumerate(read.get("entries", []) if isinstance(read, dict) else []):
        yield _of_json(path.stem, number, entry)


def _yaml(path: Path) -> Any:  # noqa: ANN401 YAML
    """Parse YAML with PyYAML, which only this program needs."""
    yaml = importlib.import_module("yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)


def _of_vcr(name: str, number: int, entry: Json) -> Exchange:
    request, response = entry["request"], entry["response"]
    return exchange(
        name,
        number,
        (request["method"], request["uri"], request.get("body")),
        (response["status"]["code"], response["headers"], response.get("body")),
    )


def _of_json(name: str, number: int, entry: Json) -> Exchange:
    request, response = entry["request"], entry["response"]
    return exchange(
        name,
        entry.get("n", number),
        (request["method"], request["path"], request.get("body")),
        (response["status"], response["headers"], response.get("body")),
    )


def exchange(
    name: str,
    number: int,
    request: tuple[str, str, Any],
    response: tuple[int, Mapping[str, Any], Any],
) -> Exchange:
    """Make an exchange from method, URL and body, and from status, headers and body."""
    method, url, sent = request
    status, headers, answer = response
    parts = urlsplit(url)
    path = unquote(parts.path)
    return Exchange(
        cassette=name,
        number=number,
        method=method,
        path="/" + path.strip("/").replace("//", "/"),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        sent=_parsed(sent),
        status=int(status),
        headers={key.lower(): _one(value) for key, value in headers.items()},
        answer=_parsed(answer),
        host=parts.netloc or ARM_HOST,
    )


def _one(value: object) -> str:
    """Return a header's first value: VCR keeps lists."""
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return str(value)


def _parsed(body: Any) -> Any:  # noqa: ANN401 JSON
    """Return a body as JSON if it is JSON, else its text; None for an empty one."""
    text = _text(body)
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text


def _text(body: Any) -> Any:  # noqa: ANN401 JSON
    """Unpack what VCR wraps a body in: `string`, `base64_string`, bytes, gzip."""
    if isinstance(body, dict) and set(body) & {"string", "base64_string"}:
        packed = body.get("base64_string")
        body = base64.b64decode(packed) if packed is not None else body["string"]
    if isinstance(body, bytes):
        plain = gzip.decompress(body) if body.startswith(_GZIP) else body
        return plain.decode("utf-8", "replace")
    return body
