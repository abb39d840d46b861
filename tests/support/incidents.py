"""Incidents on a real broker: versions beside one another, a worker that trusts keys, and an actuator that obeys.

Event time is made up and passes as fast as windows are judged. Each window's traffic closes the one before it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge import Actuator, Publisher, PublisherSettings
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import (
    Ack,
    Action,
    Baseline,
    Command,
    Journal,
    Monitor,
    Override,
    OverrideAction,
    Provenance,
    Role,
    VersionReport,
)
from kedge.schemas.signing import signed_bytes
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.clock import now_ms
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.fit import fit
from kedge.streams.topics import Component
from kedge.streams.trust import KeyRing, SigningKey
from tests.streams.actuator.made import FreezingRouter
from tests.support.control import running
from tests.support.kafka import Broker
from tests.support.service import CODEC, Outputs, Service
from tests.support.shell import ShellWorker
from tests.support.waiting import wait_for

__all__ = ["Day", "Keys", "Scene", "bad_canary", "traffic_drift"]

START: Final = 1_700_006_400_000
LENGTH: Final = 60_000
ROWS: Final = 400
"""Of each version in a window."""
TEXT: Final = """
model: {model}
owner: ops@example.com
windows: {{pane: 1m, length: 1m, hop: 1m, grace: 0, lateness: 10m, idle_timeout: 10s}}
comparison: {{join_horizon: 5m}}
outcomes: {{click: {{delay: 1s}}}}
guardrails: {{drift_rate: {{bound: 0.2}}}}
actions: {{route_to_safe_path: {{mode: armed}}}}
"""
"""The owner has opted in: a drift is a reason to lead traffic away, and whatever speaks against it is asked."""
USUAL: Final = 0.3
"""Clicks by answers."""
MOST_WINDOWS: Final = 8
"""Within which whatever is waited for must have come."""

Stream = tuple[str, Role]
"""A version, and what it is to the requests."""
_PRIMARY: Final[Stream] = ("v1", Role.PRIMARY)
_CANARY: Final[Stream] = ("v2", Role.CANARY)
_SHADOW: Final[Stream] = ("v3", Role.SHADOW)
_CLOSING: Final = 64
"""Requests, so many that some of them lie in each partition."""


@dataclass(frozen=True)
class Day:
    """How a window's traffic is: canary's clicks by answers (the primary's are the usual), shift of `age` on both.

    `rich`: all that can be told is: latency, some errors, a region, and v3 as a shadow of the primary.
    """

    clicks: float = USUAL
    age: float = 0.0
    rich: bool = False


@dataclass(frozen=True)
class Keys:
    """The guard's and an operator's, and a file with both public ones."""

    folder: Path
    guard: SigningKey = field(default_factory=SigningKey.generate)
    operator: SigningKey = field(default_factory=SigningKey.generate)

    def settings(self) -> dict[str, str]:
        """Write the files; returns the worker's variables."""
        signing, trusted = self.folder / "guard.key", self.folder / "trusted.pem"
        signing.write_bytes(self.guard.private_pem())
        trusted.write_bytes(self.guard.public_pem() + self.operator.public_pem())
        return {"KEDGE_TRUST": "keys", "KEDGE_SIGNING_KEY_FILE": str(signing), "KEDGE_TRUSTED_KEYS": str(trusted)}

    def operator_file(self) -> Path:
        """Write the operator's private key; returns the file."""
        file = self.folder / "operator.key"
        file.write_bytes(self.operator.private_pem())
        return file


class HeldRouter(FreezingRouter):
    """Calls `before` before it switches traffic."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], object] = lambda: None

    def switch(self, command: Command, expected: str) -> Observed:
        self.before()
        return super().switch(command, expected)


class Scene:
    """One environment with some models: v1 serves, and v2 beside it as a canary until its router leads it away."""

    def __init__(
        self, broker: Broker, environment: str, folder: Path, models: Sequence[str], *, more: str = ""
    ) -> None:
        """`more`: lines of the monitor file besides `TEXT`."""
        self.keys, self._more = Keys(folder), more
        self.kafka = broker.settings(environment)
        self.service = Service(broker, environment, folder)
        self.routers = {model: HeldRouter() for model in models}
        self.sent: Counter[str] = Counter()
        """Windows of each model."""
        self._rng = np.random.default_rng(7)
        self._asked = 0
        self._settings = ActuatorSettings(
            kafka=broker.settings(environment, Component.ACTUATOR), actuator_id="router-1", store=folder / "store"
        )
        self._publisher = Publisher(
            settings=PublisherSettings(
                brokers=broker.bootstrap,
                environment=environment,
                batch_age_ms=10,
                security=broker.settings(environment, Component.PUBLISHER).security,
            )
        )

    @contextmanager
    def opened(self, **variables: str) -> Iterator["Scene"]:
        """Publish what is watched, and run worker and actuator within the block."""
        first, *others = self.routers
        self.service.open(self._monitor(first), _baseline(first))
        for model in others:
            self.tell("monitors", self._monitor(model))
            self.tell("baselines", _baseline(model))
        actuator = Actuator(self.routers, settings=self._settings, verifier=KeyRing([self.keys.guard.public_pem()]))
        self.outputs = Outputs(self.service, "reports", "control", "journal", "acks")
        self.worker: ShellWorker = self.service.worker("w1", **self.keys.settings(), **variables)
        try:
            with running(actuator), self._publisher:
                wait_for(lambda: len(self.acks("")) >= len(self.routers), "the actuator's heartbeats")
                yield self
        finally:
            self.service.end()

    # -- what happens ------------------------------------------------------------------------------------------------

    def play(self, day: Day, *models: str) -> None:
        """Send a window's traffic, and wait until the guard has taken in all that is said of the window before."""
        self.send(day, *models)
        for model in models:
            if self.sent[model] > 1:
                self.judged(model, self.sent[model] - 2)

    def send(self, day: Day, *models: str) -> None:
        """Send a window's traffic and what came of it."""
        for model in models:
            start = START + self.sent[model] * LENGTH
            self.sent[model] += 1
            usual, led = replace(day, clicks=USUAL), self.routers[model].version == "v1"
            self._serve(model, _PRIMARY, usual, start)
            self._serve(model, *((_PRIMARY, usual) if led else (_CANARY, day)), start)
        self._flush()

    def close(self, *models: str) -> None:
        """Send, of the next window, what closes the one before it; nothing comes of these requests."""
        for model in models:
            end = START + self.sent[model] * LENGTH
            requests = [f"r{number}" for number in range(self._asked, self._asked + _CLOSING)]
            self._asked += _CLOSING
            self._log(model, _PRIMARY, Day(), np.full(_CLOSING, end + 2_000, np.int64), requests)
        self._flush()

    def judged(self, model: str, window: int) -> None:
        """Wait until the guard has taken in all that is said of a window, its outcomes included."""
        start = START + window * LENGTH
        wait_for(lambda: self._due(model, start), f"window {window} of {model}", timeout_s=60)
        told = len([report for report in self.outputs.seen["reports"] if report.model == model])
        wait_for(lambda: len(self._taken(model)) >= told, f"{told} entries of {model}", timeout_s=60)

    def until(self, day: Day, models: Sequence[str], reached: Callable[[str], object], what: str) -> None:
        """Play such days until something is true of each of the models."""
        for _ in range(MOST_WINDOWS):
            self.play(day, *models)
            if all(reached(model) for model in models):
                return
        raise AssertionError(f"{MOST_WINDOWS} windows without {what}: {[self.states(model) for model in models]}")

    def tell(self, topic: str, record: Monitor | Baseline | Override) -> None:
        """Append a record."""
        producer = self.service.producer(partitioner="murmur2_random")
        producer.produce(self.service.topics.of(topic), CODEC.encode(record), key=record.model)
        assert producer.flush(20) == 0

    def override(self, model: str, action: OverrideAction) -> Override:
        """Return an operator's word, good for an hour and not signed."""
        now = now_ms()
        return Override(
            override_id=f"o-{model}",
            environment=self.kafka.environment,
            model=model,
            action=action,
            target_version="v2",
            fault="canary_errors" if action is OverrideAction.DRILL else "",
            actor="ann",
            reason="because",
            issued_at=now,
            expires_at=now + 3_600_000,
            key_id="",
            signature=b"",
        )

    def rehearse(self, model: str) -> None:
        """Drill, as the operator, and wait until it has passed."""
        key = self.keys.operator
        override = replace(self.override(model, OverrideAction.DRILL), key_id=key.key_id)
        self.tell("overrides", replace(override, signature=key.sign(signed_bytes(override))))
        wait_for(lambda: self.decided(model, "drill_passed"), f"a drill of {model}")

    # -- what came of it ---------------------------------------------------------------------------------------------

    @property
    def published(self) -> int:
        """Rows and outcomes that lie in Kafka."""
        return self._publisher.stats().sent

    def journal(self, model: str) -> list[Journal]:
        """All entries so far."""
        return [entry for entry in self.outputs.read("journal") if entry.model == model]

    def decided(self, model: str, step: str) -> bool:
        """Whether something was ever done."""
        return any(step in entry.decision.split("+") for entry in self.journal(model))

    def states(self, model: str) -> list[str]:
        """The states that the model has been in, in order."""
        after = [entry.state_after for entry in self.journal(model)]
        return [state for index, state in enumerate(after) if index == 0 or state != after[index - 1]]

    def commands(self, model: str, action: Action = Action.ROUTE_TO_SAFE_PATH, *, drill: bool = False) -> list[Command]:
        """The different commands of an action, in earnest or of drills; one that is sent again is the same."""
        found = [c for c in self.outputs.read("control") if (c.model, c.action, c.drill) == (model, action, drill)]
        return list(dict.fromkeys(found))

    def acks(self, command_id: str) -> list[Ack]:
        """What was answered to a command."""
        return [ack for ack in self.outputs.read("acks") if ack.command_id == command_id]

    def answered(self, model: str) -> None:
        """Wait until the model's rollback has an answer that the guard knows."""
        [command] = self.commands(model)
        wait_for(lambda: self.acks(command.command_id), f"the answer to the rollback of {model}")
        wait_for(lambda: "INCIDENT" in self.states(model), f"the guard of {model} to know")

    # -- how it works ------------------------------------------------------------------------------------------------

    def _monitor(self, model: str) -> Monitor:
        document = to_document(parse_monitor(TEXT.format(model=model) + self._more, f"{model}.yaml"))
        key = self.keys.operator
        plain = Monitor(
            model=model, hash=monitor_hash(document), effective_from=0, document=document, key_id=key.key_id
        )
        return replace(plain, signature=key.sign(signed_bytes(plain)))

    def _serve(self, model: str, stream: Stream, day: Day, start: int) -> None:
        times = np.linspace(start, start + LENGTH, ROWS, endpoint=False).astype(np.int64)
        requests = [f"r{number}" for number in range(self._asked, self._asked + ROWS)]
        self._asked += ROWS
        self._log(model, stream, day, times, requests)
        if day.rich and stream == _PRIMARY:
            self._log(model, _SHADOW, day, times, requests)
        clicked = self._rng.random(ROWS) < day.clicks
        for request, at, click in zip(requests, times.tolist(), clicked.tolist(), strict=True):
            self._publisher.outcome(request, model=model, kind="click", observed=float(click), timestamp=at)

    def _log(self, model: str, stream: Stream, day: Day, times: NDArray[np.int64], requests: Sequence[str]) -> None:
        rows, rich = times.size, day.rich
        self._publisher.log_many(
            requests,
            model=model,
            version=stream[0],
            role=stream[1].value,
            features={"age": self._rng.normal(40 + 10 * day.age, 10, rows)},
            score=self._rng.random(rows),
            timestamp=times,
            latency_ms=np.full(rows, 12.0) if rich else None,
            error=["timeout", *[None] * (rows - 1)] if rich else None,
            segment={"region": ["eu", "us"] * (rows // 2)} if rich else None,
        )

    def _flush(self) -> None:
        wait_for(lambda: self._publisher.stats().queued == 0, "what was logged to be in Kafka", poll_s=0.005)
        stats = self._publisher.stats()
        assert stats.sent == stats.logged
        assert stats.rejected == 0

    def _due(self, model: str, start: int) -> bool:
        return any(
            isinstance(report, VersionReport) and report.outcomes_due and report.version == "v1"
            for report in self.outputs.read("reports")
            if (report.model, report.window_start) == (model, start)
        )

    def _taken(self, model: str) -> list[Journal]:
        return [entry for entry in self.journal(model) if entry.input_topic == "reports"]


def bad_canary(scene: Scene, *models: str) -> None:
    """Play canaries of which less and less comes: each is led away once, and contained."""
    for _ in range(3):
        scene.play(Day(), *models)
    assert not any(scene.commands(model) for model in models)
    scene.until(Day(clicks=0.1), models, scene.commands, "a rollback")
    for model in models:
        scene.answered(model)
    scene.until(Day(clicks=0.1), models, lambda model: scene.states(model)[-1] == "CONTAINED", "containment")
    for model in models:
        check_one_rollback(scene, model)


def check_one_rollback(scene: Scene, model: str) -> None:
    """Exactly one command, signed by the guard, done once and answered."""
    [command] = scene.commands(model)
    assert (command.from_version, command.target_version, command.drill) == ("v2", "v1", False)
    ring = KeyRing([scene.keys.guard.public_pem()])
    assert ring.accepts(command.key_id, signed_bytes(command), command.signature)
    assert {ack.result.value for ack in scene.acks(command.command_id)} == {"ACKED"}
    assert scene.routers[model].effects.count("v1") == 1
    assert scene.states(model)[-4:] == ["HEALTHY", "AWAIT_ACK", "INCIDENT", "CONTAINED"]


def traffic_drift(scene: Scene, *models: str) -> None:
    """Play a shift of all traffic: people are told, and the owner's wish to lead it away is vetoed."""
    for _ in range(3):
        scene.play(Day(), *models)
    scene.until(Day(age=0.8), models, lambda model: _vetoes(scene, model) >= {"common_cause"}, "a veto")
    scene.play(Day(age=0.8), *models)
    for model in models:
        assert "INCIDENT" in scene.states(model)
        assert "many_models" not in _vetoes(scene, model)
        assert scene.commands(model) == []
        assert scene.routers[model].effects in ([], ["freeze"])


def _vetoes(scene: Scene, model: str) -> set[str]:
    """What has stood against a rollback."""
    return {note.name for entry in scene.journal(model) for note in entry.vetoes if note.result == "stands"}


def _baseline(model: str, rows: int = 20_000) -> Baseline:
    rng = np.random.default_rng(11)
    columns = Columns(
        model=model,
        version="",
        role="PRIMARY",
        timestamps=np.full(rows, START, np.int64),
        numbers={"age": Numbers(rng.normal(40, 10, rows))},
        strings={},
        segments={},
        score=Numbers(rng.random(rows)),
    )
    return fit(columns, Provenance(dataset="made up", rows=rows, created_at=0))
