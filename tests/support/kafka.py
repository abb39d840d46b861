"""A real Apache Kafka for the tests: one process in KRaft mode, no container, jars from Maven.

A missing Java or Maven is an error that says what to install, never a skipped test.
"""

import base64
import fcntl
import hashlib
import random
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import Component
from tests.support.processes import spawn, tail, terminate
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("pom.xml")
START_TIMEOUT_S = 60.0

# Below the kernel's ephemeral range: a port that a broker gives up for a restart must not be handed to some
# client's outgoing connection in between.
_PORTS = range(20_000, 30_000)

# `broker.session.timeout.ms`: a killed broker's registration blocks its own restart for that long (9 s as it comes).
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
controller.listener.names=CONTROLLER
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
message.max.bytes=16777216
"""

_PLAIN = "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"

_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class MissingToolError(RuntimeError):
    """A program that the integration tests need is not installed."""


def tool(name: str, packages: str) -> str:
    """The path of a program.

    Raises:
        MissingToolError: it is not there; the message says what to install.
    """
    path = shutil.which(name)
    if path is None:
        message = (
            f"{name} is not on the path. The integration tests start a real Apache Kafka and need Java 17 and "
            f"Maven: install {packages} (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven)."
        )
        raise MissingToolError(message)
    return path


def kafka_version() -> str:
    """The version of the broker, as the pom.xml names it."""
    found = ET.parse(POM).find(".//{*}dependency/{*}version")  # noqa: S314 - our own file
    if found is None or not found.text:
        message = f"{POM} names no Kafka version"
        raise ValueError(message)
    return found.text


def kafka_jars(cache: Path = ROOT / ".cache") -> Path:
    """The folder with the broker's jars; Maven fills it once, and it appears whole or not at all.

    Raises:
        MissingToolError: there is no `mvn`, and the jars are not cached.
        RuntimeError: Maven failed; the message ends with what it said.
    """
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return from_maven(
        f"kafka-{kafka_version()}-{digest}", ["dependency:copy-dependencies", "-DincludeScope=runtime"], cache=cache
    )


def from_maven(name: str, goal: Sequence[str], cache: Path = ROOT / ".cache") -> Path:
    """The folder `name` of the cache with what a goal of Maven's dependency plugin copies, which happens once.

    Raises:
        MissingToolError: there is no `mvn`, and the folder is not there yet.
        RuntimeError: Maven failed; the message ends with what it said.
    """
    target = cache / name
    if target.is_dir():
        return target
    maven = tool("mvn", "Maven")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "maven.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs in one clone: the second waits and finds it done
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                copied = Path(scratch, "copied")
                command = [maven, "-q", "-B", "-f", str(POM), *goal, f"-DoutputDirectory={copied}"]
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
                if done.returncode != 0:
                    message = f"Maven could not fetch {name}:\n{(done.stdout + done.stderr)[-2000:]}"
                    raise RuntimeError(message)
                copied.rename(target)
    return target


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on now and that no outgoing connection is given."""
    chooser = random.SystemRandom()
    while True:
        port = chooser.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Broker:
    """One broker on a directory of its own; ports are fixed at construction, so that it can start late.

    As a context manager it runs inside the block, and is killed at its end.
    """

    def __init__(self, directory: Path) -> None:
        """Choose the ports; nothing is started, and `bootstrap` can be given to clients already."""
        self.directory = directory
        self.log = directory / "broker.log"
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._controller = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        """Whether the process is alive (it may still be starting)."""
        return self._process is not None and self._process.poll() is None

    def client(self) -> dict[str, str]:
        """What librdkafka is told to administer this broker."""
        return {"bootstrap.servers": self.bootstrap}

    def settings(self, environment: str, component: Component = Component.ADMIN) -> KafkaSettings:
        """How a component comes to an environment here."""
        return KafkaSettings(brokers=self.bootstrap, environment=environment)

    def admin(self) -> AdminClient:
        """An admin client of this broker; hold on to it, its futures fail when it is collected."""
        return AdminClient({**self.client()})

    def listeners(self) -> str:
        """Where clients connect."""
        return f"PLAINTEXT://{self.bootstrap}"

    def properties(self) -> str:
        """More of the broker's settings: how clients are let in."""
        return _PLAIN

    def logging(self) -> str:
        """What it logs."""
        return _LOGGING

    def format_options(self) -> list[str]:
        """More of what `kafka-storage format` is told."""
        return []

    def start(self) -> None:
        """Format the storage the first time, start, and return when an admin client gets an answer.

        Raises:
            MissingToolError: no Java, or no Maven to fetch the jars with.
            RuntimeError: it is running already, or it ended while starting (with the end of its log).
            TimeoutError: it did not answer in time.
        """
        if self.running:
            message = "the broker is running already"
            raise RuntimeError(message)
        java = tool("java", "a Java 17 runtime")
        classpath = f"{kafka_jars()}/*"
        properties = self._formatted(java, classpath)
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        heap = ["-Xmx512m", "-XX:TieredStopAtLevel=1"]  # C1 alone: it is ready in 2 s, and tests end soon
        self._process = spawn([java, *heap, logging, "-cp", classpath, "kafka.Kafka", properties], log=self.log)
        try:
            wait_for(self._answers, f"the broker on {self.bootstrap} (its log: {self.log})", timeout_s=START_TIMEOUT_S)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM, and wait: a clean shutdown."""
        if self._process is not None:
            terminate(self._process)

    def kill(self) -> None:
        """SIGKILL, and wait: a crash. Nothing happens to a broker that is not running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Start again on the same directory and ports after `stop` or `kill`."""
        self.start()

    def _formatted(self, java: str, classpath: str) -> Path:
        properties = self.directory / "server.properties"
        if properties.exists():
            return properties
        data = self.directory / "data"
        data.mkdir(parents=True)
        (self.directory / "log4j2.properties").write_text(self.logging())
        draft = self.directory / "server.properties.new"
        common = _PROPERTIES.format(listeners=self.listeners(), controller=self._controller, data=data)
        draft.write_text(common + self.properties())
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        tool = [java, "-XX:TieredStopAtLevel=1", logging, "-cp", classpath, "kafka.tools.StorageTool"]
        done = subprocess.run(
            [*tool, "format", f"--cluster-id={cluster}", "-c", str(draft), *self.format_options()],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"the broker's storage could not be formatted:\n{done.stdout}{done.stderr}"
            raise RuntimeError(message)
        return draft.rename(properties)  # only now: a failed format is tried again

    def _answers(self) -> bool:
        if not self.running:
            message = f"the broker ended while starting:\n{tail(self.log)}"
            raise RuntimeError(message)
        with socket.socket() as probe:  # first, because librdkafka complains aloud about a refused connection
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        try:
            self.admin().list_topics(timeout=5)
        except KafkaException:
            return False
        return True
