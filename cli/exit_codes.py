"""The exit codes of a command; `make` ends with 2 for each but 0."""

OK = 0
TROUBLE = 1
"""Something could not be read; stderr says what to do about it."""

USAGE = 2
"""Arguments or settings are invalid."""

INTERRUPTED = 130
"""After Ctrl-C."""
