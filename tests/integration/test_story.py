"""The service's promises on a real broker.

One command an incident, nobody's values anywhere, no verdict without a baseline, and metrics that say what reports say.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Action, Alert, AlertEvent, Command, Journal, Monitor, PredictionBatch, Report, Verdict
from kedge.streams.core.commands import CommandName
from kedge.streams.topics.table import TOPICS
from tests.support import planted, rides
from tests.support.kafka import Broker
from tests.support.raw import raw_topics
from tests.support.rides import LENGTH, MINUTE, START, Traffic
from tests.support.service import CODEC, Outputs, Service
from tests.support.shell import ShellWorker
from tests.support.waiting import wait_for

BARE = "bare"
"""A model with a monitor and without a baseline."""
DRIFT = 2.5
"""Every ride is so much longer than in the baseline."""

PLACES = [spec.name for spec in TOPICS if spec.name not in {"outcomes", "overrides", "acks"}]
"""Every topic of an environment but those to which others send, and here send nothing."""

Sample = tuple[str, frozenset[tuple[str, str]]]


class Run:
    """One environment, one worker, three models, and what a `read_committed` reader has seen of them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.open(rides.monitor(), rides.baseline())
        self.publish("monitors", planted.monitor(), bare_monitor())
        self.publish("baselines", planted.baseline())
        self.worker: ShellWorker = service.worker("w1")
        self.outputs = Outputs(service, "reports", "alerts", "control", "journal", "dead_letters")

    def publish(self, topic: str, *records: object) -> None:
        producer = self.service.producer()
        for record in records:
            producer.produce(self.service.topics.of(topic), CODEC.encode(record), key=record.model)  # type: ignore[attr-defined]
        assert producer.flush(20) == 0

    def send(self, messages: Iterable[planted.Sent]) -> None:
        producer = self.service.producer()
        for partition, key, value in messages:
            producer.produce(self.service.topics.predictions, value, key=key or None, partition=partition)
        assert producer.flush(20) == 0

    def reports(self, model: str) -> list[Report]:
        return [report for report in self.outputs.read("reports") if report.model == model]

    def alerts(self, model: str) -> list[Alert]:
        """Steps of the incident: that nobody acknowledges a command is told besides, and late enough to be a race."""
        alerts = [alert for alert in self.outputs.read("alerts") if alert.model == model]
        return [alert for alert in alerts if alert.subject == "drift"]

    def commands(self, model: str) -> list[Command]:
        """Each once: without an actuator they are sent again, byte for byte."""
        return distinct(command for command in self.outputs.read("control") if command.model == model)

    def journal(self, model: str) -> list[Journal]:
        """What was decided on reports."""
        entries = [entry for entry in self.outputs.read("journal") if entry.model == model]
        return [entry for entry in entries if entry.input_topic == "reports"]

    def judged(self, model: str, start: int) -> Report:
        """Wait for a window's first report, and until the guard has taken in whatever was reported until now."""

        def found() -> list[Report]:
            return [r for r in self.reports(model) if r.window_start == start and not r.segment]

        report, *_ = wait_for(found, f"the window at {start} of {model}", timeout_s=60)
        told = len(self.reports(model))
        wait_for(lambda: len(self.journal(model)) >= told, f"{told} journal entries of {model}")
        return report


def distinct(commands: Iterable[Command]) -> list[Command]:
    """The different ones, in order; one id never stands for two contents."""
    found = list(dict.fromkeys(commands))
    assert len({command.command_id for command in found}) == len(found)
    return found


def bare_monitor() -> Monitor:
    document = to_document(parse_monitor(rides.TEXT.replace(rides.MODEL, BARE), "bare.yaml"))
    return Monitor(model=BARE, hash=monitor_hash(document), effective_from=0, document=document)


@pytest.fixture(scope="module")
def run(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    service = Service(kafka, f"story-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("story"))
    yield Run(service)
    service.end()


@dataclass(frozen=True)
class Story:
    """A drift that lasted for three windows and went away, in the order in which it was seen."""

    at_two: tuple[list[Alert], list[Command]]
    at_three: tuple[list[Alert], list[Command]]
    third: Report
    metrics: Mapping[Sample, float]
    """When the third window was judged."""
    rows: int
    """Counted by then."""
    newest: Report
    """By then."""


@pytest.fixture(scope="module")
def story(run: Run) -> Story:
    """Three windows of longer rides; then a worker that is killed, and three windows of usual ones."""
    traffic = Traffic(seed=21, km_factor=DRIFT)

    def drive(first: int, last: int) -> None:
        run.service.send(traffic.minutes(first, last - first + 1, 800, size=200))

    drive(0, 10)
    run.judged(rides.MODEL, START + LENGTH)
    at_two = run.alerts(rides.MODEL), run.commands(rides.MODEL)
    drive(11, 14)
    traffic.km_factor = 1.0
    drive(15, 15)
    third = run.judged(rides.MODEL, START + 2 * LENGTH)
    at_three = run.alerts(rides.MODEL), run.commands(rides.MODEL)
    rows = traffic.rows
    newest, found = settled(run, rows)
    run.worker.kill()
    run.worker = run.service.worker("w1-again", KEDGE_WORKER_ID="w1")
    drive(16, 31)
    wait_for(lambda: len(run.alerts(rides.MODEL)) > len(at_three[0]), "the incident's end", timeout_s=60)
    return Story(at_two, at_three, third, found, rows, newest)


def settled(run: Run, rows: int) -> tuple[Report, Mapping[Sample, float]]:
    """Wait until all rows are counted and the metrics show the newest window; returns both."""
    counted = sample("kedge_rows_total", model=rides.MODEL, fate="counted")

    def shown() -> list[tuple[Report, Mapping[Sample, float]]]:
        found = metrics(run.worker)
        whole = [r for r in run.reports(rides.MODEL) if not r.segment]
        newest = max(whole, key=lambda r: (r.window_end, r.revision))
        end = found.get(sample("kedge_window_end_timestamp_seconds", **stream(newest)))
        return [(newest, found)] if found.get(counted) == rows and end == newest.window_end / 1000 else []

    return wait_for(shown, f"{rows} rows in the metrics")[0]


def metrics(worker: ShellWorker) -> Mapping[Sample, float]:
    status, text = worker.get("/metrics")
    assert status == 200
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def sample(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def stream(report: Report) -> dict[str, str]:
    return {"model": report.model, "version": report.version, "role": report.role.value}


def test_two_breaching_windows_give_one_command_and_one_alert(story: Story) -> None:
    [opened], [command] = story.at_two
    assert (opened.event, opened.command_id) == (AlertEvent.OPENED, command.command_id)
    assert [evidence.signal for evidence in opened.signals] == ["km"]
    assert command.action is Action.FREEZE_ROLLOUT
    assert (command.sequence, command.drill, command.signature) == (1, False, b"")
    assert command.expires_at - command.issued_at == 24 * 60 * MINUTE
    name = CommandName(command.environment, command.model, opened.incident, command.action)
    assert command.command_id == name.digest()


def test_a_third_breaching_window_gives_none(story: Story) -> None:
    assert story.third.verdict is Verdict.DRIFTED
    assert story.at_three == story.at_two


def test_stable_windows_resolve_the_incident_and_say_that_the_freeze_stands(story: Story, run: Run) -> None:
    [opened, resolved] = run.alerts(rides.MODEL)
    [command] = run.commands(rides.MODEL)
    assert (resolved.event, resolved.incident) == (AlertEvent.RESOLVED, opened.incident)
    assert resolved.freeze_stands_until == command.expires_at
    assert resolved.window_start >= START + 3 * LENGTH + 2 * LENGTH > story.third.window_start


def test_to_the_end_a_committed_reader_sees_each_step_once(story: Story, run: Run) -> None:
    run.judged(rides.MODEL, START + 26 * MINUTE)
    logs = raw_topics(run.service.broker, run.service.environment, isolation="read_committed")
    commands = [CODEC.decode(value, Command) for _, value, *_ in logs[run.service.topics.control]]
    alerts = [CODEC.decode(value, Alert) for _, value, *_ in logs[run.service.topics.alerts]]
    assert distinct(c for c in commands if c.model == rides.MODEL) == story.at_two[1]
    steps_told = [a.event for a in alerts if a.model == rides.MODEL and a.subject == "drift"]
    assert steps_told == [AlertEvent.OPENED, AlertEvent.RESOLVED]
    journal = [entry for entry in run.outputs.read("journal") if entry.model == rides.MODEL]
    assert [entry.sequence for entry in journal] == list(range(1, len(journal) + 1))
    entries = run.journal(rides.MODEL)
    steps = Counter(entry.decision for entry in entries)
    del steps["none"]
    assert steps == {"open_incident+freeze_rollout": 1, "resolve_incident": 1}


def test_the_metrics_say_what_the_reports_and_topics_say(story: Story) -> None:
    found, newest = story.metrics, story.newest
    labels = stream(newest)
    assert found[sample("kedge_rows_total", model=rides.MODEL, fate="counted")] == story.rows
    assert found[sample("kedge_commands_total", model=rides.MODEL, action="FREEZE_ROLLOUT")] == 1
    assert found[sample("kedge_alerts_total", model=rides.MODEL, event="OPENED")] == 1
    assert found[sample("kedge_incident_open", model=rides.MODEL)] == 1
    assert newest.verdict is Verdict.DRIFTED
    assert found[sample("kedge_window_verdict", **labels)] == 4
    for finding in newest.findings:
        signal_of = {"kind": finding.kind.value, "signal": finding.signal}
        assert found[sample("kedge_psi_debiased", **labels, **signal_of)] == finding.psi_debiased
    assert {finding.signal for finding in newest.findings} == {"km", "zone", "score"}


def test_a_model_without_a_baseline_is_invalid_and_says_why(run: Run) -> None:
    traffic = Traffic(seed=22)
    renamed = [
        (partition, CODEC.encode(replace(CODEC.decode(message, PredictionBatch), model=BARE)))
        for partition, message in [*traffic.minutes(0, 6, 400, size=100), *traffic.end(30)]
    ]
    run.service.send(renamed)
    report = run.judged(BARE, START)
    assert report.n > 0
    told = {(r.verdict, r.reason, r.findings) for r in run.reports(BARE) if r.n}
    assert told == {(Verdict.INVALID, "no baseline for version v1", ())}
    assert run.alerts(BARE) == []
    assert run.commands(BARE) == []


@pytest.fixture(scope="module")
def said(run: Run) -> Mapping[str, bytes]:
    """All that came out after values were planted, by where."""
    for minute in range(12):
        run.send([*planted.ordinary(minute, 60), *planted.planted(minute)])
    refused = list(planted.refused(12))
    run.send([*refused, *planted.unmonitored(12)])
    run.send([sent for minute in (13, 40) for sent in planted.ordinary(minute, 60)])
    report = run.judged(planted.MODEL, START + LENGTH)
    wait_for(lambda: finals(run) >= {"", "region=eu", "region=other"}, "the window's last reports")
    wait_for(lambda: len(run.outputs.read("dead_letters")) >= len(refused), "the dead letters")
    assert report.verdict is Verdict.DRIFTED
    [command] = run.commands(planted.MODEL)
    assert command.action is Action.FREEZE_ROLLOUT
    status, text = run.worker.get("/metrics")
    assert status == 200
    incident = "drifted from the baseline"
    wait_for(lambda: incident in run.worker.get(f"/models/{planted.MODEL}")[1], "the console to show the incident")
    shown = [run.worker.get(path)[1] for path in ("/", *(f"/models/{name}" for name in (planted.MODEL, rides.MODEL)))]
    logs = raw_topics(run.service.broker, run.service.environment, isolation="read_uncommitted")
    found = {topic: b"\n".join(part for parts in messages for part in parts) for topic, messages in logs.items()}
    return {
        **found,
        "log": b"".join(worker.log.read_bytes() for worker in run.service.workers),
        "metrics": text.encode(),
        "console": "\n".join(shown).encode(),
    }


def finals(run: Run) -> set[str]:
    """The segments whose last word on the second window with planted values has come."""
    start = START + LENGTH
    return {r.segment for r in run.reports(planted.MODEL) if r.final and r.window_start == start}


def test_what_was_planted_is_nowhere_but_where_it_was_sent(run: Run, said: Mapping[str, bytes]) -> None:
    topics = run.service.topics
    leaks = {where: [form for form in planted.FORMS if form in data] for where, data in said.items()}
    assert {name for name, data in said.items() if data} == {*map(topics.of, PLACES), "log", "metrics", "console"}
    for secret in (planted.MAIL, planted.NAME, planted.CARD):
        form = planted.FORMS[5] if isinstance(secret, int) else secret.encode()
        assert form in leaks[topics.predictions], "the search finds nothing"
    del leaks[topics.predictions]
    assert b'"event": "command_sent"' in said["log"], "what a guard does is in the log that was searched"
    assert b"-request" not in said["log"] + said["metrics"], "a request's id"
    assert {where for where, found in leaks.items() if found} == set(), leaks


def test_each_broken_message_is_refused_for_its_own_reason(run: Run, said: Mapping[str, bytes]) -> None:
    assert said
    reasons = Counter(letter.reason for letter in run.outputs.read("dead_letters"))
    assert reasons == {
        "unknown_schema": 2,
        "undecodable": 2,
        "wrong_partition": 1,
        "timestamp": 1,
        "too_many_keys": 1,
        "column_length": 1,
        "code_range": 1,
    }


def test_what_was_planted_was_counted(run: Run, said: Mapping[str, bytes]) -> None:
    assert said
    windows = [r for r in run.reports(planted.MODEL) if r.n and not r.segment]
    unseen = {f.signal for r in windows for f in r.findings if f.unseen}
    assert unseen >= {"zone", "label"}
    assert all(f.unseen_categories == () for r in windows for f in r.findings)
