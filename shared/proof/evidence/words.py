"""Several systems on one disk -> the word that counts: of all of them the one that forbids most."""

from collections.abc import Iterable

from shared.model.facts import Proof, Verdict
from shared.proof.filesystems.files import Broken, Unknown

_CAUTION = (Proof.NOT_GENERALIZED, Proof.CANNOT_TELL, Proof.GENERALIZED)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the first of the verdicts that forbid most; there is one at least."""
    return min(verdicts, key=lambda one: _CAUTION.index(one.proof))


def cannot_tell(why: str) -> Verdict:
    """Return the verdict of a disk that cannot be read, or says nothing."""
    return Verdict(Proof.CANNOT_TELL, why)


def said(error: Exception) -> str:
    """Return in words why a parser gave up; an error that is not worded here has its kind."""
    worded = isinstance(error, Broken | Unknown)
    return str(error) if worded else f"{type(error).__name__}: {error}"
