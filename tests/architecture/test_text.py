"""The repository speaks about Kedge, not about the machine it was written on."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.repository import ROOT, files

# Hosts that the text may name: standards, papers, and addresses that reach nobody.
HOSTS = {
    "127.0.0.1",
    "avro.apache.org",
    "doi.org",
    "json-schema.org",
    "keepachangelog.com",
    "localhost",
    "maven.apache.org",
    "semver.org",
    "www.apache.org",
    "www.w3.org",
}
# Names that only exist inside a Compose network or an example.
EXAMPLES = re.compile(
    r"(?:alertmanager|kafka|prometheus|worker|registry|webhook|[\w.-]+\.(?:example|test|invalid)|(?:[\w-]+\.)*example\.(?:com|org))"
)

_HOST = re.compile(r"https?://(?P<host>[\w.-]+)")
_MACHINE = re.compile(r"(?<![\w.])/(?:root|home|work)/\w+")


def _texts() -> list[tuple[str, str]]:
    found = []
    for path in files():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text()))
        except UnicodeDecodeError:
            continue  # golden bytes and pictures
    return found


def test_every_host_that_is_named_is_meant_to_be() -> None:
    strange = [
        (name, host)
        for name, text in _texts()
        for host in _HOST.findall(text)
        if host not in HOSTS and not EXAMPLES.fullmatch(host)
    ]
    assert strange == []


def test_no_path_of_a_machine_is_named() -> None:
    assert [(name, found) for name, text in _texts() for found in _MACHINE.findall(text)] == []


@pytest.mark.parametrize("lock", sorted(path.name for path in (ROOT / "locks").glob("*.lock")))
def test_a_lock_names_packages_and_hashes_and_no_place_to_get_them_from(lock: str) -> None:
    lines = [line.strip() for line in (ROOT / "locks" / lock).read_text().splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    package = re.compile(r"[a-z0-9._-]+==\S+( ; .+)? \\|--hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in said if not package.fullmatch(line)] == []


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / "locks" / f"{name}.lock").read_text()
    return dict(re.findall(r"^(\S+)==(\S+)", text, re.MULTILINE))


def test_the_smaller_locks_are_parts_of_the_largest() -> None:
    names = ("base", "actuator", "service", "demo", "dev")
    base, actuator, service, demo, dev = (_pins(name).items() for name in names)
    assert base < actuator < service < demo < dev


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {"base": project["dependencies"], **project["optional-dependencies"]}
    unmet = [
        (lock, str(wanted))
        for lock, requirements in asked.items()
        for wanted in map(Requirement, requirements)
        if wanted.name != "kedge"
        and not wanted.specifier.contains(_pins(lock).get(canonicalize_name(wanted.name), "0.0.0.dev0"))
    ]
    assert unmet == [], "run `make lock`"
