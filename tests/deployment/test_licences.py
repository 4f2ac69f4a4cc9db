"""NOTICE and the bill of materials have what the package contains, and its licences."""

import importlib.metadata
import json
import os
import re
from email.message import Message
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from infra import sbom
from infra.licences import LicenceError, licence, notice, shipped
from infra.package import ROOT, Package, build, requirements
from shared.model.version import VERSION

KEPT = ROOT / ".package"
AGPL = "AGPL-3.0-or-later"


@pytest.fixture(scope="module")
def site() -> Path:
    """Install what is shipped with our own code."""
    return requirements(ROOT / "requirements.txt", KEPT)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Build the package of this checkout."""
    return build(ROOT, tmp_path_factory.mktemp("package"), KEPT)


@pytest.fixture(scope="module")
def bom(package: Package) -> dict[str, list[dict[str, object]]]:
    """Give the package's bill of materials."""
    read: dict[str, list[dict[str, object]]] = json.loads(sbom.bill(package))
    return read


def test_notice_is_what_make_notice_writes(site: Path) -> None:
    """NOTICE lists each distribution that is shipped, with its version and licence."""
    assert (ROOT / "NOTICE").read_text() == notice(shipped(site))


def test_each_licence_text_is_shipped(site: Path) -> None:
    """Every distribution in the package has its licence text in its own metadata folder."""
    for one in importlib.metadata.distributions(path=[str(site)]):
        texts = [file for file in one.files or () if re.search("LICEN[CS]E", file.name)]
        assert [file for file in texts if Path(file.locate()).exists()], one.name


def test_the_agpl_parts_are_named_where_a_reader_looks(site: Path) -> None:
    """README and decision 5 name each distribution under the AGPL."""
    parts = [row.name.removeprefix("dissect.") for row in shipped(site) if row.licence == AGPL]
    assert len(parts) > 3
    decision = next((ROOT / "docs" / "decisions").glob("0005-*.md"))
    for page in (ROOT / "README.md", decision):
        assert AGPL in page.read_text()
        assert [name for name in parts if f"`{name}`" not in page.read_text()] == []


def test_the_agpl_parts_are_source_code(site: Path) -> None:
    """They contain only Python, so the package has their complete source, as NOTICE says."""
    for one in importlib.metadata.distributions(path=[str(site)]):
        if licence(one) == AGPL:
            code = {file.suffix for file in one.files or () if file.parts[0] == "dissect"}
            assert code <= {".py", ".pyc", ".pyi", ".typed", ""}, one.name


def test_a_licence_that_nobody_has_read_ends_it() -> None:
    """A distribution without a known licence is an error that names the distribution."""
    unknown = Message()
    unknown["Name"], unknown["Version"], unknown["License"] = "newcomer", "1.0", "ask me"

    class Newcomer(importlib.metadata.Distribution):
        metadata = unknown  # type: ignore[assignment]

        def read_text(self, filename: str) -> str | None:
            raise NotImplementedError(filename)

        def locate_file(self, path: str | os.PathLike[str]) -> Path:
            raise NotImplementedError(path)

    with pytest.raises(LicenceError, match=r"newcomer 1\.0"):
        licence(Newcomer())


def test_the_bill_of_materials_has_all_that_is_shipped(
    bom: dict[str, list[dict[str, object]]], site: Path
) -> None:
    """Each distribution is a component with version, licence and package URL; there is no other."""
    purls = {one["purl"] for one in bom["components"]}
    expected = {f"pkg:pypi/{canonicalize_name(row.name)}@{row.version}" for row in shipped(site)}
    assert purls == expected
    assert all(one["licenses"] for one in bom["components"])


def test_the_bill_of_materials_says_what_needs_what(
    bom: dict[str, list[dict[str, object]]],
) -> None:
    """The app depends on what it imports, and through that on everything else."""
    needs = {str(one["ref"]): one.get("dependsOn", []) for one in bom["dependencies"]}
    reached, ahead = set[str](), [f"stillframe@{VERSION}"]
    while ahead:
        at = ahead.pop()
        more = needs[at]
        assert isinstance(more, list)
        ahead += [one for one in more if one not in reached]
        reached.update(more)
    assert reached == {one["bom-ref"] for one in bom["components"]}


def test_the_same_package_has_the_same_bill_of_materials(package: Package) -> None:
    """It contains no time and nothing random."""
    assert sbom.bill(package) == sbom.bill(package)
