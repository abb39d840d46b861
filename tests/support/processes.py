"""Child processes that cannot outlive the tests, however these end."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The kernel sends the parent-death signal when the *thread* that started the child ends, so every child is
# started by this one thread, which lives as long as the interpreter does.
_LAUNCHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` with its output appended to `log`; `env` is added to this process's environment.

    The child is killed by the kernel when the test process is gone, even after a SIGKILL (`setpriv` becomes
    the program by exec, so `.pid` is the program's own).

    Raises:
        FileNotFoundError: the program, or util-linux's `setpriv`, is not there.
    """
    tie = shutil.which("setpriv")
    if tie is None:
        message = "setpriv (util-linux) is missing: without it a killed test run would leave processes behind"
        raise FileNotFoundError(message)
    program = shutil.which(argv[0])
    if program is None:
        message = f"{os.fspath(argv[0])} is not on the path"
        raise FileNotFoundError(message)
    # A shell that starts the tests in the background has them, and their children, ignore Ctrl-C.
    heed = ["env", "--default-signal=INT"]
    command = [tie, "--pdeathsig", "KILL", "--", *heed, program, *(os.fspath(part) for part in argv[1:])]

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    return _LAUNCHER.submit(start).result()


def terminate(process: subprocess.Popen[bytes], *, timeout_s: float = 20.0) -> int:
    """SIGTERM (SIGCONT first, or a stopped process would never see it), then SIGKILL after `timeout_s`."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def tail(log: Path, *, lines: int = 30) -> str:
    """The last lines of a log, for an error message; empty when there is none yet."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
