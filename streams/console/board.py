"""What was read, folded into views of bounded size. Pure: records in, nothing out; no clock, no Kafka.

Records of one partition come in order, those of different topics do not. The journal alone says what became of what,
and names records of other topics: an entry is held for one `settle`, so that they are there when it is folded.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from kedge.schemas.codec import Codec
from kedge.schemas.errors import Reason, UndecodableError
from kedge.schemas.monitor import MonitorSpec, PolicySpec
from kedge.schemas.records import (
    Ack,
    Alert,
    AlertEvent,
    Command,
    Journal,
    Override,
    Report,
    Role,
    Verdict,
    VersionReport,
)
from kedge.streams.console.history import StreamTrack, VersionTrack
from kedge.streams.people.standing import Standing

__all__ = ["RECORDS", "Board", "Laid", "ModelBoard", "Segment", "policy_for"]

RECORDS: Final[Mapping[str, tuple[type[Any], ...]]] = {
    "reports": (Report, VersionReport),
    "alerts": (Alert,),
    "control": (Command,),
    "acks": (Ack,),
    "overrides": (Override,),
    "journal": (Journal,),
}
"""The topics that are read, and what lies in them."""

_SAID: Final = ("acks", "overrides")
MODELS_MAX: Final = 1_000
STREAMS_MAX: Final = 8
"""Versions and roles of a model; the one reported longest ago goes."""
SEGMENTS_MAX: Final = 200
ALERTS_MAX: Final = 80
COMMANDS_MAX: Final = 100
ANSWERS_MAX: Final = 20
"""Acknowledgements of one command, and actuators that are known by their heartbeat."""
STRANGERS_MAX: Final = 100
"""Models of which only people and actuators have spoken: whoever may write there could make up any number."""
WORDS_MAX: Final = 16_384
"""Bytes of what people and actuators say."""
DECISIONS_MAX: Final = 100
_HELD_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Laid:
    """Where a record lay, and when it was written there (ms since 1970-01-01 UTC)."""

    partition: int
    offset: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Segment:
    """The newest window of one segment of a version."""

    version: str
    role: Role
    segment: str
    window_end: int
    verdict: Verdict
    reason: str
    requests: int


@dataclass(slots=True)
class ModelBoard:
    """All that is kept of one model."""

    model: str
    standing: Standing
    streams: OrderedDict[tuple[str, Role], StreamTrack] = field(default_factory=OrderedDict)
    versions: OrderedDict[tuple[str, Role], VersionTrack] = field(default_factory=OrderedDict)
    segments: OrderedDict[tuple[str, Role, str], Segment] = field(default_factory=OrderedDict)
    decisions: deque[Journal] = field(default_factory=lambda: deque(maxlen=DECISIONS_MAX))
    """Entries of the journal in which something was done."""
    heartbeats: OrderedDict[str, Ack] = field(default_factory=OrderedDict)
    """By actuator."""
    told_at: int | None = None
    """When the newest report of all rows was written."""


SpecOf = Callable[[str], MonitorSpec | None]
"""The monitor of a hash; None: not known."""


class Board:
    """Folds records, which `codec` reads; `spec_of` knows the monitors that reports were judged by."""

    def __init__(self, codec: Codec, spec_of: SpecOf) -> None:
        """Nothing is known."""
        self.models: OrderedDict[str, ModelBoard] = OrderedDict()
        self.unreadable: dict[str, int] = {}
        """By topic: records that could not be read."""
        self.changes = 0
        """How often anything was taken in or folded: what was made of the board before is of another board."""
        self._codec, self._spec_of = codec, spec_of
        self._strangers: OrderedDict[str, ModelBoard] = OrderedDict()
        self._held: deque[Journal] = deque(maxlen=_HELD_MAX)
        self._fresh: deque[Journal] = deque(maxlen=_HELD_MAX)

    def learn(self, value: bytes) -> None:
        """Ask for what reading a record needs, so that `take` needs not wait for it.

        Raises:
            RegistryUnavailableError: the registry does not answer.
        """
        self._codec.learn(value)

    def take(self, topic: str, value: bytes, laid: Laid) -> None:
        """Take one record of a logical topic in. What cannot be read is counted, and says nothing of any model."""
        self.changes += 1
        try:
            record = self._decoded(topic, value)
        except UndecodableError:
            self.unreadable[topic] = self.unreadable.get(topic, 0) + 1
            return
        if isinstance(record, Journal):
            self._fresh.append(record)
        else:
            model = self._spoken_of(record.model) if topic in _SAID else self._model(record.model)
            _put(model, record, value, laid, self._spec_of)

    def settle(self, *, whole: bool = False) -> None:
        """Fold the entries that were held; `whole`: those that have just come, too, because all logs were read."""
        if whole:
            self._held.extend(self._fresh)
            self._fresh.clear()
        self.changes += len(self._held)
        for entry in sorted(self._held, key=lambda entry: entry.sequence):
            model = self._model(entry.model)
            model.standing.take(entry)
            if entry.decision != "none":
                model.decisions.append(entry)
            _bound(model.standing)
        self._held, self._fresh = self._fresh, deque(maxlen=_HELD_MAX)

    def _model(self, name: str) -> ModelBoard:
        found = self.models.get(name)
        if found is None:
            known = name in self._strangers
            found = self.models[name] = self._strangers.pop(name) if known else ModelBoard(name, Standing(name))
        self.models.move_to_end(name)
        if len(self.models) > MODELS_MAX:
            self.models.popitem(last=False)
        return found

    def _decoded(self, topic: str, value: bytes) -> Any:  # noqa: ANN401 - one of the topic's records
        if topic in _SAID and len(value) > WORDS_MAX:
            raise UndecodableError(Reason.TOO_LARGE, f"{len(value)} bytes, at most {WORDS_MAX}")
        return self._codec.decode(value, RECORDS[topic])

    def _spoken_of(self, name: str) -> ModelBoard:
        """Return a model that people or actuators speak of, which makes no model of it."""
        found = self.models.get(name) or self._strangers.get(name)
        if found is None:
            found = self._strangers[name] = ModelBoard(name, Standing(name))
            _shorten(self._strangers, STRANGERS_MAX)
        return found


def policy_for(spec: MonitorSpec, kind: str, signal: str) -> PolicySpec:
    """Return the policy of one signal: the model's, with whatever the signal has of its own."""
    own = spec.feature(signal) if kind == "feature" else spec.signal(signal)
    return spec.policy.overridden(own.policy)


def _put(model: ModelBoard, record: object, value: bytes, laid: Laid, spec_of: SpecOf) -> None:
    standing = model.standing
    match record:
        case Report():
            _report(model, record, value, laid, spec_of)
        case VersionReport() if not record.segment:
            track = _touched(model.versions, (record.version, record.role), VersionTrack)
            track.take(record, value)
        case Alert():
            standing.alerts[record.alert_id] = record
        case Command():
            standing.commands[record.command_id] = record
        case Ack() if not record.command_id:
            model.heartbeats.pop(record.actuator_id, None)
            model.heartbeats[record.actuator_id] = record
            _shorten(model.heartbeats, ANSWERS_MAX)
        case Ack():
            answers = standing.acks.setdefault(record.command_id, [])
            if record not in answers:
                answers.append(record)
                del answers[:-ANSWERS_MAX]
        case Override():
            standing.overrides[laid.partition, laid.offset] = record
    _bound(standing)


def _report(model: ModelBoard, report: Report, value: bytes, laid: Laid, spec_of: SpecOf) -> None:
    if report.segment:
        key = (report.version, report.role, report.segment)
        known = model.segments.pop(key, None)
        if known is None or report.window_end >= known.window_end:
            known = Segment(*key, report.window_end, report.verdict, report.reason, report.requests)
        model.segments[key] = known
        _shorten(model.segments, SEGMENTS_MAX)
        return
    spec = spec_of(report.monitor)
    signals = [(finding.kind.value, finding.signal) for finding in report.findings]
    model.standing.monitor = spec or model.standing.monitor
    metrics = {} if spec is None else {signal: policy_for(spec, *signal).metric for signal in signals}
    track = _touched(model.streams, (report.version, report.role), StreamTrack)
    track.take(report, value, laid.at_ms, metrics)
    model.told_at = max(laid.at_ms, model.told_at or 0)


T = TypeVar("T", StreamTrack, VersionTrack)


def _touched(tracks: OrderedDict[tuple[str, Role], T], key: tuple[str, Role], make: Callable[[str, Role], T]) -> T:
    if key not in tracks:
        tracks[key] = make(*key)
    tracks.move_to_end(key)
    _shorten(tracks, STREAMS_MAX)
    return tracks[key]


def _shorten(known: dict[Any, Any], most: int) -> None:
    """Let go of what came first."""
    while len(known) > most:
        del known[next(iter(known))]


def _bound(standing: Standing) -> None:
    for known in (standing.commands, standing.acks, standing.overrides, standing.ends):
        _shorten(known, COMMANDS_MAX)
    while len(standing.alerts) > ALERTS_MAX:
        # How an incident began and ended is known for longer than what was said meanwhile.
        passing = (key for key, alert in standing.alerts.items() if alert.event in _PASSING)
        del standing.alerts[next(passing, next(iter(standing.alerts)))]


_PASSING: Final = frozenset((AlertEvent.UPDATED, AlertEvent.NOTICE))
