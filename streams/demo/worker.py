"""The worker: a child process that runs `kedge worker` and is started again whenever it ends, as systemd would."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from kedge.streams.settings import KafkaSettings
from kedge.streams.variables.table import (
    BROKERS,
    CHECKPOINT_SECONDS,
    EMBEDDED,
    ENVIRONMENT,
    HTTP_PORT,
    SESSION_TIMEOUT_SECONDS,
)

__all__ = ["COMMAND", "Worker", "WorkerError", "variables_of"]

COMMAND: Final = (sys.executable, "-m", "kedge.streams.demo.child")

_STARTS_MAX: Final = 5
_STALLED_S: Final = 25.0
"""A worker that reports nothing for so long, though there is something to report, is started again: the built-in
cluster now and then answers a join of the group with an error that leaves the worker waiting."""
_STOP_S: Final = 10.0
_TAIL_LINES: Final = 15
_ADDRESS: Final = re.compile(r"health and metrics on (http://[\d.]+:\d+)")


class WorkerError(Exception):
    """The worker does not stay up; the message ends with what it logged last."""


class Worker:
    """One worker at a time. `clock`: seconds, monotonic."""

    def __init__(
        self,
        variables: Mapping[str, str],
        log: Path,
        *,
        command: Sequence[str] = COMMAND,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = _STOP_S,
    ) -> None:
        """Start nothing yet. What it says is appended to `log`; it has `patience_s` to stop.

        `variables`: its environment, see `variables_of`.
        """
        self._variables = variables
        self._log, self._command, self._clock, self._patience_s = log, command, clock, patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._moved_s = 0.0
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it.

        Raises:
            WorkerError: it has been started too often.
        """
        if self.starts == _STARTS_MAX:
            raise WorkerError(f"the worker has ended {self.starts} times; it logged last:\n{self.tail()}")
        self.starts += 1
        self._moved_s = self._clock()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                self._command,
                env=self._variables,
                stdin=subprocess.PIPE,  # held open: the child ends when it is closed
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is ours to handle, and reaches the child as SIGTERM
            )

    def moved(self) -> None:
        """It has shown that it counts."""
        self._moved_s = self._clock()

    def watch(self) -> bool:
        """Start it again if it has ended or stands still, and return whether; call it often.

        Raises:
            WorkerError: as `start`.
        """
        process = self._process
        if process is None:
            return False
        if process.poll() is None and self._clock() - self._moved_s > _STALLED_S:
            process.kill()
            process.wait()
        if process.poll() is None:
            return False
        self._close(process)
        self.start()
        return True

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not do."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(self._patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._close(process)

    def address(self) -> str:
        """Return where it serves its pages; empty: it has not said so yet, which it does once in each start."""
        said = _ADDRESS.findall(self._log.read_text(errors="replace"))
        return str(said[-1]) if len(said) == self.starts else ""

    @staticmethod
    def _close(process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()

    def tail(self) -> str:
        """Return what it logged last."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


def variables_of(kafka: KafkaSettings, trust: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment: what the caller has set for a cluster of his own must not reach the demo's worker.

    `trust`: the variables that say who signs, and whose signature counts.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("KEDGE_")}
    return {
        **own,
        **trust,
        BROKERS.name: kafka.brokers,
        ENVIRONMENT.name: kafka.environment,
        EMBEDDED.name: "true",
        HTTP_PORT.name: "0",
        CHECKPOINT_SECONDS.name: "0.2",
        SESSION_TIMEOUT_SECONDS.name: "6",
    }
