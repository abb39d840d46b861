"""Counting workers as child processes, what is sent to them, and what a reader sees of their counts."""

import itertools
import json
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from kedge.streams.names import SOURCES, Agent, Topics
from tests.support.counting import OUTPUTS
from tests.support.processes import spawn, tail, terminate
from tests.support.waiting import wait_for

PARTITIONS = 4


class ShellWorker:
    """One worker; `restarted` as systemd would: whenever it ends with another code than 0."""

    def __init__(
        self,
        directory: Path,
        bootstrap: str,
        environment: str,
        name: str,
        *,
        program: Sequence[str] = (sys.executable, "-m", "tests.support.shell_worker"),
        **variables: str,
    ) -> None:
        self._program = program
        self.log = directory / f"{name}.log"
        self.codes: list[int] = []
        self._variables = {
            "KEDGE_BROKERS": bootstrap,
            "KEDGE_ENVIRONMENT": environment,
            "KEDGE_WORKER_ID": name,
            "KEDGE_HTTP_PORT": "0",
            "KEDGE_CHECKPOINT_SECONDS": "0.2",
            "KEDGE_SESSION_TIMEOUT_SECONDS": "6",
            "KEDGE_TRUST": "development",
            **variables,
        }
        self._ending = False
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return spawn(self._program, log=self.log, env=self._variables)

    def restarted(self) -> "ShellWorker":
        """Start it again from now on, in a thread, as soon as it ends by itself."""
        threading.Thread(target=self._supervise, daemon=True).start()
        return self

    def _supervise(self) -> None:
        while not self._ending:
            code = self.process.wait()
            self.codes.append(code)
            if code == 0 or self._ending:
                return
            self.process = self._spawn()

    def start_again(self) -> None:
        """Start a worker that has ended."""
        self.process.wait()
        self.process = self._spawn()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self._ending = True
        return terminate(self.process)

    def kill(self) -> None:
        """SIGKILL."""
        self._ending = True
        self.process.kill()
        self.process.wait()

    def messages(self) -> list[str]:
        """What it has logged."""
        whole, _, _ = (self.log.read_text(errors="replace") if self.log.exists() else "").rpartition("\n")
        lines = whole.splitlines()  # the last one may be half written
        return [json.loads(line)["message"] for line in lines if line.startswith("{")]

    def says(self, pattern: str, *, timeout_s: float = 30.0) -> str:
        """Wait for a log line that matches."""

        def found() -> str:
            return next((line for line in self.messages() if re.search(pattern, line)), "")

        return wait_for(found, f"{pattern!r} in the log, which ends:\n{tail(self.log)}", timeout_s=timeout_s)

    def misses_its_broker(self, known: int) -> None:
        """Wait until it says so, after the first `known` lines of its log."""

        def missed() -> bool:
            return any("tried again" in line or "is not known" in line for line in self.messages()[known:])

        wait_for(missed, "the worker to miss its broker", timeout_s=60)

    def address(self) -> str:
        """Where its HTTP server listens."""
        self.says("health and metrics on")
        # The last one: a worker that was started again listens elsewhere.
        return [line for line in self.messages() if "health and metrics on" in line][-1].rpartition(" ")[2]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of its HTTP server's answer."""
        try:
            with urllib.request.urlopen(self.address() + path, timeout=10) as answer:  # noqa: S310 - its own address
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


class Source:
    """Sends the numbers 0, 1, 2, … to the partitions of a topic in turn, and knows the right counts."""

    def __init__(
        self, bootstrap: str, environment: str, *, topic: str = "predictions", partitions: int = PARTITIONS
    ) -> None:
        self._bootstrap, self._topic, self._partitions = bootstrap, Topics(environment).of(topic), partitions
        self._next = 0

    def send(self, count: int, *, codec: str = "lz4", settings: Mapping[str, Any] | None = None) -> None:
        """Send `count` more, and wait until the broker has them."""
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "compression.type": codec,
                "linger.ms": 20,
                "queue.buffering.max.messages": 1_000_000,
                **(settings or {}),
            }
        )
        transactional = settings is not None and "transactional.id" in settings
        if transactional:
            producer.init_transactions(20)
            producer.begin_transaction()
        for number in range(self._next, self._next + count):
            producer.produce(self._topic, str(number).encode(), partition=number % self._partitions)
        if transactional:
            producer.commit_transaction(20)
        assert producer.flush(60) == 0
        self._next += count

    def expected(self) -> dict[int, tuple[int, int, int]]:
        """By partition: how many, their sum, the sum of their squares."""
        numbers = {number: range(number, self._next, self._partitions) for number in range(self._partitions)}
        return {p: (len(of), sum(of), sum(n * n for n in of)) for p, of in numbers.items()}


class Seen:
    """Every state of an agent's counts that a `read_committed` reader has seen, in order, by partition."""

    def __init__(self, bootstrap: str, environment: str, *, partitions: int, agent: Agent = Agent.TALLY) -> None:
        self.states: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self._topic, self._leading = Topics(environment).of(OUTPUTS[agent]), SOURCES[agent][0]
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"seen-{environment}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(self._topic, number, 0) for number in range(partitions)])

    def read(self, source: str = "") -> dict[int, tuple[int, int, int]]:
        """Read what is new; returns the newest counts by partition, of the leading source unless another is named."""
        for message in self._consumer.consume(10_000, 0.2):
            error = message.error()
            if error is None:
                state = json.loads(message.value() or b"")
                self.states[state["partition"]].append(state)
            else:  # a broker that is away; what it then gives is what counts
                assert not error.fatal(), error
        newest = {partition: of[-1]["counts"][source or self._leading] for partition, of in self.states.items()}
        return {partition: (count, total, squares) for partition, (count, total, squares) in sorted(newest.items())}

    def total(self, source: str = "") -> int:
        """How many are counted so far."""
        return sum(count for count, _, _ in self.read(source).values())

    def at_least(self, total: int, source: str = "") -> None:
        """Wait until so many are counted."""
        wait_for(lambda: self.total(source) >= total, f"{total} to be counted")

    def until(self, expected: Mapping[int, tuple[int, int, int]], *, source: str = "", timeout_s: float = 60.0) -> None:
        """Wait until the newest counts are right; a count that is too high never becomes right."""
        total = sum(count for count, _, _ in expected.values())
        wait_for(lambda: self.total(source) >= total, f"{total} to be counted", timeout_s=timeout_s)
        assert self.read(source) == dict(expected)

    def check_history(self) -> None:
        """Each state was seen once, and contains more than the one before: nothing was sent twice, or by a zombie."""
        for states in self.states.values():
            counts = [(sum(of[0] for of in state["counts"].values()), state["at_end"]) for state in states]
            assert all(b[0] >= a[0] and b != a for a, b in itertools.pairwise(counts)), counts
