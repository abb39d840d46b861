"""The harness itself: a broker that crashes keeps its data, and none outlives the tests."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined] # it is the documented place

from tests.support import kafka as harness
from tests.support.kafka import ROOT, Broker, MissingToolError
from tests.support.waiting import wait_for


def _write(broker: Broker, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, value)
    assert producer.flush(20) == 0


def _values(broker: Broker, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "none"})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    values = [message.value() for message in consumer.consume(count, timeout=20)]
    consumer.close()
    return values


def test_a_crashed_broker_comes_back_with_its_data(own_kafka: Broker) -> None:
    own_kafka.start()
    admin = own_kafka.admin()
    for future in admin.create_topics([NewTopic("t", 1, 1)]).values():
        future.result(20)
    _write(own_kafka, "t", b"before")
    own_kafka.kill()
    assert not own_kafka.running
    own_kafka.restart()
    _write(own_kafka, "t", b"after")
    own_kafka.stop()
    own_kafka.restart()
    assert _values(own_kafka, "t", 2) == [b"before", b"after"]


def test_no_broker_outlives_a_killed_test_run(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import signal, sys
        from pathlib import Path
        from tests.support.kafka import Broker
        broker = Broker(Path(sys.argv[1]))
        broker.start()
        print(broker._process.pid, flush=True)
        signal.pause()
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        broker_pid = int(run.stdout.readline())
        os.kill(broker_pid, 0)
        run.send_signal(signal.SIGKILL)
    wait_for(lambda: _gone(broker_pid), f"the end of process {broker_pid}")


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # killed, and nobody has asked for its exit code yet


def test_a_missing_program_is_an_error_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="need Java 17 and Maven"):
        harness.kafka_jars(tmp_path / "cache")
    with pytest.raises(MissingToolError, match="java is not on the path"):
        Broker(tmp_path).start()
