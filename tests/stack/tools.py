"""What the stack test needs on the machine: installed where that can be done, else named in one line."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.support.kafka import ROOT, MissingToolError
from tests.support.parts import install

__all__ = ["CACHE", "ready", "tool", "tried"]

CACHE: Final = ROOT / ".cache" / "stack"
"""What is the same in every run: bases of images, the plugin."""

_PACKAGES: Final = {"dockerd": "docker.io", "docker": "docker.io", "iptables": "iptables", "mmdebstrap": "mmdebstrap"}
_COMPOSE: Final = "github.com/docker/compose/v2/cmd"
_COMPOSE_VERSION: Final = "v2.40.3"


def ready() -> None:
    """Install what is missing, and tell the Docker client where its Compose plugin is.

    Raises:
        MissingToolError: something is missing that cannot be installed from here; one line says all of it.
    """
    if os.geteuid() != 0:
        raise MissingToolError("the stack test starts a Docker engine, which needs root")
    if lacking := sorted({package for name, package in _PACKAGES.items() if shutil.which(name) is None}):
        install(tuple(lacking))
    missing = [package for name, package in _PACKAGES.items() if shutil.which(name) is None]
    if shutil.which("mvn") is None:
        missing.append("Maven (Debian: apt-get install maven)")
    if not _has_compose() and shutil.which("go") is None:
        missing.append("Docker's Compose plugin, or Go 1.24 to build it with")
    if missing:
        raise MissingToolError(f"the stack test needs {', '.join(dict.fromkeys(missing))}")
    if not _has_compose():
        _build_compose()


def tool(*command: str | os.PathLike[str], cwd: Path | None = None, log: Path | None = None) -> str:
    """Run a command and return what it printed; `log` keeps all that it said.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=1_800)
    if log is not None:
        log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-2_000:]
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{said}")
    return done.stdout


def tried(*command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that may fail; `given` is what it reads."""
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=600)


def _has_compose() -> bool:
    return shutil.which("docker") is not None and tried("docker", "compose", "version").returncode == 0


def _build_compose() -> None:
    """Build the plugin, once; the Docker client finds it in the folder that DOCKER_CONFIG names."""
    config = CACHE / "docker"
    plugin = config / "cli-plugins" / "docker-compose"
    os.environ["DOCKER_CONFIG"] = str(config)
    if plugin.is_file():
        return
    source = CACHE / "compose"
    source.mkdir(parents=True, exist_ok=True)
    (source / "go.mod").write_text("module stack\n")
    (source / "tools.go").write_text(f'//go:build tools\n\npackage tools\n\nimport _ "{_COMPOSE}"\n')
    tool("go", "get", f"{_COMPOSE}@{_COMPOSE_VERSION}", cwd=source)
    tool("go", "build", "-o", source / "docker-compose", _COMPOSE, cwd=source)
    plugin.parent.mkdir(parents=True, exist_ok=True)
    (source / "docker-compose").rename(plugin)
