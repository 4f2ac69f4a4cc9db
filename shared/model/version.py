"""The version of Stillframe: the only place that names it.

`pyproject.toml` reads it for the wheel. The deployed app, which has no wheel's metadata, imports
it. A release's Git tag is `v` and this version.
"""

VERSION = "0.1.0"
