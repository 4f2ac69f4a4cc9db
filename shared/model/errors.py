"""What can go wrong, named by what the caller should do.

    StillframeError
    ├── Unreadable      input that no retry can cure: log it and drop it
    ├── Misconfigured   a setting that cannot be meant: nothing starts
    ├── Transient       throttled, busy, unreachable: raise it, so that the event comes again
    │   └── Unreachable a server that the app must be let through to: tell people if it lasts
    ├── Refused         Azure says no for good (permission, policy, lock, quota): tell people
    └── Withheld        a dry run: the write was not sent

Errors of the Azure SDKs become one of these in `shared/cloud/errors.py`, and nowhere else.
"""


class StillframeError(Exception):
    """An error that says what to do."""


class Unreadable(StillframeError):
    """The input is not what it should be, and asking again will not mend it."""


class Misconfigured(StillframeError):
    """A setting is missing, malformed or unknown; the message names it."""


class Transient(StillframeError):
    """Not now; the same request may succeed later, `retry_after` seconds on if Azure said so."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No answer from `host`."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"{host} does not answer the app: {why}")
        self.host = host


class Refused(StillframeError):
    """Azure will not do it; `code` and `message` are its own words, `status` is HTTP's."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Withheld(StillframeError):
    """A write that a dry run did not send; the message is its method and path."""
