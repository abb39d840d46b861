"""The programs that tests run beside Kafka: Prometheus, Alertmanager and their tools, and Chromium.

What is on the path is used. What is not is fetched once from Debian's packages: the first four are unpacked below
`.cache`, because they need no installing and installing would start services; Chromium is installed, where we may.
A program that is not to be had is an error that says what to install, never a skipped test.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.support.kafka import ROOT, MissingToolError

_UNPACKED: Final = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
_INSTALLED: Final = {"chromium": ("chromium", "fonts-dejavu-core")}
_CACHE: Final = ROOT / ".cache"


def part(name: str) -> Path:
    """Return where a program is, fetching it first if it is not there.

    Raises:
        MissingToolError: it could not be fetched; the message says what to install.
    """
    if (found := _found(name)) is not None:
        return found
    told = ""
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "parts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs in one clone: the second waits and finds it done
        if (found := _found(name)) is None:
            told = _unpack(_UNPACKED[name]) if name in _UNPACKED else install(_INSTALLED[name])
            found = _found(name)
    if found is None:
        packages = _UNPACKED[name] if name in _UNPACKED else " ".join(_INSTALLED[name])
        raise MissingToolError(f"{name} is not on the path: install it (Debian: apt-get install {packages}).\n{told}")
    return found


def _found(name: str) -> Path | None:
    if name in _UNPACKED and (unpacked := _CACHE / _UNPACKED[name] / "usr/bin" / name).is_file():
        return unpacked
    path = shutil.which(name)
    return None if path is None else Path(path)


def _unpack(package: str) -> str:
    """Unpack a package below the cache, where it appears whole or not at all; returns what was said of a failure."""
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        # Debian's `_apt` user, which downloads, may not write into a folder of root's alone.
        told = _run(["apt-get", "-o", "APT::Sandbox::User=root", "download", package], cwd=Path(scratch))
        fetched = next(Path(scratch).glob("*.deb"), None)
        if fetched is not None:
            told = _run(["dpkg-deb", "-x", str(fetched), "files"], cwd=Path(scratch))
            Path(scratch, "files").rename(_CACHE / package)
    return told


def install(packages: tuple[str, ...]) -> str:
    """Install packages of Debian's, where we may; returns what was said of a failure."""
    if os.geteuid() != 0:
        return "Only root can install packages."
    return _run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "--yes", "--no-install-recommends", *packages],
        cwd=_CACHE,
    )


def _run(command: list[str], cwd: Path) -> str:
    """Run a command of apt's, once more after reading the lists, which a fresh machine lacks; returns its complaint."""
    if shutil.which(command[0]) is None:
        return f"There is no {command[0]} here."
    failed = _attempt(command, cwd)
    if failed and not _attempt(["apt-get", "update"], cwd):
        failed = _attempt(command, cwd)
    return failed


def _attempt(command: list[str], cwd: Path) -> str:
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=900)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]


if __name__ == "__main__":
    for wanted in (*_UNPACKED, *_INSTALLED):
        part(wanted)
