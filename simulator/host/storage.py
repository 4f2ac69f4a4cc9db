"""The storage account of the host: whether the settings name one, and what timers keep in it.

The account itself is a folder here. Takes the app's settings and that folder; gives the status of
each timer, in the file that would be its blob.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NAME = "AzureWebJobsStorage"

NO_SECRETS = (
    "Secret initialization from Blob storage failed due to missing both an Azure Storage connection"
    " string and a SAS connection uri. For Blob Storage, please provide at least one of these. If "
    "you intend to use files for secrets, add an App Setting key 'AzureWebJobsSecretStorageType' "
    "with value 'Files'."
)
NO_SCHEDULES = "Could not create BlobContainerClient for ScheduleMonitor."

# How .NET writes an instant that has not been, and one that never comes.
NEVER = datetime(1, 1, 1, tzinfo=UTC)
UNENDING = "9999-12-31T23:59:59.9999999+00:00"

ACCOUNT = re.compile(r"[a-z0-9]{3,24}", re.ASCII)


@dataclass(frozen=True)
class Status:
    """When a timer last ran and runs next; `due` None is never, `updated` is what `due` is from."""

    last: datetime
    due: datetime | None
    updated: datetime

    def content(self) -> dict[str, str]:
        """Write it as the blob has it, and as the function is given it."""
        return {
            "Last": _instant(self.last),
            "Next": UNENDING if self.due is None else _instant(self.due),
            "LastUpdated": _instant(self.updated),
        }


class Statuses:
    """The statuses of an app's timers, in a folder that outlives the host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "azure-webjobs-hosts" / "timers" / "local"

    def get(self, function: str) -> Status | None:
        """Read a timer's status; None if it has none yet."""
        path = self._path(function)
        if not path.exists():
            return None
        content = json.loads(path.read_text())
        due = content["Next"]
        return Status(
            datetime.fromisoformat(content["Last"]),
            None if due == UNENDING else datetime.fromisoformat(due),
            datetime.fromisoformat(content["LastUpdated"]),
        )

    def put(self, function: str, status: Status) -> None:
        """Keep a timer's status."""
        path = self._path(function)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(status.content()))

    def _path(self, function: str) -> Path:
        return self._folder / f"Host.Functions.{function}" / "status"


def is_named(settings: Mapping[str, str]) -> bool:
    """Tell whether the settings name a storage account in a way that the host can use.

    A connection string, or an account by its name or the URL of its blobs together with the
    credential `managedidentity`.
    """
    connection = settings.get(NAME)
    if connection is not None:
        return _is_connection(connection)
    if settings.get(f"{NAME}__credential", "").lower() != "managedidentity":
        return False
    url = settings.get(f"{NAME}__blobServiceUri", "")
    if url:
        return url.startswith("https://")
    return bool(ACCOUNT.fullmatch(settings.get(f"{NAME}__accountName", "")))


def has_keys(settings: Mapping[str, str]) -> bool:
    """Tell whether the host has where to keep its keys, the webhook's among them."""
    kept = settings.get("AzureWebJobsSecretStorageType", "").lower()
    return kept == "files" or is_named(settings)


def _instant(moment: datetime) -> str:
    """Write an instant as .NET does: `2026-03-01T12:00:00.25+00:00`, no zeros after the second."""
    seconds = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    fraction = f"{moment.microsecond:06}".rstrip("0")
    return f"{seconds}{'.' if fraction else ''}{fraction}+00:00"


def _is_connection(text: str) -> bool:
    parts = dict(part.partition("=")[::2] for part in text.split(";") if part)
    if parts.get("UseDevelopmentStorage") == "true":
        return True
    return all(parts.get(name) for name in ("AccountName", "AccountKey"))
