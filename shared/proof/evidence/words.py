"""Verdicts and their wording; if a disk has several systems, the strictest verdict counts."""

from collections.abc import Iterable

from shared.model.facts import Proof, Verdict
from shared.proof.filesystems.files import Broken, Unknown

_CAUTION = (Proof.NOT_GENERALIZED, Proof.CANNOT_TELL, Proof.GENERALIZED)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the first of the strictest verdicts; there must be at least one."""
    return min(verdicts, key=lambda verdict: _CAUTION.index(verdict.proof))


def cannot_tell(why: str) -> Verdict:
    """Return the verdict on a disk that cannot be read or has no evidence."""
    return Verdict(Proof.CANNOT_TELL, why)


def describe_error(error: Exception) -> str:
    """Return why a parser failed; errors that are not ours are prefixed with their type."""
    worded = isinstance(error, Broken | Unknown)
    return str(error) if worded else f"{type(error).__name__}: {error}"
