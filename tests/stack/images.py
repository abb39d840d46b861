"""Stand-ins for upstream's images: the same software, from Debian and Maven."""

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.stack.tools import CACHE, tool
from tests.support.kafka import kafka_jars
from tests.support.repository import ROOT

__all__ = ["build_stand_ins"]

_DOCKERFILES: Final = Path(__file__).with_name("images")
_SUITE: Final = "bookworm"
_PYTHON: Final = ("python3", "python3-venv", "python3-pip", "ca-certificates")
_UPSTREAM: Final = (
    *("python3", "openjdk-17-jre-headless", "prometheus", "prometheus-alertmanager"),
    *("curl", "wget", "netcat-openbsd"),  # what the healthchecks ask with
)
_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_STOOD_IN_FOR: Final = ("kafka", "registry", "prometheus", "alertmanager")


def build_stand_ins(services: dict[str, Any]) -> None:
    """Build what stands in for upstream's images, under the names that the services and our Dockerfile have."""
    context = _context("python")
    shutil.copy(_CERTIFICATES, context)
    _import_base("python", _PYTHON)
    _build(_python_image(), context / "python.Dockerfile", context)
    _import_base("upstream", _UPSTREAM)
    for name in _STOOD_IN_FOR:
        image, context = services[name]["image"], _context(name)
        if name == "kafka":
            shutil.copytree(kafka_jars(), context / "jars", copy_function=os.link)
        if name == "registry":
            _unpack_registry(image.rpartition(":")[2], context / "registry")
        _build(image, context / f"{name}.Dockerfile", context)


def _python_image() -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def _build(image: str, dockerfile: Path, context: Path) -> None:
    log = CACHE / f"{dockerfile.parent.name}-{dockerfile.name}.log"
    tool("docker", "build", "--network=host", "--file", dockerfile, "--tag", image, context, log=log)


def _context(name: str) -> Path:
    """Return a new folder with what an image is built from."""
    folder = CACHE / "contexts" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in _files(name):
        shutil.copy(file, folder)
    return folder


def _files(name: str) -> Iterator[Path]:
    return _DOCKERFILES.glob(f"{name}.*")


def _import_base(name: str, packages: tuple[str, ...]) -> None:
    """Make a small Debian with these packages, once, and give it to the engine."""
    archive = CACHE / f"{name}.tar"
    if not archive.is_file():
        draft = CACHE / f"{name}.new.tar"
        tool("mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", _SUITE, draft)
        draft.rename(archive)
    tool("docker", "import", archive, f"kedge-stack/{name}-base:1")


def _unpack_registry(version: str, target: Path) -> None:
    artifact = f"io.apicurio:apicurio-registry-app:{version}:tar.gz:all"
    fetched = CACHE / f"apicurio-registry-app-{version}-all.tar.gz"
    if not fetched.is_file():
        tool("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={CACHE}")
    with tarfile.open(fetched) as archive:
        archive.extractall(target, filter="data")
    next(target.glob("*-runner.jar")).rename(target / "runner.jar")
