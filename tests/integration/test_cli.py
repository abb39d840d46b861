"""The command line on a real broker: topics, publishing, watching, dead letters."""

from pathlib import Path

import pytest
from confluent_kafka import Producer

from kedge.schemas.codec import Codec
from kedge.schemas.records import DeadLetter, Report
from kedge.schemas.signing import signed_bytes
from kedge.streams.announce import Place, read_catalog
from kedge.streams.clock import now_ms
from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.trust import KeyRing, SigningKey
from tests.schemas.samples import SAMPLES
from tests.streams.cli.support import call, lines, table
from tests.support.kafka import Broker

MONITOR = "model: fraud\nowner: risk\nwindows: {pane: 60s, length: 5m, hop: 5m}\n"
DEVELOPMENT = {"KEDGE_TRUST": "development"}


@pytest.fixture
def given(kafka: Broker, environment: str) -> tuple[str, ...]:
    """The options that name the cluster, its topics made."""
    options = ("--brokers", kafka.bootstrap, "--environment", environment)
    made = call("topics", "create", "--partitions", 3, "--replication", 1, *options)
    assert made.exit_code == 0, made.output
    return options


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    monitor, baseline = tmp_path / "monitor.yaml", tmp_path / "baseline.avro"
    monitor.write_text(MONITOR)
    fitted = call(
        "baseline", "fit", table(tmp_path / "r.csv"), "-o", baseline, "--monitor", monitor, "--ignore", "when"
    )
    assert fitted.exit_code == 0, fitted.output
    return monitor, baseline


def send(kafka: Broker, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value, b"key", partition=0)
    assert producer.flush(30) == 0


def test_topics_are_made_once(given: tuple[str, ...]) -> None:
    (again,) = lines(call("topics", "create", "--partitions", 3, "--replication", 1, "--json", *given))
    assert {topic["outcome"] for topic in again} == {"present"}
    refused = call("topics", "create", "--partitions", 5, "--replication", 1, *given)
    assert refused.exit_code == 1
    assert "has 3 partitions, not 5" in refused.stderr


def test_the_first_acts_from_the_beginning_and_the_next_from_the_windows_to_come(
    given: tuple[str, ...], files: tuple[Path, Path], tmp_path: Path
) -> None:
    for what, path in zip(("monitor", "baseline"), files, strict=True):
        (first,) = lines(call(what, "publish", path, "--json", *given, env=DEVELOPMENT))
        assert (first["effective_from"], first["published"]) == ("1970-01-01T00:00:00Z", True)
        (again,) = lines(call(what, "publish", path, "--json", *given, env=DEVELOPMENT))
        assert (again["hash"], again["published"]) == (first["hash"], False)
    changed = tmp_path / "changed.yaml"
    changed.write_text(MONITOR.replace("5m", "7m"))
    before_ms = now_ms()
    (second,) = lines(call("monitor", "publish", changed, "--json", *given, env=DEVELOPMENT))
    assert second["published"]
    place = Place(kafka=KafkaSettings(brokers=given[1], environment=given[3]), codec=Codec())
    catalog = read_catalog(place)
    starts = sorted(monitor.effective_from for monitor in catalog.monitors)
    assert starts[0] == 0
    assert starts[1] % (35 * 60_000) == 0
    assert before_ms + 180_000 <= starts[1] <= before_ms + 240_000 + 35 * 60_000
    assert [baseline.model for baseline in catalog.baselines] == ["fraud"]


def test_a_monitor_is_signed_with_the_key_that_is_named_and_published_again_for_another_key(
    given: tuple[str, ...], files: tuple[Path, Path], tmp_path: Path
) -> None:
    (unsigned,) = lines(call("monitor", "publish", files[0], "--json", *given, env=DEVELOPMENT))
    key, path = SigningKey.generate(), tmp_path / "signing.key"
    path.write_bytes(key.private_pem())
    env = {"KEDGE_SIGNING_KEY_FILE": str(path)}
    told = [lines(call("monitor", "publish", files[0], "--json", *given, env=env))[0] for _ in range(2)]
    assert [(said["hash"], said["published"]) for said in told] == [(unsigned["hash"], True), (unsigned["hash"], False)]
    place = Place(kafka=KafkaSettings(brokers=given[1], environment=given[3]), codec=Codec())
    first, signed = sorted(read_catalog(place).monitors, key=lambda monitor: monitor.effective_from)
    assert first.key_id is None
    assert signed.key_id == key.key_id
    assert KeyRing([key.public_pem()]).accepts(key.key_id, signed_bytes(signed), signed.signature or b"")


def test_a_start_inside_a_window_is_refused_with_the_next_that_would_do(
    given: tuple[str, ...], files: tuple[Path, Path]
) -> None:
    refused = call("monitor", "publish", files[0], "--effective-from", "2030-01-01T00:01:00Z", *given, env=DEVELOPMENT)
    assert refused.exit_code == 1
    assert "the next that would do is 2030-01-01T00:05:00Z" in refused.stderr
    taken = call("monitor", "publish", files[0], "--effective-from", "2030-01-01T00:05:00Z", *given, env=DEVELOPMENT)
    assert "published, acts from 2030-01-01T00:05:00Z" in taken.stdout


def test_watch_prints_what_comes_and_survives_what_is_none(kafka: Broker, given: tuple[str, ...]) -> None:
    report = SAMPLES["Report"]
    assert isinstance(report, Report)
    topic = Topics(given[3]).reports
    send(kafka, topic, b"garbage", Codec().encode(report), Codec().encode(report))
    options = ("--from-beginning", "--timeout", "5", *given)
    seen = call("watch", "reports", "--max", 2, "--json", *options)
    assert seen.exit_code == 0
    assert [line["model"] for line in lines(seen)] == [report.model] * 2
    assert f"kedge: {topic}/0 at offset 0: unknown_schema" in seen.stderr
    assert report.verdict.value in call("watch", "--max", 1, *options).stdout


def test_watch_that_sees_nothing_says_so(given: tuple[str, ...]) -> None:
    seen = call("watch", "alerts", "commands", "--timeout", "1", *given)
    assert (seen.exit_code, seen.stdout, seen.stderr) == (4, "", "kedge: nothing came in 1 s\n")


def test_dead_letters_are_listed_with_reason_and_place(kafka: Broker, given: tuple[str, ...]) -> None:
    assert call("dlq", *given).stdout == "no dead letters\n"
    letter = DeadLetter(
        topic="t.predictions", partition=2, offset=17, timestamp=1_357_034_400_000, reason="column_length",
        detail="score: 3 bytes", rows=500, payload_hash="00" * 16,
    )  # fmt: skip
    send(kafka, Topics(given[3]).dead_letters, Codec().encode(letter), Codec().encode(letter))
    shown = call("dlq", *given).stdout
    for said in ("2013-01-01T10:00:00Z", "column_length", "500", "t.predictions/2 at 17", "2 dead letters"):
        assert said in shown
    assert [found["offset"] for found in lines(call("dlq", "--json", *given))] == [17, 17]


@pytest.mark.parametrize("command", [("watch",), ("dlq",), ("monitor", "publish")])
def test_without_topics_it_says_to_make_them(
    kafka: Broker, environment: str, files: tuple[Path, Path], command: tuple[str, ...]
) -> None:
    named = [files[0]] if command[0] == "monitor" else []
    result = call(*command, *named, "--brokers", kafka.bootstrap, "--environment", environment, env=DEVELOPMENT)
    assert result.exit_code == 1
    assert "run `kedge topics create` first" in result.stderr
