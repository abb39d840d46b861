"""Forks, signals and ends of processes, each in a process of its own."""

import json
import signal
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kedge import Publisher, PublisherSettings
from tests.streams.publisher.mock_cluster import MockCluster
from tests.support.batches import in_streams

ROOT = Path(__file__).resolve().parents[3]

PRELUDE = """
import json, logging, multiprocessing, os, signal, sys, threading
from kedge import Publisher, PublisherSettings
from kedge.streams.registry_settings import RegistrySettings
from tests.support.waiting import wait_for

logging.getLogger("kedge").addHandler(logging.NullHandler())  # else it says on stderr that rows are dropped

def publisher(**more):
    more.setdefault("batch_age_ms", 600_000)  # rows wait for each other much longer than the test takes
    return Publisher(settings=PublisherSettings(brokers=sys.argv[1], environment="test", **more))

def log(p, n=5):
    for i in range(n):
        p.log(f"r{i}", model="m", version="1", features={"a": 1.0})

def idle():
    threading.Event().wait()  # goes on waiting after a signal's handler, as a service does

def say(what):
    print(json.dumps(what), flush=True)
"""


@pytest.fixture(scope="module")
def cluster() -> MockCluster:
    return MockCluster()


class Program:
    """A Python program that speaks JSON lines."""

    def __init__(self, cluster: MockCluster, source: str) -> None:
        self._cluster = cluster
        self._before = cluster.reader.rows()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(source), cluster.bootstrap],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> object:
        """The next thing it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else ""
        return json.loads(line)

    def end(self) -> int:
        """Its exit code; it has said nothing on stderr."""
        _, errors = self.process.communicate(timeout=30)
        assert errors == ""
        return self.process.returncode

    def arrived(self) -> int:
        """Rows that have come to Kafka since it started."""
        return self._cluster.reader.rows() - self._before


def test_the_base_install_is_enough(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        import kedge
        kedge.Publisher, kedge.validate, kedge.Contract
        extra = {"aiokafka", "click", "faust", "mode", "pandas", "prometheus_client", "rich", "scipy", "yaml"}
        say(sorted(extra & sys.modules.keys()))
        """,
    )
    assert program.hear() == []
    assert program.end() == 0


class Registry(BaseHTTPRequestHandler):
    """A schema registry that knows one schema."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"id": 1}')

    def log_message(self, *_args: object) -> None: ...


def test_nothing_is_imported_once_a_publisher_is_made() -> None:
    # A fork while another thread imports leaves the child a module that nobody will ever finish importing.
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program = Program(
            MockCluster(),  # of its own: the other tests read theirs without a registry
            f"""
            ps = [publisher(), publisher(registry=RegistrySettings(url="http://localhost:{server.server_port}"))]
            before = set(sys.modules)
            for p in ps:
                more = dict(model="m", version="1", score=0.5, label="a", error="e", latency_ms=1.0, probe=True)
                p.log("r", features={{"a": 1.0, "b": "x"}}, class_scores={{"a": 0.5}}, segment={{"a": "b"}}, **more)
                p.log_many(["r", "s"], model="m", version="1", features={{"a": [1.0, None], "b": ["x", "y"]}})
            say([p.close().sent for p in ps])
            say(sorted(set(sys.modules) - before))
            """,
        )
        assert program.hear() == [3, 3]
        assert program.hear() == []
        assert program.end() == 0
        server.shutdown()


def test_rows_leave_at_the_end_of_the_process(cluster: MockCluster) -> None:
    program = Program(cluster, "log(publisher())")
    assert program.end() == 0
    assert program.arrived() == 5


def test_the_end_of_the_process_waits_only_so_long_for_kafka(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        sys.argv[1] = "127.0.0.1:1"
        p = publisher(close_timeout_ms=500)
        log(p)
        """,
    )
    assert program.end() == 0


def test_sigterm_sends_what_is_there_and_ends_the_process_as_it_would_have(cluster: MockCluster) -> None:
    program = Program(cluster, "p = publisher(); log(p); say('logged'); idle()")
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == -signal.SIGTERM
    assert program.arrived() == 5


def test_sigterm_waits_for_all_publishers_of_the_process(cluster: MockCluster) -> None:
    program = Program(cluster, "ps = [publisher() for _ in range(3)]; [log(p) for p in ps[:2]]; say(0); idle()")
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == -signal.SIGTERM
    assert program.arrived() == 10


def test_sigterm_without_a_row_ends_the_process_at_once(cluster: MockCluster) -> None:
    program = Program(cluster, "p = publisher(); say('ready'); idle()")
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == -signal.SIGTERM


@pytest.mark.parametrize("first", ["handler", "publisher"])
def test_the_services_own_sigterm_handler_decides(cluster: MockCluster, first: str) -> None:
    steps = {"handler": "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))", "publisher": "p = publisher()"}
    last = next(step for name, step in steps.items() if name != first)
    program = Program(cluster, f"{steps[first]}\n{last}\nlog(p); say('logged')\nidle()")
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == 3
    assert program.arrived() == 5


def test_a_handler_that_goes_on_serving_goes_on(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        asked = []
        signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
        p = publisher()
        log(p)
        say("logged")
        wait_for(lambda: asked, "the signal")
        wait_for(lambda: p.stats().sent == 5, "what the signal sends: nothing is due for minutes")
        log(p)
        say(p.stats().dropped)
        """,
    )
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.hear() == 0
    assert program.end() == 0
    assert program.arrived() == 10


@pytest.mark.parametrize("attempt", range(5))
def test_sigterm_in_the_middle_of_logging_never_hangs(cluster: MockCluster, attempt: int) -> None:
    program = Program(
        cluster,
        """
        p = publisher(queue_rows_max=100)
        def hammer():
            while True:
                log(p)
        for _ in range(2):
            threading.Thread(target=hammer, daemon=True).start()
        say("logging")
        hammer()
        """,
    )
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == -signal.SIGTERM, attempt


def test_close_in_a_signal_handler_never_hangs(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        p = publisher()
        def stop(*_):
            stats = p.close()
            say(stats.logged - stats.sent - stats.dropped)
            os._exit(0)
        signal.signal(signal.SIGTERM, stop)
        log(p)
        say("logging")
        while True:
            log(p)
        """,
    )
    program.hear()
    program.process.send_signal(signal.SIGTERM)
    assert program.hear() == 0
    assert program.end() == 0


def test_a_fork_begins_anew_and_leaves_the_parents_rows_to_the_parent(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        p = publisher()
        log(p, 5)
        pid = os.fork()
        if not pid:
            say(p.stats().logged)
            log(p, 3)
            say([p.close().sent, p.stats().logged])
            sys.exit(0)  # through atexit and the end of the interpreter
        os.waitpid(pid, 0)
        say(p.close().sent)
        """,
    )
    assert program.hear() == 0
    assert program.hear() == [3, 3]
    assert program.hear() == 5
    assert program.end() == 0
    assert program.arrived() == 8


def test_every_process_numbers_its_own_batches(cluster: MockCluster) -> None:
    before = len(in_streams(cluster.reader.batches()))
    program = Program(
        cluster,
        """
        p = publisher(batch_age_ms=1)
        for _ in range(3):
            if not os.fork():
                for _ in range(4):
                    log(p)
                    wait_for(lambda: not p.stats().queued, "the rows to leave", poll_s=0.001)
                sys.exit(0)
        for _ in range(3):
            os.wait()
        """,
    )
    assert program.end() == 0
    assert len(in_streams(cluster.reader.batches())) >= before + 3
    for stream in in_streams(cluster.reader.batches()):
        assert [batch.sequence for batch in stream] == list(range(len(stream)))
    assert program.arrived() == 60


def test_a_child_of_multiprocessing_sends_what_it_has(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        p = publisher()
        children = [multiprocessing.get_context("fork").Process(target=log, args=(p,)) for _ in range(2)]
        [child.start() for child in children]
        [child.join() for child in children]
        """,
    )
    assert program.end() == 0
    assert program.arrived() == 10


def test_a_child_forked_while_threads_log_is_not_stuck(cluster: MockCluster) -> None:
    program = Program(
        cluster,
        """
        p = publisher(batch_age_ms=50)
        stop = []
        def hammer():
            while not stop:
                log(p)
        threads = [threading.Thread(target=hammer) for _ in range(3)]
        [thread.start() for thread in threads]
        for _ in range(10):
            pid = os.fork()
            if not pid:
                log(p)
                os._exit(0 if p.close().sent == 5 else 1)
            say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stop.append(1)
        """,
    )
    assert [program.hear() for _ in range(10)] == [0] * 10
    assert program.end() == 0


def test_the_last_publisher_takes_the_signal_handler_with_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    settings = PublisherSettings(brokers="127.0.0.1:1", environment="test", close_timeout_ms=0)
    first, second = Publisher(settings=settings), Publisher(settings=settings)
    assert signal.getsignal(signal.SIGTERM) is not before
    first.close()
    assert signal.getsignal(signal.SIGTERM) is not before
    second.close()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_publisher_may_be_made_in_any_thread(cluster: MockCluster) -> None:
    made: list[int] = []

    def work() -> None:
        with Publisher(settings=PublisherSettings(brokers=cluster.bootstrap, environment="test")) as publisher:
            publisher.log("r", model="m", version="1", features={})
        made.append(publisher.stats().sent)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert made == [1]
