"""What deploy/ promises is what the code and the tests know."""

import copy
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.kafka import kafka_version
from tests.support.repository import ROOT, files

FILE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
COMPOSE: Final[dict[str, Any]] = FILE["services"]
VERSION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
OURS: Final = f"kedge:{VERSION}"
CONDITIONS: Final = {"service_healthy", "service_completed_successfully"}
DOCKERFILES: Final = [path for path in files("deploy", "tests/stack") if path.name.endswith("Dockerfile")]

_VARIABLE = re.compile(r"\bKEDGE_[A-Z_]+\b")
_PINNED = re.compile(r"[a-z0-9/.-]+:v?\d+\.\d+\.\d+[\w.-]*")


def test_compose_runs_the_kafka_that_the_tests_run() -> None:
    assert COMPOSE["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_compose_builds_the_version_that_this_is() -> None:
    [built] = [service["build"] for service in COMPOSE.values() if "build" in service]
    assert built["args"] == {"VERSION": VERSION}
    assert OURS in {service["image"] for service in COMPOSE.values()}


def test_every_variable_that_is_set_is_one_that_the_code_reads() -> None:
    read = {name for path in files("streams", suffix=".py") for name in _VARIABLE.findall(path.read_text())}
    deployed = [ROOT / "docker-compose.yml", *files("deploy")]
    assert {name for path in deployed for name in _VARIABLE.findall(path.read_text())} <= read


def test_prometheus_scrapes_the_port_that_the_workers_serve() -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    port = re.search(r"KEDGE_HTTP_PORT=(\d+)", (ROOT / "deploy/Dockerfile").read_text())
    assert port is not None
    workers = [name for name in COMPOSE if name.startswith("worker-")]
    assert [f"{name}:{port[1]}" for name in workers] in [job["static_configs"][0]["targets"] for job in scraped]


# --- what every service keeps to -------------------------------------------------------------------------------------


def faults(compose: dict[str, Any]) -> Iterator[str]:
    """Whatever is wrong with a Compose file, in words."""
    for name, service in compose["services"].items():
        for right, what in _rules(service, compose):
            if not right:
                yield f"{name}: {what}"


def _rules(service: dict[str, Any], compose: dict[str, Any]) -> Iterator[tuple[bool, str]]:
    yield _PINNED.fullmatch(service["image"]) is not None, "an image is pinned to one version"
    yield "healthcheck" in service or _from_image(service), "it says when it is well"
    yield "mem_limit" in service, "its memory is limited"
    yield service.get("cap_drop") == ["ALL"], "it has no capabilities"
    yield "no-new-privileges:true" in service.get("security_opt", ()), "it cannot gain any"
    yield "privileged" not in service and service.get("user") not in ("root", "0", 0), "it is nobody's root"
    yield service["image"] != OURS or service.get("read_only") is True, "our image writes to volumes alone"
    yield all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "it is published here alone"
    yield all(_sound(other, said, compose) for other, said in _waits(service)), "it waits for what is well"
    yield all(_known(mount, compose) for mount in service.get("volumes", ())), "what it mounts is there"
    yield not any("PRIVATE KEY" in str(value) for value in _variables(service)), "a secret comes by file"


def _from_image(service: dict[str, Any]) -> bool:
    return service["image"] == OURS and "entrypoint" not in service  # the Dockerfile's own, which asks a worker


def _waits(service: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(dict(service.get("depends_on", {})).items())


def _sound(other: str, said: dict[str, str], compose: dict[str, Any]) -> bool:
    without_check = compose["services"][other].get("healthcheck") == {"disable": True}
    return said["condition"] in CONDITIONS or (without_check and said["condition"] == "service_started")


def _known(mount: str, compose: dict[str, Any]) -> bool:
    source = mount.split(":", 1)[0]
    return (
        (ROOT / source).is_dir() and mount.endswith(":ro") if source.startswith("./") else source in compose["volumes"]
    )


def _variables(service: dict[str, Any]) -> list[Any]:
    return list(service.get("environment", {}).values())


def test_every_service_of_the_compose_file_keeps_to_the_rules() -> None:
    assert list(faults(FILE)) == []


def _latest(service: dict[str, Any]) -> None:
    service["image"] = "apache/kafka:latest"


def _started(service: dict[str, Any]) -> None:
    service["depends_on"] = {"kafka": {"condition": "service_started"}}


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda service: service.pop(key)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("kafka", _latest),
        ("kafka", _without("healthcheck")),
        ("registry", _without("mem_limit")),
        ("worker-1", _without("read_only")),
        ("worker-2", _without("cap_drop")),
        ("router", _without("security_opt")),
        ("kedge-init", _started),
        ("serving", lambda service: service.update(user="root")),
        ("prometheus", lambda service: service.update(ports=["9090:9090"])),
        ("alertmanager", lambda service: service.update(volumes=["nowhere:/etc"])),
    ],
)
def test_a_service_that_breaks_a_rule_is_found(name: str, spoil: Callable[[dict[str, Any]], object]) -> None:
    compose = copy.deepcopy(FILE)
    spoil(compose["services"][name])
    assert [fault.split(":")[0] for fault in faults(compose)] == [name]


def test_a_private_key_is_mounted_where_it_signs_and_nowhere_else() -> None:
    private = {
        name: {mount.split(":", 1)[0] for mount in service.get("volumes", ())} & {"guard", "operator"}
        for name, service in COMPOSE.items()
    }
    assert {name: keys for name, keys in private.items() if keys} == {
        "kedge-init": {"guard", "operator"},
        "worker-1": {"guard"},
        "worker-2": {"guard"},
    }


def test_what_signs_and_obeys_trusts_keys_alone() -> None:
    trust = {name: service.get("environment", {}).get("KEDGE_TRUST") for name, service in COMPOSE.items()}
    trusting = ("kedge-init", "worker-1", "worker-2", "router")
    assert {name: said for name, said in trust.items() if said} == dict.fromkeys(trusting, "keys")


def test_each_worker_is_a_member_of_its_own() -> None:
    named = {
        name: service["environment"].get("KEDGE_WORKER_ID")
        for name, service in COMPOSE.items()
        if "KEDGE_SIGNING_KEY_FILE" in service.get("environment", {}) and "entrypoint" not in service
    }
    assert named == {"worker-1": "worker-1", "worker-2": "worker-2"}


# --- images ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_finds_nothing_in_a_dockerfile(dockerfile: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", dockerfile], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_our_image_runs_a_worker_as_somebody_without_rights() -> None:
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    assert lines[-2:] == ['ENTRYPOINT ["kedge"]', 'CMD ["worker"]']
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)


def test_the_folders_that_our_volumes_are_mounted_at_are_made_in_the_image() -> None:
    made = re.findall(r"\s(/(?:etc|var|srv)/[\w/]+)", (ROOT / "deploy/Dockerfile").read_text())
    mounted = {
        mount.split(":")[1]
        for service in COMPOSE.values()
        for mount in service.get("volumes", ())
        if service["image"] == OURS and not mount.startswith("./")
    }
    assert mounted == set(made)
