"""`kedge demo` as a user runs it: the built-in cluster, a worker's process, the whole way from flight to command."""

import json
import os
import signal
from pathlib import Path

from tests.support.demo_runs import run_demo, start_demo
from tests.support.waiting import wait_for


def test_the_demo_ends_with_one_rollback_and_says_so_in_one_object() -> None:
    run = run_demo()
    assert run.code == 0, run.said
    assert list(run.summary) == [
        "predictions",
        "windows",
        "first_breach_window",
        "drifted",
        "alerts",
        "commands",
        "rollbacks",
        "vetoes",
        "acked",
        "seconds_breach_to_ack",
        "seconds",
    ]
    assert run.summary["drifted"] == ["carrier", "distance"]
    assert (run.summary["rollbacks"], run.summary["commands"], run.summary["acked"]) == (1, 6, 6)
    assert run.summary["windows"] == 42
    assert run.summary["vetoes"] > 0
    assert run.summary["seconds_breach_to_ack"] > 0
    assert run.summary["first_breach_window"] == "2013-07-11T00:00:00Z"
    assert "ROUTE_TO_SAFE_PATH 2013.3 2013.2" in run.said


def test_where_nothing_breaks_nothing_is_led_back() -> None:
    run = run_demo("--no-break")
    assert run.code == 0, run.said
    assert run.summary["drifted"] == []
    assert run.summary["rollbacks"] == 0
    assert run.summary["first_breach_window"] is None


def test_what_contradicts_itself_is_refused() -> None:
    run = run_demo("--no-break", "--break", "dest")
    assert run.code == 2
    assert "contradict" in run.said


def test_another_break_is_named_though_the_worker_is_killed_meanwhile(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start_demo(log, "--json", "--break", "plane_year")
    wait_for(lambda: "2013-07-1" in log.read_text(), "a week of windows", timeout_s=60)
    worker = wait_for(lambda: _worker(process.pid), "its worker")
    os.kill(worker, signal.SIGKILL)
    assert process.wait(100) == 0, log.read_text()
    assert "started again" in log.read_text()
    [summary] = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert summary["drifted"] == ["plane_year"]
    assert summary["rollbacks"] == 1


def test_ctrl_c_ends_it_and_its_worker(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start_demo(log)
    wait_for(lambda: "STABLE" in log.read_text(), "the first window", timeout_s=60)
    worker = wait_for(lambda: _worker(process.pid), "its worker")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 1
    assert "Traceback" not in log.read_text()
    assert not Path(f"/proc/{worker}").exists()


def _worker(pid: int) -> int:
    """The only child of a process, whichever of its threads started it; 0 while there is none."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return children[0] if len(children) == 1 else 0
