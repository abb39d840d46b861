"""A small core that really counts: what the shell does can be seen without the detectors.

It counts the records of one partition of each of its sources and sums the numbers that they hold and their squares,
so that one that is lost, or counted twice, shows. A checkpoint that changes anything writes the counts to one topic.
"""

import json
from collections.abc import Mapping, Sequence

from kedge.streams.core.instructions import (
    POSITION_KEY,
    STATE,
    Checkpoint,
    Observation,
    TopologyMismatchError,
    Write,
    source_of,
)
from kedge.streams.core.record import Record
from kedge.streams.names import SOURCES, Agent

POISON = b"poison"
"""A record that this core breaks on: a fault of ours, as no core may raise for what a sender wrote."""

OUTPUTS: Mapping[Agent, str] = {Agent.TALLY: "partials", Agent.JUDGE: "reports", Agent.GUARD: "control"}
"""Where an agent's counts go."""


class CountingCore:
    """A `Core` that also stands. `filler` records of 1 kB go with each checkpoint, so that it takes a while."""

    def __init__(
        self, partition: int, partitions: Mapping[str, int], *, agent: Agent = Agent.TALLY, filler: int = 0
    ) -> None:
        self.committed: dict[str, int] = {}
        self.due = False
        self._agent, self._leading = agent, SOURCES[agent][0]
        self._partition, self._topology, self._filler = partition, partitions[self._leading], filler
        self._counts = {source: [0, 0, 0] for source in SOURCES[agent]}
        self._at_end = self._dirty = False
        self._rows = 0

    def restore(self, key: bytes, value: bytes | None) -> None:
        if key == POSITION_KEY and value is not None:
            state = json.loads(value)
            self._counts, self.committed, self._at_end = state["counts"], state["committed"], state["at_end"]
            if state["topology"] != self._topology:
                message = (
                    f"this state was made for {state['topology']} partitions of {self._leading}, not {self._topology}"
                )
                raise TopologyMismatchError(message)

    def restored(self) -> None:
        pass

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        del now_ms
        for record in records:
            if record.value == POISON:
                message = "the core broke"
                raise RuntimeError(message)
            number, source = int(record.value or b"0"), source_of(record)
            count, total, squares = self._counts[source]
            self._counts[source] = [count + 1, total + number, squares + number * number]
            self.committed[source] = record.offset
        self._rows += len(records)
        self._dirty = True

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        del now_ms
        at_end = all(self.committed.get(source, -1) + 1 >= end for source, end in ends.items())
        self._dirty = self._dirty or at_end != self._at_end
        self._at_end = at_end

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        del now_ms
        if not self._dirty:
            return None
        self._dirty = False
        state = {
            "partition": self._partition,
            "topology": self._topology,
            "counts": self._counts,
            "at_end": self._at_end,
            "committed": self.committed,
        }
        value = json.dumps(state).encode()
        writes = [Write(STATE, b"filler %d" % number, b"." * 1_000) for number in range(self._filler)]
        writes += [Write(OUTPUTS[self._agent], b"%d" % self._partition, value), Write(STATE, POSITION_KEY, value)]
        return Checkpoint(tuple(writes), dict(self.committed))

    def drain(self) -> list[Observation]:
        rows, self._rows = self._rows, 0
        return [Observation("rows", {"model": "m", "fate": "counted"}, rows)] if rows else []
