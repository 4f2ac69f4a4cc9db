"""A view -> the report as one HTML file: no script, nothing loaded, every text escaped.

Jinja is imported here alone, by the first report: it is no part of the way of an event. The
Content-Security-Policy permits this one style sheet, by its hash, and pictures inside the file.
"""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from shared.page.view import View

if TYPE_CHECKING:
    from jinja2 import Template


def report_html(view: View) -> bytes:
    """Return the file, in UTF-8."""
    template, style, digest = _parts()
    text = template.render(view=view, style=style, style_hash=digest)
    return text.encode("utf-8", errors="replace")


@cache
def _parts() -> tuple["Template", str, str]:
    """Return the template, the style sheet, and the style sheet's SHA-256 in base64."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 see above

    folder = resources.files("shared.page")
    style = (folder / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    source = (folder / "report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source), style, digest
