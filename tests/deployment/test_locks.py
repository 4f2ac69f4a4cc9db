"""The locked requirements match their sources, and each file has a hash.

Compares texts without network. What a requirement itself requires is compared in
`test_package.py`, with what is installed.
"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
AGAIN = "make lock"
LOCKED = re.compile(r"^([\w.-]+)==(\S+)((?: ; [^\\]+)?) \\\n((?:    --hash=.+\n)+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return a requirements file's pinned versions by canonical name; checks a lock's hashes."""
    text = (ROOT / name).read_text()
    if name.endswith(".in"):
        found = re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
        return {canonicalize_name(one): version for one, version in found}
    rows = LOCKED.findall(text)
    assert len(rows) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)), f"a hash: {AGAIN}"
    return {canonicalize_name(one): version for one, version, _, _ in rows}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_a_lock_has_what_it_is_made_from(name: str) -> None:
    """Each version in the .in file equals the locked version, which has a hash."""
    asked, locked = pins(f"{name}.in"), pins(f"{name}.txt")
    assert asked
    assert {one: locked.get(one) for one in asked} == asked, AGAIN


def test_what_is_tested_is_what_is_deployed() -> None:
    """Tests run with the same versions that are deployed."""
    deployed, tested = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: tested.get(name) for name in deployed} == deployed, AGAIN


def test_the_wheel_accepts_what_is_tested() -> None:
    """Each requirement of the wheel, including its extras, accepts the locked version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    tested = pins("requirements-dev.txt")
    for text in (*project["dependencies"], *(one for extra in extras for one in extra)):
        wanted = Requirement(text)
        assert wanted.specifier.contains(tested[canonicalize_name(wanted.name)]), text


def test_the_wheel_is_built_by_what_is_tested() -> None:
    """The pinned build backend is the locked version."""
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert backend == f"hatchling=={pins('requirements-dev.in')['hatchling']}"
