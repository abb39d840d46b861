"""A Docker engine of our own, which leaves nothing behind: images, mounts, bridges and firewall rules go with it."""

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.stack.tools import tool, tried
from tests.support.processes import spawn, tail, terminate
from tests.support.waiting import wait_for

__all__ = ["Engine"]

_EMPTY: Final = {
    "filter": "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n",
    "nat": "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n",
}
"""The tables that an engine writes to, before anybody has: `iptables-save` leaves such ones out."""
_FORWARD: Final = Path("/proc/sys/net/ipv4/ip_forward")
_STOP_S: Final = 60.0


class Engine:
    """Runs inside the block; `docker` then speaks to it.

    It has no bridge of its own (`docker0`): Compose makes a network, and images are built on the host's.
    """

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="kedge-stack-"))  # short: a socket's path has 107 characters at most
        saved = tool("iptables-save")
        self._rules = saved + "".join(empty for name, empty in _EMPTY.items() if f"*{name}\n" not in saved)
        self._forwards = _FORWARD.read_text()
        socket, log = f"unix://{self.folder}/socket", self.folder / "dockerd.log"
        places = [f"--{what}={self.folder}/{what}" for what in ("data-root", "exec-root", "pidfile")]
        self._process = spawn(["dockerd", "--bridge=none", *places, f"--host={socket}"], log=log)
        os.environ |= {"DOCKER_HOST": socket, "DOCKER_BUILDKIT": "0"}  # Debian's engine comes without buildx
        try:
            wait_for(lambda: self._answers(log), f"the Docker engine (its log: {log})")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _answers(self, log: Path) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the Docker engine ended while starting:\n{tail(log)}")
        return tried("docker", "version").returncode == 0

    def _end(self) -> None:
        if listed := tried("docker", "ps", "-aq").stdout.split():
            tried("docker", "rm", "-fv", *listed)
        tried("docker", "network", "prune", "-f")
        terminate(self._process, timeout_s=_STOP_S)
        for mount in self._mounts():
            tried("umount", mount)
        tried("iptables-restore", given=self._rules)
        _FORWARD.write_text(self._forwards)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mounts(self) -> list[str]:
        """What the engine left mounted below its folder, the innermost first."""
        lines = Path("/proc/self/mounts").read_text().splitlines()
        places = [line.split(" ")[1] for line in lines]
        return sorted((place for place in places if place.startswith(f"{self.folder}/")), reverse=True)
