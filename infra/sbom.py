"""`make sbom`: the bill of materials of the deployed package -> `.package/sbom.cdx.json`.

Takes what `make package` built: the zip and the distributions installed in it. Gives CycloneDX 1.6
as JSON: each distribution with its version, licence, package URL and dependencies. It has no
timestamp, and its serial number comes from the zip's digest, so one zip has one bill of materials.
"""

import hashlib
import importlib.metadata
import json
import re
import sys
import uuid
from collections.abc import Iterator

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from infra.licences import LicenceError, licence
from infra.package import OUT, ROOT, SITE, Package
from shared.model.version import VERSION

SBOM = "sbom.cdx.json"
OUR_LICENCE = "Apache-2.0"
NAMESPACE = uuid.UUID("6f0b5c1e-6a6e-4f43-9d0b-6f6d3f3c9b61")
"""Serial numbers are UUIDs in this namespace, made from the digest of the zip."""


def bill(package: Package) -> str:
    """Return the bill of materials of a built package."""
    digest = hashlib.sha256(package.zip.read_bytes()).hexdigest()
    app = Component(
        name="stillframe",
        version=VERSION,
        type=ComponentType.APPLICATION,
        bom_ref=f"stillframe@{VERSION}",
        licenses=[LicenseFactory().make_from_string(OUR_LICENCE)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
    bom = Bom(serial_number=uuid.uuid5(NAMESPACE, digest))
    bom.metadata.component = app
    found = list(importlib.metadata.distributions(path=[str(package.folder / SITE)]))
    components = {canonicalize_name(each.name): _component(each) for each in found}
    bom.components.update(components.values())
    for each in found:
        needs = [components[name] for name in _needs(each)]
        bom.register_dependency(components[canonicalize_name(each.name)], needs)
    bom.register_dependency(app, [components[name] for name in _direct()])
    body = json.loads(JsonV1Dot6(bom).output_as_string())
    del body["metadata"]["timestamp"]
    return json.dumps(body, indent=2) + "\n"


def _component(distribution: importlib.metadata.Distribution) -> Component:
    name, version = canonicalize_name(distribution.name), distribution.version
    url = PackageURL(type="pypi", name=name, version=version)
    return Component(
        name=distribution.name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=url.to_string(),
        purl=url,
        description=distribution.metadata.get("Summary"),
        licenses=[LicenseFactory().make_from_string(licence(distribution))],
    )


def _needs(distribution: importlib.metadata.Distribution) -> Iterator[NormalizedName]:
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def _direct() -> Iterator[NormalizedName]:
    """Yield what `requirements.in` names: what our code imports."""
    for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.in").read_text(), re.MULTILINE):
        yield canonicalize_name(name)


def main() -> int:
    """Write the bill of materials of the package in `.package`; return the exit status."""
    package = Package(OUT / "app", OUT / "app.zip")
    if not package.zip.exists():
        print("sbom: there is no package yet: run make package", file=sys.stderr)
        return 1
    try:
        text = bill(package)
    except LicenceError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    (OUT / SBOM).write_text(text)
    print((OUT / SBOM).relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
