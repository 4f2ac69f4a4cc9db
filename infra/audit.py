"""`make audit`: compare checkov's findings in the template with `lint/checkov.toml`.

checkov reads neither Bicep nor a template with symbolic names: it finds nothing there, and exits
with 0. So it is run on what is deployed, from the snapshots. A finding without an answer, or an
answer without a finding, makes this exit with 1. checkov has a separate environment, because
its requirements conflict with ours.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parent
SNAPSHOTS = INFRA / "snapshots"
ANSWERS = INFRA / "lint" / "checkov.toml"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

OPTIONS = ("--framework", "arm", "--skip-download", "--quiet", "--compact", "--output", "json")

type Finding = tuple[str, str]
"""A check's id, and the type of resource that it is about."""


def flat(snapshot: Path) -> dict[str, Any]:
    """Return what a snapshot deploys as a template that checkov understands."""
    resources = json.loads(snapshot.read_text())["predictedResources"]
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}


def findings(checkov: str) -> dict[Finding, str]:
    """Return what checkov finds in all snapshots, with its explanation; it sends no request."""
    with tempfile.TemporaryDirectory() as folder:
        for at, path in enumerate(sorted(SNAPSHOTS.rglob("*.snapshot.json"))):
            (Path(folder) / f"{at}.json").write_text(json.dumps(flat(path)))
        ran = subprocess.run(  # noqa: S603 the command is our own
            [checkov, "--directory", folder, *OPTIONS],
            capture_output=True,
            text=True,
            check=False,
        )
    report = json.loads(ran.stdout)
    if not report["summary"]["passed"]:
        sys.exit("audit: checkov checked nothing")
    failed = report["results"]["failed_checks"]
    return {(check["check_id"], _type(check["resource"])): check["check_name"] for check in failed}


def _type(resource: str) -> str:
    """Return the type from checkov's `<type>.<name>`: a type has one dot, before its slash."""
    namespace, _, rest = resource.partition("/")
    return f"{namespace}/{rest.partition('.')[0]}"


def answers() -> dict[Finding, str]:
    """Return the answers."""
    table = tomllib.loads(ANSWERS.read_text())
    return {(check, kind): why for kind, checks in table.items() for check, why in checks.items()}


def main() -> int:
    """Compare; return the exit status."""
    found, answered = findings(sys.argv[1]), answers()
    for check, kind in sorted(found.keys() - answered.keys()):
        print(f"audit: {check} of {kind} has no answer: {found[check, kind]}")
    for check, kind in sorted(answered.keys() - found.keys()):
        print(f"audit: {check} of {kind} has an answer, but is no longer found")
    print(f"audit: {len(found)} findings, {len(answered)} answers")
    return int(found.keys() != answered.keys())


if __name__ == "__main__":
    sys.exit(main())
