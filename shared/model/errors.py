"""Errors, by what the caller should do.

    StillframeError
    ├── Unreadable      malformed input, a retry cannot help: log it and drop it
    ├── Misconfigured   an invalid setting: the app does not start
    ├── Transient       throttled, busy, unreachable: raise it, so that the event is redelivered
    │   └── Unreachable a server that the network must let the app reach: tell people if it lasts
    ├── Refused         Azure refuses for good (permission, policy, lock, quota): tell people
    └── Withheld        a dry run: the write was not sent

Errors of the Azure SDKs become one of these in `shared/cloud/errors.py`, and nowhere else.
"""


class StillframeError(Exception):
    """An error whose class tells what to do."""


class Unreadable(StillframeError):
    """The input is malformed, and a retry cannot help."""


class Misconfigured(StillframeError):
    """A setting is missing, malformed or unknown; the message names it."""


class Transient(StillframeError):
    """The same request may succeed later: after `retry_after` seconds, if Azure sent that."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No answer from `host`."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"{host} does not answer the app: {why}")
        self.host = host


class Refused(StillframeError):
    """Azure refuses the request; `code` and `message` are Azure's, `status` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Withheld(StillframeError):
    """A write that a dry run did not send; the message is its method and path."""
