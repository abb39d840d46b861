"""Tally, judge and guard in one process, without Kafka: the same fold over rows from a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import Alert, Command, Report, VersionReport
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.core.instructions import Core, Write
from kedge.streams.core.judge import Judge
from kedge.streams.core.tally import Tally

__all__ = ["Output", "Pipeline"]

Output = Report | VersionReport | Alert | Command

_REPORTS: Final[tuple[type[Report | VersionReport], ...]] = (Report, VersionReport)
_TOPOLOGY: Final = {"predictions": 1, "partials": 1, "reports": 1}


@dataclass(frozen=True, slots=True)
class _Local:
    """A record that never was in Kafka."""

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
    """One partition of everything; `clock_ms` is what commands are stamped with."""

    def __init__(self, catalog: Catalog, codec: Codec, *, environment: str, clock_ms: int) -> None:
        self._codec = codec
        self._clock_ms = clock_ms
        self._offsets = count()
        # Nothing that is refused leaves this process: its hashes need no secret.
        config = CoreConfig(environment=environment, partition=0, topology=_TOPOLOGY, hash_key=b"")
        self._tally = Tally(config, catalog, codec)
        self._judge = Judge(config, catalog, codec)
        apart = _Apart()
        means = GuardMeans(rollbacks=apart, signer=apart, verifier=apart)
        self._guard = Guard(config, catalog, codec, means)

    def miss(self, columns: Columns, rows: int) -> None:
        """Take note that `rows` rows are missing beside these, which are counted after."""
        self._tally.miss(columns, rows)

    def count(self, *parts: Columns) -> Iterator[Output]:
        """Count rows in, as if they came at once; yields what became due."""
        self._tally.count(parts)
        self._pass(self._tally, self._judge)
        yield from self._decide()

    def finish(self) -> Iterator[Output]:
        """The input is at its end: yield what is left."""
        self._judge.finish()
        yield from self._decide()

    def _decide(self) -> Iterator[Output]:
        reports = self._pass(self._judge, self._guard)
        yield from (self._codec.decode(write.value or b"", _REPORTS) for write in reports)
        for write in self._writes(self._guard):
            if write.topic == "alerts":
                yield self._codec.decode(write.value or b"", Alert)
            elif write.topic == "control":
                yield self._codec.decode(write.value or b"", Command)

    def _pass(self, source: Core, target: Core) -> list[Write]:
        """Hand one core's output to the next; returns what was handed on."""
        handed = [write for write in self._writes(source) if write.topic in _TOPOLOGY]
        records = [_Local(write.topic, next(self._offsets), self._clock_ms, write.key, write.value) for write in handed]
        target.fold(records, self._clock_ms)
        return handed

    def _writes(self, core: Core) -> tuple[Write, ...]:
        checkpoint = core.snapshot(self._clock_ms)
        return () if checkpoint is None else checkpoint.writes
