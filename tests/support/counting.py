"""A small core that really counts: what the shell does can be seen without the detectors.

It counts the records of one partition of `predictions` and sums the numbers that they hold and their squares, so
that one that is lost, or counted twice, shows. A checkpoint that changes anything writes the counts to `partials`.
"""

import json
from collections.abc import Mapping, Sequence

from kedge.streams.core.instructions import POSITION_KEY, STATE, Checkpoint, Observation, TopologyMismatchError, Write
from kedge.streams.core.record import Record

POISON = b"poison"
"""A record that this core breaks on: a fault of ours, as no core may raise for what a sender wrote."""


class CountingCore:
    """A `Core` that also stands. `filler` records of 1 kB go with each checkpoint, so that it takes a while."""

    def __init__(self, partition: int, partitions: Mapping[str, int], *, filler: int = 0) -> None:
        self.committed: dict[str, int] = {}
        self.due = False
        self._partition, self._topology, self._filler = partition, partitions["predictions"], filler
        self._count = self._total = self._squares = 0
        self._at_end = self._dirty = False
        self._rows = 0

    def restore(self, key: bytes, value: bytes | None) -> None:
        if key == POSITION_KEY and value is not None:
            state = json.loads(value)
            self._count, self._total, self._squares = state["count"], state["total"], state["squares"]
            self.committed, self._at_end = state["committed"], state["at_end"]
            if state["topology"] != self._topology:
                message = f"this state was made for {state['topology']} partitions of predictions, not {self._topology}"
                raise TopologyMismatchError(message)

    def restored(self) -> None:
        pass

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        del now_ms
        for record in records:
            if record.value == POISON:
                message = "the core broke"
                raise RuntimeError(message)
            number = int(record.value or b"0")
            self._count += 1
            self._total += number
            self._squares += number * number
        self.committed["predictions"] = records[-1].offset
        self._rows += len(records)
        self._dirty = True

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        del now_ms
        at_end = self.committed.get("predictions", -1) + 1 >= ends["predictions"]
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
            "count": self._count,
            "total": self._total,
            "squares": self._squares,
            "at_end": self._at_end,
            "committed": self.committed,
        }
        value = json.dumps(state).encode()
        writes = [Write(STATE, b"filler %d" % number, b"." * 1_000) for number in range(self._filler)]
        writes += [Write("partials", b"%d" % self._partition, value), Write(STATE, POSITION_KEY, value)]
        return Checkpoint(tuple(writes), dict(self.committed))

    def drain(self) -> list[Observation]:
        rows, self._rows = self._rows, 0
        return [Observation("rows", {"model": "m", "fate": "counted"}, rows)] if rows else []
