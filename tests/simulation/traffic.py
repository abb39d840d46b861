"""Simulated serving nodes: numbered batches and single events, retried, delayed, reordered, lost and dropped."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from kedge.schemas.partition import partition_for
from kedge.schemas.records import Role
from tests.simulation.events import CLICK, Message, Row, Stream, Told
from tests.simulation.setting import FUTURE_MS, LATENESS_MS, MODELS, PANE_MS, UNWATCHED

AMOUNTS: Final = (-5.0, 0.0, 1.0, 9.999, 10.0, 12.5, 20.0, 29.0, 30.0, 39.9, 40.0, 55.0, 100.0, 101.0)
SHIFTED_AMOUNTS: Final = AMOUNTS[9:]
BROKEN_AMOUNTS: Final = (None, float("nan"), float("inf"), -float("inf"))
USUAL_KINDS: Final = ("card",) * 48 + ("cash",) * 37 + ("cheque",) * 10 + (None,) * 5
SHIFTED_KINDS: Final = ("card", "cash", "cheque", *("voucher", None) * 6)
STREAMS: Final = (("v1", Role.PRIMARY), ("v2", Role.SHADOW))
CALM_ROWS: Final = 10 * len(AMOUNTS)
KNOWN: Final = 25
"""Requests of a model and partition that may be answered again."""
REGIONS: Final = ("eu", "us", "mars", None)


@dataclass(order=True, slots=True)
class Posted:
    """A message on its way to a partition."""

    due: int
    order: int
    partition: int = field(compare=False)
    message: Message | Told = field(compare=False)
    garbage: bytes | None = field(default=None, compare=False)


@dataclass(slots=True)
class _Numbering:
    sequence: int = 0
    rows_before: int = 0
    dropped: int = 0


class Senders:
    """All serving nodes; `post` makes messages, `arrived` hands over those whose time has come."""

    def __init__(self, random: Random, partitions: int) -> None:
        self._random = random
        self._partitions = partitions
        self._numbering: dict[tuple[Stream, int], _Numbering] = {}
        self._incarnations = [0, 0]
        self._on_the_way: list[Posted] = []
        self._made = 0
        self._named = 0
        self._requests: dict[tuple[str, int], list[tuple[str, int]]] = {}
        self._shifted: set[str] = set()
        # Some partitions never see some models, and some stay idle for long.
        self._homes = {model: self._some_partitions() for model in (*MODELS, UNWATCHED)}

    def post(self, now: int) -> None:
        """Let one sender do one thing."""
        choice = self._random.random()
        if choice < 0.03:
            self._incarnations[self._random.randrange(len(self._incarnations))] += 1
        elif choice < 0.06:
            self._shifted ^= {self._random.choice(MODELS)}
        elif choice < 0.08:
            self._send(now, self._garbage(), self._random.randrange(self._partitions), b"\xc3\x01garbage")
        elif choice < 0.35:
            self._send_single(now)
        elif choice < 0.5:
            self._send_outcome(now)
        else:
            self._send_batch(now)

    def arrived(self, now: int) -> list[Posted]:
        """Return what has reached the log by `now`, in order of arrival."""
        ready = sorted(posted for posted in self._on_the_way if posted.due <= now)
        self._on_the_way = [posted for posted in self._on_the_way if posted.due > now]
        return ready

    def calm_down(self, timestamp: int) -> list[Posted]:
        """Return a good many of the first model's usual rows, so that an incident has an end."""
        self._on_the_way.clear()
        calm = []
        for version, role in STREAMS:
            stream = Stream("calm", MODELS[0], version, role)
            rows = tuple(_usual_row(index, timestamp) for index in range(CALM_ROWS))
            calm.append(Posted(timestamp, 0, 0, self._batch(stream, 0, rows)))
        return calm

    def close(self, timestamp: int) -> list[Posted]:
        """Return one event a model and partition, so that every watermark passes what came before."""
        self._on_the_way.clear()
        last = (Row(timestamp, amount=None, kind=None, region=None, failed=False, probe=False),)
        return [
            Posted(timestamp, 0, partition, self._batch(self._stream(model), partition, last))
            for model in MODELS
            for partition in range(self._partitions)
        ]

    def _send_batch(self, now: int) -> None:
        stream = self._stream(self._model())
        partition = self._random.choice(self._homes[stream.model])
        place = (stream.model, partition)
        rows = tuple(self._row(self._timestamp(now), place) for _ in range(self._random.randint(1, 14)))
        message = self._batch(stream, partition, rows)
        if self._random.random() < 0.95:
            self._send(now, message, partition)

    def _batch(self, stream: Stream, partition: int, rows: tuple[Row, ...]) -> Message:
        numbering = self._numbering.setdefault((stream, partition), _Numbering())
        if self._random.random() < 0.05:
            numbering.dropped += self._random.randint(1, 5)
        message = Message(stream, rows, numbering.sequence, numbering.rows_before, numbering.dropped)
        numbering.sequence += 1
        numbering.rows_before += len(rows)
        return message

    def _send_single(self, now: int) -> None:
        stream = replace(self._stream(self._model()), producer="")
        self._made += 1
        event = f"event-{self._made}"
        partition = self._random.randrange(self._partitions)
        row = self._row(self._timestamp(now), (stream.model, partition))
        row = replace(row, shadow=self._random.choice((None, None, row.score, 0.9)))
        if self._random.random() < 0.03:
            partition = self._random.randrange(self._partitions)
        self._send(now, Message(stream, (row,), event_id=event), partition)

    def _send_outcome(self, now: int) -> None:
        """Tell what came of a request, or of one that nobody knows."""
        model, partition = self._model(), self._random.randrange(self._partitions)
        known = self._requests.get((model, partition), [])
        request, asked = self._random.choice(known) if known else (self._new_request(partition), now)
        if self._random.random() < 0.1:
            request = self._new_request(partition)
        if self._random.random() < 0.03:
            partition = self._random.randrange(self._partitions)
        kind = CLICK if self._random.random() < 0.9 else "purchase"
        timestamp = asked + self._random.randint(-1_000, 20_000)
        self._send(now, Told(request, model, kind, timestamp, float(self._random.randrange(2))), partition)

    def _send(self, now: int, message: Message | Told, partition: int, garbage: bytes | None = None) -> None:
        copies = self._random.choices((1, 2, 3), (80, 15, 5))[0]
        for _ in range(copies):
            self._made += 1
            self._on_the_way.append(Posted(now + self._delay(), self._made, partition, message, garbage))

    def _delay(self) -> int:
        longest = self._random.choices((200, 5_000, LATENESS_MS // 2, 3 * LATENESS_MS), (60, 28, 9, 3))[0]
        return self._random.randint(0, longest)

    def _timestamp(self, now: int) -> int:
        kind = self._random.random()
        if kind < 0.005:
            return self._random.choice((0, -1, 1))
        if kind < 0.0055:
            # May or may not have come to pass when it arrives; if it has, everything else is late for a while.
            return now + FUTURE_MS + self._random.randint(-2, 3_000)
        if kind < 0.015:
            return now + 3 * FUTURE_MS
        oldest = self._random.choices((3_000, PANE_MS, LATENESS_MS, 3 * LATENESS_MS), (80, 12, 5, 3))[0]
        return now - self._random.randint(-500, oldest)

    def _row(self, timestamp: int, place: tuple[str, int]) -> Row:
        shifted = place[0] in self._shifted
        amounts = SHIFTED_AMOUNTS if shifted else AMOUNTS
        broken = self._random.random() < 0.05
        return Row(
            timestamp=timestamp,
            amount=self._random.choice(BROKEN_AMOUNTS) if broken else self._random.choice(amounts),
            kind=self._random.choice(SHIFTED_KINDS if shifted else USUAL_KINDS),
            region=self._random.choices(REGIONS, (5, 3, 1, 1))[0],
            failed=self._random.random() < 0.05,
            probe=self._random.random() < 0.03,
            request=self._request(timestamp, place),
            score=self._random.choice((0.1, 0.15, 0.5)),
        )

    def _request(self, timestamp: int, place: tuple[str, int]) -> str:
        """A request that others have answered lately in this partition, or a new one."""
        known = self._requests.setdefault(place, [])
        if known and self._random.random() < 0.4:
            return self._random.choice(known)[0]
        request = self._new_request(place[1])
        self._requests[place] = [*known[1 - KNOWN :], (request, timestamp)]
        return request

    def _new_request(self, partition: int) -> str:
        while True:
            self._named += 1
            request = f"request-{self._named}"
            if partition_for(request.encode(), self._partitions) == partition:
                return request

    def _stream(self, model: str) -> Stream:
        node = self._random.randrange(len(self._incarnations))
        version, role = self._random.choices(STREAMS, (3, 1))[0]
        return Stream(f"node-{node}-{self._incarnations[node]}", model, version, role)

    def _model(self) -> str:
        return self._random.choices((*MODELS, UNWATCHED), (60, 30, 4))[0]

    def _some_partitions(self) -> list[int]:
        homes = [partition for partition in range(self._partitions) if self._random.random() < 0.8]
        return homes or [0]

    def _garbage(self) -> Message:
        return Message(Stream("", UNWATCHED, "", Role.PRIMARY), ())


def _usual_row(index: int, timestamp: int) -> Row:
    """Rows that are as the baseline's, in whatever segment and however few."""
    return Row(
        timestamp=timestamp,
        amount=AMOUNTS[index % len(AMOUNTS)],
        kind=USUAL_KINDS[index * 37 % len(USUAL_KINDS)],
        region=("eu", "us", "eu", "mars", "eu", "us", "eu", None, "us", "eu")[index // len(AMOUNTS)],
        failed=False,
        probe=False,
    )
