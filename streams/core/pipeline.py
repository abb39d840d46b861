"""Tally, judge and guard in one process, without Kafka: the same fold over rows from a file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import Ack, Alert, Command, Report, VersionReport
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.core.instructions import Core, Write
from kedge.streams.core.judge import Judge
from kedge.streams.core.record import Record
from kedge.streams.core.tally import Tally
from kedge.streams.names import SOURCES, Agent

__all__ = ["LocalRecord", "Output", "Pipeline"]

Output = Report | VersionReport | Alert | Command

_REPORTS: Final[tuple[type[Report | VersionReport], ...]] = (Report, VersionReport)
_HANDED: Final = ("partials", "reports")
_ALONE: Final = {"predictions": 1, "partials": 1, "reports": 1}


@dataclass(frozen=True, slots=True)
class LocalRecord:
    """A `Record` that is held here: of a log that was read, or one that never was in Kafka."""

    topic: str
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    partition: int = 0


class _Apart:
    """What a guard that no cluster sees has for its means: nobody else rolls back, and nothing is signed."""

    key_id = ""

    def recent(self, now_ms: int) -> tuple[tuple[str, int], ...]:
        del now_ms
        return ()

    def sign(self, data: bytes) -> bytes:
        del data
        return b""

    def accepts(self, key_id: str, data: bytes, signature: bytes) -> bool:
        del key_id, data, signature
        return False


class Pipeline:
    """One judge and one guard; `clock_ms` is what commands are stamped with.

    `partitions`: of `predictions` and `outcomes`, where records of these are folded; None: rows of a file are counted.
    """

    def __init__(
        self, catalog: Catalog, codec: Codec, *, environment: str, clock_ms: int, partitions: int | None = None
    ) -> None:
        self._codec = codec
        self._clock_ms = clock_ms
        self._offsets = count()
        # Nothing that is refused leaves this process: its hashes need no secret.
        logs = {} if partitions is None else dict.fromkeys(SOURCES[Agent.TALLY], partitions)
        config = CoreConfig(environment=environment, partition=0, topology={**_ALONE, **logs}, hash_key=b"")
        configs = [replace(config, partition=number) for number in range(partitions or 1)]
        self._tallies = [Tally(own, catalog, codec) for own in configs]
        self._tally = self._tallies[0]
        self._judge = Judge(config, catalog, codec)
        apart = _Apart()
        means = GuardMeans(rollbacks=apart, signer=apart, verifier=apart)
        self._guard = Guard(config, catalog, codec, means)

    def miss(self, columns: Columns, rows: int) -> None:
        """Take note that `rows` rows are missing beside these, which are counted after."""
        self._tally.miss(columns, rows)

    def count(self, *parts: Columns, outcomes: Iterable[Mapping[str, Any]] = ()) -> Iterator[Output]:
        """Count rows in, and what came of them (fields as in `Outcome`), as if all came at once; yields what is due."""
        self._tally.count(parts, outcomes)
        self._pass(self._tally, self._judge)
        yield from self._decide()

    def fold(self, records: Sequence[Record], now_ms: int) -> Iterator[Output]:
        """Take records of all partitions in, everything that was appended up to `now_ms`; yields what became due."""
        self._clock_ms = now_ms
        for number, tally in enumerate(self._tallies):
            tally.fold([record for record in records if record.partition == number], now_ms)
            tally.stand({source: tally.committed.get(source, -1) + 1 for source in SOURCES[Agent.TALLY]}, now_ms)
            self._pass(tally, self._judge)
        yield from self._decide()

    def answer(self, ack: Ack) -> Iterator[Output]:
        """Take a router's answer in; yields what came of it."""
        value = self._codec.encode(ack)
        self._guard.fold([LocalRecord("acks", next(self._offsets), self._clock_ms, None, value)], self._clock_ms)
        yield from self._decide()

    def finish(self) -> Iterator[Output]:
        """The input is at its end: yield what is left."""
        self._judge.finish()
        yield from self._decide()

    def _decide(self) -> Iterator[Output]:
        reports = self._pass(self._judge, self._guard)
        self._guard.tick(self._clock_ms)
        self._guard.stand({}, self._clock_ms)
        yield from (self._codec.decode(write.value or b"", _REPORTS) for write in reports)
        for write in self._writes(self._guard):
            if write.topic == "alerts":
                yield self._codec.decode(write.value or b"", Alert)
            elif write.topic == "control":
                yield self._codec.decode(write.value or b"", Command)

    def _pass(self, source: Core, target: Core) -> list[Write]:
        """Hand one core's output to the next; returns what was handed on."""
        handed = [write for write in self._writes(source) if write.topic in _HANDED]
        records = [
            LocalRecord(write.topic, next(self._offsets), self._clock_ms, write.key, write.value) for write in handed
        ]
        target.fold(records, self._clock_ms)
        return handed

    def _writes(self, core: Core) -> tuple[Write, ...]:
        checkpoint = core.snapshot(self._clock_ms)
        return () if checkpoint is None else checkpoint.writes
