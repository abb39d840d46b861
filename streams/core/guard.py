"""Guard: what is reported, and what people and routers say, become one incident and at most one open command a model.

Every input that it takes in becomes a journal entry with what was read from outside and what was decided, in one
transaction with the state, the alerts and the commands: the same journal prefix leads to the same decisions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.partition import partition_for
from kedge.schemas.records import (
    Ack,
    Alert,
    Command,
    Journal,
    Override,
    Reading,
    Report,
    VersionReport,
)
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import RefusedError
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dead_letters import DeadLetterWriter
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.core.guard_store import GuardStore
from kedge.streams.core.guarding.deadlines import due_deadlines
from kedge.streams.core.guarding.decide import STAND, TICK, Basis, Given, Setting, decide
from kedge.streams.core.guarding.gauges import gauges
from kedge.streams.core.guarding.history import DAY_MS
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.readings import ACTIONS, DUE, MONITOR, LiveReadings
from kedge.streams.core.instructions import Checkpoint, Observation, Write, source_of
from kedge.streams.core.record import Record

__all__ = ["INPUTS", "KNOWN", "Guard", "Value"]

REPORTS: Final = "reports"
OVERRIDES: Final = "overrides"
KNOWN: Final = "known"
"""A tick's deadline: a monitor has come for a model that the guard did not know."""
TIME_MAX: Final = 1 << 52
"""Latest end of a window that is believed: whatever is added to it stays within 64 bits."""
FUTURE_MS_MAX: Final = DAY_MS
"""How far ahead of the guard's clock a window may begin: events may be so by minutes, clocks of machines by hours."""

Value = Report | VersionReport | Override | Ack

INPUTS: Final[Mapping[str, tuple[type[Value], ...]]] = {
    REPORTS: (Report, VersionReport),
    OVERRIDES: (Override,),
    "acks": (Ack,),
}
"""What each source holds."""


class Guard:
    """One partition's models; a `Core` that stands and ticks."""

    def __init__(self, config: CoreConfig, catalog: Catalog, codec: Codec, means: GuardMeans) -> None:
        self._config = config
        self._catalog = catalog
        self._codec = codec
        self._means = means
        self._setting = Setting(config.environment, codec)
        self._letters = DeadLetterWriter(codec, config.hash_key, keep_payloads=config.keep_payloads)
        self._store = GuardStore(config, codec)
        self._leaving: list[Write] = []
        self._observed: list[Observation] = []
        self._up_since: int | None = None
        self._now_ms = 0
        self._awaiting: dict[str, int | None] = {}
        """Command staged to the end of the overrides fetched after it was; None: to be asked for."""
        self._led: dict[str, int] = {}
        """Command staged to when what led to it was appended, for the metrics."""

    @property
    def committed(self) -> Mapping[str, int]:
        """Each source to the last offset that the state contains."""
        return self._store.committed

    @property
    def due(self) -> bool:
        """Alerts and commands wait for nothing."""
        return bool(self._leaving)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the state partition in."""
        self._store.restore(key, value)

    def restored(self) -> None:
        """Check the state's topology."""
        self._store.check()
        self._ask()

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        """Take reports, overrides and answers in, in order of offset within each."""
        self._began(now_ms)
        for record in records:
            source = source_of(record)
            try:
                value = self._codec.decode(record.value or b"", INPUTS[source])
                self._check(source, value, now_ms)
            except UndecodableError as error:
                self._letters.add(record, RefusedError(error.reason, error.detail), 0)
            except RefusedError as error:
                self._letters.add(record, error, 0)
            else:
                digest = sha256(record.value or b"").hexdigest()
                self._take(value.model, Given(source, record.partition, record.offset, digest, value), now_ms)
                self._led_by(value.model, record.timestamp)
            self._store.committed[source] = record.offset

    def tick(self, now_ms: int) -> None:
        """Let stored deadlines that are due become inputs; get to know models whose monitor has come."""
        self._began(now_ms)
        for name in sorted({*self._store.models, *self._mine()}):
            known = self._store.models.get(name)
            _, monitor = self._monitor(name, None, now_ms)
            if known is None:
                due: tuple[str, ...] = (KNOWN,)
            elif monitor is None:
                continue
            else:
                due = due_deadlines(known, monitor, now_ms, self._up_since or now_ms)
            if due:
                self._take(name, Given(TICK, self._config.partition, -1, "", None, due), now_ms)
        self._ask()

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        """Let the staged commands go whose overrides have been read, up to where they ended after the decision.

        Without `overrides` among the ends nobody can have said anything.
        """
        end = ends.get(OVERRIDES, 0)
        for command_id, known in self._awaiting.items():
            # Told later it is no earlier, but for a marker at the end that was taken for a record.
            self._awaiting[command_id] = end if known is None else min(known, end)
        read = self.committed.get(OVERRIDES, -1) + 1
        for name, command_id in sorted(self._staged().items()):
            least = self._awaiting.get(command_id)
            if least is not None and read >= least:
                del self._awaiting[command_id]
                self._take(name, Given(STAND, self._config.partition, least, "", None), now_ms)
                self._time(name, command_id, now_ms)

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        """Return what changed, the journal, alerts and commands; None: there is nothing to say."""
        del now_ms  # Whatever waits leaves at once.
        self._ask()
        leaving, self._leaving = [*self._leaving, *self._letters.take()], []
        return self._store.checkpoint(leaving)

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""
        observed, self._observed = self._observed, []
        states = [
            gauge
            for name, model in self._store.models.items()
            for gauge in gauges(model, self._monitor(name, None, self._now_ms)[1], self._now_ms)
        ]
        return [*observed, *states, *self._letters.drain()]

    def _began(self, now_ms: int) -> None:
        self._now_ms = now_ms
        if self._up_since is None:
            self._up_since = now_ms

    def _mine(self) -> list[str]:
        count = self._config.topology.get(REPORTS, 1)
        return [m for m in self._catalog.models() if partition_for(m.encode(), count) == self._config.partition]

    def _staged(self) -> dict[str, str]:
        """Models with a staged command, and its id."""
        return {
            name: model.order.command.command_id
            for name, model in self._store.models.items()
            if model.order is not None and model.order.staged
        }

    def _ask(self) -> None:
        """What is staged by now was decided before the ends that `stand` will be given next."""
        self._awaiting = {command_id: self._awaiting.get(command_id) for command_id in self._staged().values()}
        self._led = {command_id: at for command_id, at in self._led.items() if command_id in self._awaiting}

    def _check(self, source: str, value: Value, now_ms: int) -> None:
        """Refuse what is about no model of ours, which has no journal to stand in, or about no time."""
        reported = value if isinstance(value, Report | VersionReport) else None
        if reported is not None and not 0 <= reported.window_start < reported.window_end <= TIME_MAX:
            raise RefusedError("timestamp", "a window that no clock can have told")
        if reported is not None and reported.window_start > now_ms + FUTURE_MS_MAX:
            # It would hide what comes until then: the signal's windows before it are of no use any more.
            raise RefusedError("timestamp", "a window that is yet to come")
        if not self._catalog.knows(value.model) and value.model not in self._store.models:
            raise RefusedError("unknown_model", f"{source}: no monitor is known for it")

    def _monitor(self, model: str, value: Value | None, now_ms: int) -> tuple[str, MonitorSpec | None]:
        """Return the hash and content of the monitor to decide by: the report's own, or the one that acts."""
        if isinstance(value, Report | VersionReport):
            spec = self._catalog.spec(value.monitor)
            if spec is not None:
                return value.monitor, spec
            now_ms = value.window_start
        active = self._catalog.monitor_at(model, now_ms)
        return ("", None) if active is None else (active.hash, active.spec)

    def _take(self, name: str, given: Given, now_ms: int) -> None:
        known = self._store.models.get(name)
        model = self._store.models[name] = known if known is not None else ModelState(name, now_ms)
        hashed, monitor = self._monitor(name, given.value, now_ms)
        read = [Reading(name=MONITOR, source="monitors", value=hashed)]
        acting = self._catalog.monitor_at(name, now_ms)
        if monitor is not None and acting is not None and acting.hash != hashed:
            # Of whatever window a report is: what may be done is what the owner says now.
            monitor = replace(monitor, actions=acting.spec.actions)
            read.append(Reading(name=ACTIONS, source="monitors", value=acting.hash))
        if given.due:
            read.append(Reading(name=DUE, source=TICK, value=",".join(given.due)))
        basis = Basis(monitor, hashed, LiveReadings(self._means, now_ms, read), now_ms)
        decided = decide(self._setting, model, given, basis)
        self._store.put(decided.state)
        self._send("journal", name, decided.entry)
        for alert in decided.turn.alerts:
            self._send("alerts", name, alert)
        for command in decided.turn.commands:
            self._send("control", name, command)
        self._observed += decided.turn.observed

    def _led_by(self, name: str, appended_ms: int) -> None:
        order = self._store.models[name].order
        if order is not None and order.staged:
            self._led.setdefault(order.command.command_id, appended_ms)

    def _time(self, name: str, command_id: str, now_ms: int) -> None:
        """Show how long a command took that has just left; one staged before this guard began, since its decision."""
        order, led = self._store.models[name].order, self._led.pop(command_id, None)
        if order is not None and not order.staged:
            since = order.command.issued_at if led is None else led
            self._observed.append(Observation("command_delay_ms", {}, max(0, now_ms - since)))

    def _send(self, topic: str, model: str, record: Alert | Command | Journal) -> None:
        self._leaving.append(Write(topic, model.encode(), self._codec.encode(record)))
