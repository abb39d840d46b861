"""A guard on a desk: what judge, people and routers would tell it, and everything that it writes.

`Desk` holds one guard with its clock, folds what it is given, lets the shell's rounds pass, and keeps every record that
was written, so that a test (or a scenario) reads like what happened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import (
    Ack,
    AckResult,
    Action,
    Alert,
    Cause,
    Command,
    ControlKind,
    DeadLetter,
    Finding,
    FindingKind,
    GuardModel,
    GuardStream,
    Harm,
    HarmKind,
    Journal,
    Monitor,
    Override,
    OverrideAction,
    Report,
    Role,
    Verdict,
    VersionReport,
)
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.guarding.recount import Mismatch, Recount, replay_journal
from kedge.streams.core.instructions import Checkpoint, Write
from tests.streams.core.made import Rec
from tests.support.means import HashSigner, guard_means

LENGTH: Final = 60_000
"""One decision window."""
DAWN: Final = 1_700_000_040_000
CODEC: Final = Codec()
SOURCES: Final = ("reports", "overrides", "acks")
ARMED: Final = """
comparison: {tolerance: 0.1}
actions: {route_to_safe_path: {mode: armed, expires_after: 10m}}
"""
WINDOWS: Final = "windows: {pane: 60s, length: 1m, hop: 1m, grace: 0, lateness: 1h}\n"

Record = TypeVar("Record", Alert, Command, Journal, DeadLetter)


def monitor(text: str = ARMED, model: str = "m") -> Monitor:
    """A published monitor of one-minute windows with further lines."""
    document = to_document(parse_monitor(f"model: {model}\nowner: me\n{WINDOWS}{text}", "test"))
    return Monitor(model=model, hash=monitor_hash(document), effective_from=0, document=document)


@dataclass
class Desk:
    """One guard, and what it is told. Each `tell…` is one record; `now` is the guard's wall clock."""

    text: str = ARMED
    model: str = "m"
    now: int = DAWN
    window: int = DAWN
    """Start of the window that is told of next."""
    rollbacks: Sequence[tuple[str, int]] = ()
    written: list[Write] = field(default_factory=list)
    told: dict[tuple[str, int], bytes] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SOURCES, 0))
    folded: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SOURCES, 0))

    def __post_init__(self) -> None:
        self.catalog = Catalog()
        self.monitor = monitor(self.text, self.model)
        self.catalog.put_monitor(self.monitor)
        self.state: list[Write] = []
        self.guard = self._new()

    def _new(self) -> Guard:
        topology = dict.fromkeys((*SOURCES, "control"), 1)
        config = CoreConfig(environment="test", partition=0, topology=topology, hash_key=b"secret")
        return Guard(config, self.catalog, CODEC, guard_means(self.rollbacks))

    # -- what is told ------------------------------------------------------------------------------------------------

    def append(self, topic: str, record: object) -> None:
        """Append a record (or bytes as they are) to a source; nobody has read it yet."""
        value = record if isinstance(record, bytes) else CODEC.encode(record)
        self.told[topic, self.ends[topic]] = value
        self.ends[topic] += 1

    def read(self, topic: str) -> None:
        """Let the guard read a source to its end."""
        for offset in range(self.folded[topic], self.ends[topic]):
            record = Rec(f"test.{topic}", offset, self.now, self.told[topic, offset])
            self.guard.fold([record], self.now)
        self.folded[topic] = self.ends[topic]

    def tell(self, topic: str, *records: object) -> list[Alert | Command]:
        """Append records, let them be read, and let a round of the shell pass; returns what came of it."""
        for record in records:
            self.append(topic, record)
        self.read(topic)
        return self.round()

    def round(self, passed_ms: int = 0) -> list[Alert | Command]:
        """A round of the shell, so much later: tick, stand, checkpoint. Returns the alerts and commands that left."""
        self.now += passed_ms
        self.guard.tick(self.now)
        self.guard.stand(self.ends, self.now)
        return list(self.leave(self.guard.snapshot(self.now)))

    def leave(self, checkpoint: Checkpoint | None) -> Iterator[Alert | Command]:
        """Commit a checkpoint."""
        for write in () if checkpoint is None else checkpoint.writes:
            self.written.append(write)
            if write.topic == "state":
                self.state.append(write)
            if write.topic == "alerts":
                yield CODEC.decode(write.value or b"", Alert)
            elif write.topic == "control":
                yield CODEC.decode(write.value or b"", Command)

    def crash(self) -> None:
        """Lose everything that no checkpoint contains, and start again from the state."""
        self.guard = self._new()
        for write in self.state:
            self.guard.restore(write.key, write.value)
        self.guard.restored()
        self.folded = {source: self.guard.committed.get(source, -1) + 1 for source in SOURCES}

    # -- windows -----------------------------------------------------------------------------------------------------

    def minute(self, *reports: Report | VersionReport) -> list[Alert | Command]:
        """Tell of one window, in time, and go on to the next."""
        self.now = max(self.now, self.window + LENGTH)
        sent = self.tell("reports", *reports)
        self.window += LENGTH
        return sent

    def calm(self, *versions: str) -> list[Alert | Command]:
        """One healthy window of each version; the first is the primary, the others are canaries."""
        return self.minute(*(self.report(v, role=_role(i)) for i, v in enumerate(versions or ("v1", "v2"))))

    def harmed(self, **changes: object) -> list[Alert | Command]:
        """One window in which canary v2 does harm beside primary v1."""
        return self.minute(self.report("v1"), self.report("v2", role=Role.CANARY), self.version_report(**changes))

    def led_back(self) -> Command:
        """Harm, a rollback and a freeze that were obeyed; returns the freeze."""
        self.tell("acks", self.ack(routed(self.harmed())))
        freeze = self.commands[-1]
        self.tell("acks", self.ack(freeze))
        return freeze

    def report(self, version: str = "v1", **changes: object) -> Report:
        """A healthy window of a version."""
        made = Report(
            model=self.model,
            version=version,
            role=Role.PRIMARY,
            segment="",
            window_start=self.window,
            window_end=self.window + LENGTH,
            revision=0,
            final=False,
            requests=1_000,
            n=1_000,
            n_eff=1_000.0,
            design_effect=1.0,
            design_effect_assumed=True,
            completeness=1.0,
            verdict=Verdict.STABLE,
            reason="all signals are stable",
            baseline="b1",
            monitor=self.monitor.hash,
            findings=(finding(),),
        )
        return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes

    def drifted(self, version: str = "v1", **changes: object) -> Report:
        """A window in which `age` of a version has drifted."""
        told = {"verdict": Verdict.DRIFTED, "findings": (finding(Verdict.DRIFTED),), "reason": "age drifted"}
        return self.report(version, **{**told, **changes})

    def version_report(self, **changes: object) -> VersionReport:
        """A window of canary v2 in which its errors are shown to be harm, beside primary v1."""
        made = VersionReport(
            model=self.model,
            version="v2",
            role=Role.CANARY,
            segment="",
            control="v1",
            control_kind=ControlKind.CONCURRENT,
            window_start=self.window,
            window_end=self.window + LENGTH,
            revision=0,
            final=True,
            outcomes_due=False,
            requests=500,
            control_requests=1_000,
            error_share=0.2,
            control_error_share=0.01,
            latency_p95_ms=50.0,
            control_latency_p95_ms=50.0,
            completeness=1.0,
            n_eff=500.0,
            control_n_eff=1_000.0,
            senders=4,
            largest_sender_share=0.3,
            began_at=DAWN,
            contrasts=(),
            outcomes=(),
            control_outcomes=(),
            harms=(harm(),),
            verdict=Verdict.DRIFTED,
            reason="harm is shown: error_rate",
            baseline="b1",
            monitor=self.monitor.hash,
        )
        return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes

    # -- routers and people ------------------------------------------------------------------------------------------

    def ack(self, command: Command, result: AckResult = AckResult.ACKED, **changes: object) -> Ack:
        """What a router answers."""
        made = Ack(
            command_id=command.command_id,
            environment="test",
            model=command.model,
            actuator_id="router-1",
            result=result,
            reason="" if result is AckResult.ACKED else "failed",
            observed_version=command.target_version if result is AckResult.ACKED else command.from_version,
            sequence=command.sequence,
            timestamp=self.now,
            drill=command.drill,
        )
        return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes

    def heartbeat(self, *standby: str, **changes: object) -> Ack:
        """A router's sign of life, with the versions that stand by."""
        made = Ack(
            command_id="",
            environment="test",
            model=self.model,
            actuator_id="router-1",
            result=AckResult.ACKED,
            reason="",
            observed_version="v1",
            sequence=0,
            timestamp=self.now,
            standby=standby,
        )
        return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes

    def override(self, action: OverrideAction, **changes: object) -> Override:
        """What a person says, signed; good for an hour."""
        made = Override(
            override_id=f"o-{self.ends['overrides']}",
            environment="test",
            model=self.model,
            action=action,
            target_version="",
            fault="canary_errors" if action is OverrideAction.DRILL else "",
            actor="ann",
            reason="because",
            issued_at=self.now,
            expires_at=self.now + 3_600_000,
            key_id=HashSigner.key_id,
            signature=b"",
        )
        made = replace(made, **changes)  # type: ignore[arg-type] # the test's own changes
        return replace(made, signature=HashSigner().sign(signed_bytes(made)))

    # -- what was written --------------------------------------------------------------------------------------------

    def all(self, topic: str, kind: type[Record]) -> list[Record]:
        """Every record written to a topic."""
        return [CODEC.decode(w.value or b"", kind) for w in self.written if w.topic == topic]

    @property
    def alerts(self) -> list[Alert]:
        return self.all("alerts", Alert)

    @property
    def commands(self) -> list[Command]:
        return self.all("control", Command)

    @property
    def journal(self) -> list[Journal]:
        return self.all("journal", Journal)

    @property
    def last(self) -> Journal:
        """The last entry that decided anything."""
        return next(e for e in reversed(self.journal) if e.decision != "none")

    @property
    def standing(self) -> GuardModel:
        """The model's state as it was committed last."""
        state = next(w for w in reversed(self.state) if w.key.startswith(b"model"))
        return CODEC.decode(state.value or b"", GuardModel)

    @property
    def streams(self) -> list[GuardStream]:
        """The history of the model's streams as it was committed last."""
        newest = {write.key: write.value for write in self.state if write.key.startswith(b"stream")}
        return [CODEC.decode(value, GuardStream) for _, value in sorted(newest.items()) if value is not None]

    def recounted(self) -> list[Mismatch]:
        """What of the journal does not follow from its inputs."""
        entries = ((e, self.told.get((e.input_topic, e.input_offset))) for e in self.journal)
        return list(replay_journal(Recount(self.catalog, CODEC, "test"), entries))


def finding(verdict: Verdict = Verdict.STABLE, **changes: object) -> Finding:
    """What a report says of feature `age`."""
    made = Finding(
        signal="age",
        kind=FindingKind.FEATURE,
        verdict=verdict,
        cause=Cause.DISTRIBUTION if verdict is Verdict.DRIFTED else Cause.NONE,
        reason="",
        n=1_000,
        n_eff=1_000.0,
        psi_debiased=0.5 if verdict is Verdict.DRIFTED else 0.01,
        missing=0,
        invalid=0,
        unseen=0,
        out_of_range=0,
        bins=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def harm(kind: HarmKind = HarmKind.ERROR, measure: str = "error_rate", **changes: object) -> Harm:
    """Harm that is shown."""
    made = Harm(
        kind=kind,
        measure=measure,
        higher_is_better=kind is HarmKind.OUTCOME,
        n=500,
        events=100,
        rate=0.2,
        control_n=1_000,
        control_events=10,
        control_rate=0.01,
        change=19.0,
        log_evidence=30.0,
        log_threshold=11.5,
        verdict=Verdict.DRIFTED,
        reason=f"{measure} is worse",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def notes(entry: Journal) -> Mapping[str, str]:
    """Each veto's answer."""
    return {note.name: note.result for note in entry.vetoes}


def subjects(sent: Sequence[Alert | Command]) -> list[str]:
    """Alerts by event and subject, commands by action, in the order in which they left."""
    return [f"{s.event.value} {s.subject}" if isinstance(s, Alert) else s.action.value for s in sent]


def routed(sent: Sequence[Alert | Command]) -> Command:
    """The one rollback among them."""
    (command,) = [s for s in sent if isinstance(s, Command) and s.action is Action.ROUTE_TO_SAFE_PATH]
    return command


def _role(index: int) -> Role:
    return Role.CANARY if index else Role.PRIMARY
