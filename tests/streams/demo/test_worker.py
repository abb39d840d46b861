"""The worker's process: started again when it ends, and never left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kedge.streams.demo.worker import Worker, WorkerError, variables_of
from kedge.streams.settings import KafkaSettings
from tests.support.processes import spawn
from tests.support.waiting import wait_for

VARIABLES = variables_of(KafkaSettings(brokers="127.0.0.1:1", environment="test"), {"KEDGE_TRUST": "development"})
ENDS = (sys.executable, "-c", "import sys; sys.exit('the end of it')")
STAYS = (sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_worker_that_ends_is_started_again_and_in_the_end_given_up(tmp_path: Path) -> None:
    worker = Worker(VARIABLES, tmp_path / "log", command=ENDS)
    worker.start()

    def given_up() -> str:
        try:
            worker.watch()
        except WorkerError as error:
            return str(error)
        return ""

    said = wait_for(given_up, "the worker to be given up")
    assert worker.starts == 5
    assert said.startswith("the worker has ended 5 times")
    assert said.endswith("the end of it")


def test_a_worker_that_stands_still_is_started_again(tmp_path: Path) -> None:
    clock = Clock()
    worker = Worker(VARIABLES, tmp_path / "log", command=STAYS, clock=clock)
    worker.start()
    clock.now_s = 20.0
    worker.moved()
    clock.now_s = 40.0
    assert not worker.watch()
    assert worker.starts == 1
    clock.now_s = 50.0
    assert worker.watch()
    assert worker.starts == 2
    worker.stop()
    assert not worker.watch()
    assert worker.starts == 2


def test_a_worker_is_stopped_though_it_does_not_listen(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    log = tmp_path / "log"
    worker = Worker(VARIABLES, log, command=(sys.executable, "-c", deaf), patience_s=0.2)
    worker.start()
    wait_for(lambda: "up" in log.read_text(), "the worker to be up")
    worker.stop()
    worker.stop()


def test_a_worker_says_where_its_pages_are_and_a_new_one_elsewhere(tmp_path: Path) -> None:
    says = (
        "import json, os; url = f'http://127.0.0.1:{os.getpid()}'\n"
        "print(json.dumps({'message': f'health and metrics on {url}', 'url': url}), flush=True)"
    )
    worker = Worker(VARIABLES, tmp_path / "log", command=(sys.executable, "-c", says))
    worker.start()
    first = wait_for(worker.address, "its address")
    assert first == f"http://127.0.0.1:{worker.pid}"
    wait_for(worker.watch, "the next one")
    assert wait_for(worker.address, "its address") == f"http://127.0.0.1:{worker.pid}" != first
    worker.stop()


def test_the_caller_s_own_cluster_is_not_the_demo_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDGE_REGISTRY_URL", "http://registry.example")
    monkeypatch.setenv("KEDGE_BROKERS", "production.example:9092")
    says = "import os; print(sorted(f'{k}={v}' for k, v in os.environ.items() if k.startswith('KEDGE_')), flush=True)"
    log, kafka = tmp_path / "log", KafkaSettings(brokers="127.0.0.1:1", environment="test")
    variables = variables_of(kafka, {"KEDGE_TRUST": "keys"})
    worker = Worker(variables, log, command=(sys.executable, "-c", says))
    worker.start()
    said = wait_for(lambda: log.read_text() if log.exists() else "", "the environment")
    worker.stop()
    assert "KEDGE_BROKERS=127.0.0.1:1" in said
    assert "KEDGE_TRUST=keys" in said
    assert "example" not in said


def test_the_worker_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Even after a SIGKILL, which nobody can answer."""
    parent = (
        "import signal, sys; from pathlib import Path; from kedge.streams.demo.worker import Worker, variables_of\n"
        "from kedge.streams.settings import KafkaSettings\n"
        "kafka = KafkaSettings(brokers='127.0.0.1:1', environment='test')\n"
        "worker = Worker(variables_of(kafka, {'KEDGE_TRUST': 'development'}), Path(sys.argv[1]))\n"
        "worker.start(); print('pid', worker.pid, flush=True); signal.pause()"
    )
    log = tmp_path / "parent"
    process: subprocess.Popen[bytes] = spawn([sys.executable, "-c", parent, str(tmp_path / "worker")], log=log)
    pid = int(wait_for(lambda: log.read_text().partition("pid ")[2], "the worker to be started"))
    wait_for(lambda: "does not answer" in (tmp_path / "worker").read_text(), "the worker to be up")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not _lives(pid), "the worker to be gone")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
