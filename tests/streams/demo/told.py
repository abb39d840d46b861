"""The demo's story, told by the pipeline instead of by Kafka, a worker and a router."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Ack, AckResult, Action, Command, Journal, Report, VersionReport
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.instructions import Core, Write
from kedge.streams.core.pipeline import Output, Pipeline
from kedge.streams.demo.feed import OUTCOME
from kedge.streams.demo.flights import Flights, load_flights
from kedge.streams.demo.rollout import CANARY_AT, VERSION_1, VERSION_2, Day
from kedge.streams.demo.run import plot_of
from kedge.streams.demo.setting import Setting, prepare
from kedge.streams.demo.story import Received, Sent, Story, Stream

NOW_MS: Final = 1_800_000_000_000


@lru_cache(maxsize=1)
def flights() -> Flights:
    """All of them, read once."""
    return load_flights()


@lru_cache
def told(*broken: str, days: int | None = None) -> tuple[Story, Sent]:
    """The story with these features broken on the way; of the first days only, where `days` says how many."""
    setting = prepare(flights(), broken, created_at=1)
    plot = plot_of(setting, broken)
    teller = Teller(setting, Story(replace(plot, starts=plot.starts[:days])))
    for number, day in enumerate(setting.season.days()):
        if days is None or number <= days:
            teller.tell(day)
    return teller.story, teller.sent


class Journalled(Pipeline):
    """A pipeline whose guard's journal can be read."""

    def __init__(self, setting: Setting) -> None:
        catalog = Catalog()
        catalog.put_monitor(setting.monitor)
        for baseline in setting.baselines:
            catalog.put_baseline(baseline)
        super().__init__(catalog, Codec(), environment="test", clock_ms=NOW_MS)
        self.entries: list[Journal] = []

    def _writes(self, core: Core) -> tuple[Write, ...]:
        writes = super()._writes(core)
        self.entries += [Codec().decode(write.value or b"", Journal) for write in writes if write.topic == "journal"]
        return writes


class Teller:
    """Sends days, obeys commands, and tells the story of it."""

    def __init__(self, setting: Setting, story: Story) -> None:
        self.story, self.sent = story, Sent(logged=0, delivered=0)
        self._pipeline = Journalled(setting)
        self._current = VERSION_1
        self._reports = self._decided = 0

    def tell(self, day: Day) -> None:
        """Send one day, and take in what comes of it."""
        if day.start == CANARY_AT:
            self._current = VERSION_2
        requests = np.array([id_hash(request) for request in day.requests()], np.uint64)
        parts = []
        for rows, columns in day.answers(self._current):
            self.story.expect(Stream(day.start, columns.version, columns.role), columns.rows)
            parts.append(replace(columns, requests=requests[rows]))
        outcomes = [_outcome(day, *outcome) for outcome in day.outcomes()]
        logged = self.sent.logged + sum(part.rows for part in parts)
        self.sent = Sent(logged=logged, delivered=logged, outcomes=self.sent.outcomes + len(outcomes))
        self._take(self._pipeline.count(*parts, outcomes=outcomes))

    def _take(self, outputs: Iterable[Output]) -> None:
        commands = []
        for output in outputs:
            offset = self._reports
            self._reports += isinstance(output, Report | VersionReport)
            self.story.take(Received(output, 0, offset, at_ms=NOW_MS))
            commands += [output] if isinstance(output, Command) else []
        for entry in self._pipeline.entries:
            offset, reports = self._decided, entry.input_topic == "reports"
            self._decided += reports
            self.story.take(Received(replace(entry, input_offset=offset) if reports else entry, 0, 0))
        self._pipeline.entries = []
        for command in commands:
            self._obey(command)

    def _obey(self, command: Command) -> None:
        if command.action is Action.ROUTE_TO_SAFE_PATH:
            self._current = command.target_version
        ack = Ack(
            command_id=command.command_id,
            environment=command.environment,
            model=command.model,
            actuator_id="router",
            result=AckResult.ACKED,
            reason="",
            observed_version=self._current,
            sequence=command.sequence,
            timestamp=NOW_MS,
        )
        self.story.take(Received(ack, 0, 0, at_ms=NOW_MS + 700))
        self._take(self._pipeline.answer(ack))


def _outcome(day: Day, request: str, arrived_at: int, late: bool) -> Mapping[str, Any]:  # noqa: FBT001 - one row
    return {
        "request_id": request,
        "model": day.rows.model,
        "kind": OUTCOME,
        "timestamp": arrived_at,
        "observed": float(late),
        **dict.fromkeys(("version", "score", "label", "predicted_at")),
        "segment": {},
    }
