"""Traffic of a window, drawn from a seeded generator: batches by column as senders make them, and what came of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.bitmap import pack_bits
from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Coded, Outcome, Packed, PredictionBatch, Role

__all__ = ["Serving", "Traffic", "canary", "clicked", "primary", "shadow"]

CITIES: Final = ("london", "paris", "rome")
FAST_MS: Final = 20.0
SLOW_MS: Final = 900.0


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How one version serves in a window; shares are in [0, 1]."""

    version: str = "v1"
    role: Role = Role.PRIMARY
    rows: int = 400
    errors: float = 0.0
    slow: float = 0.0
    """Answers of 900 ms; the others take 20."""
    clicks: float | None = 0.3
    """Positive outcomes by answers; None: no outcome comes."""
    heard: float = 1.0
    """Answers whose outcome comes, by answers."""
    age: float = 0.0
    """Shift of the feature, in standard deviations."""
    missing: float = 0.0
    """Rows without `age`."""
    score: float = 1.0
    """Power that the uniform score is taken to; 1 is the baseline's. A shadow's is taken of the primary's."""
    astray: float = 0.0
    """Answers of a shadow that have nothing to do with the primary's."""
    lost: int = 0
    """Rows that its senders say they had to drop."""
    ahead_ms: int = 0
    """How far its nodes' clocks are ahead."""
    senders: Sequence[float] = (0.25, 0.25, 0.25, 0.25)
    """Each one's share of the rows."""

    @property
    def served(self) -> bool:
        """Whether anybody gets the answer."""
        return self.role is not Role.SHADOW


def primary(version: str = "v1", **changes: object) -> Serving:
    """Return a version that serves."""
    return replace(Serving(version=version), **changes)  # type: ignore[arg-type] # the scenario's own changes


def canary(version: str = "v2", **changes: object) -> Serving:
    """Return a version that serves beside the primary, on requests of its own."""
    return primary(version, **{"role": Role.CANARY, **changes})


def shadow(version: str = "v2", **changes: object) -> Serving:
    """Return a version that answers what the primary answers, and serves nobody."""
    return primary(version, **{"role": Role.SHADOW, **changes})


def clicked(request: str, timestamp: int, click: bool = True) -> Outcome:  # noqa: FBT001, FBT002 (what came of it)
    """Return what came of a request."""
    return Outcome(request_id=request, model="m", kind="click", timestamp=timestamp, observed=float(click))


@dataclass
class _Stream:
    """One sender's numbered batches."""

    sequence: int = 0
    rows: int = 0
    dropped: int = 0


@dataclass(frozen=True, eq=False)
class _Answers:
    """What was asked, and answered with which score."""

    requests: Sequence[str]
    scores: NDArray[np.float64]


class Traffic:
    """Makes the messages of one span of time after the other."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._asked = 0
        self._streams: dict[tuple[str, Role, int], _Stream] = {}

    def span(self, start: int, end: int, servings: Sequence[Serving]) -> list[PredictionBatch | Outcome]:
        """Return the messages of a span of event time, milliseconds; shadows answer what the first primary does."""
        messages: list[PredictionBatch | Outcome] = []
        asked: _Answers | None = None
        for serving in sorted(servings, key=lambda s: s.role is Role.SHADOW):
            times = np.linspace(start, end, serving.rows, endpoint=False).astype(np.int64) + serving.ahead_ms
            answers = self._answers(serving, None if serving.served else asked)
            asked = answers if asked is None else asked
            messages += self._batches(serving, times, answers)
            if serving.served and serving.clicks is not None:
                messages += self._outcomes(serving, times, answers)
        return messages

    def _answers(self, serving: Serving, asked: _Answers | None) -> _Answers:
        if asked is not None:
            rows = min(serving.rows, len(asked.requests))
            anew = self._rng.random(rows)
            own = np.where(self._rng.random(rows) < serving.astray, anew, asked.scores[:rows])
            return _Answers(asked.requests[:rows], own**serving.score)
        numbers = range(self._asked, self._asked + serving.rows)
        self._asked = numbers.stop
        return _Answers([f"r{n}" for n in numbers], self._rng.random(serving.rows) ** serving.score)

    def _outcomes(self, serving: Serving, times: NDArray[np.int64], answers: _Answers) -> Iterator[Outcome]:
        clicks = self._rng.random(serving.rows) < (serving.clicks or 0.0)
        told = list(zip(answers.requests, times.tolist(), clicks.tolist(), strict=True))
        for request, time, click in told[: round(serving.heard * serving.rows)]:
            yield clicked(request, time, click)

    def _batches(self, serving: Serving, times: NDArray[np.int64], answers: _Answers) -> Iterator[PredictionBatch]:
        rng, rows = self._rng, len(answers.requests)
        sender = rng.choice(len(serving.senders), rows, p=np.array(serving.senders))
        age = rng.normal(40.0 + 10.0 * serving.age, 10.0, rows)
        present = rng.random(rows) >= serving.missing
        city = rng.integers(0, len(CITIES), rows)
        latency = np.where(rng.random(rows) < serving.slow, SLOW_MS, FAST_MS)
        failed = rng.random(rows) < serving.errors
        hashed = np.array([id_hash(request) for request in answers.requests], "<u8")
        for number in range(len(serving.senders)):
            own = np.flatnonzero(sender == number)
            stream = self._streams.setdefault((serving.version, serving.role, number), _Stream())
            stream.dropped += serving.lost if number == 0 else 0
            columns = {
                "timestamps": times[own].astype("<i8").tobytes(),
                "request_ids": hashed[own].tobytes(),
                "numbers": {"age": Packed(values=_floats(age[own]), validity=pack_bits(present[own]))},
                "strings": {"city": _coded(CITIES, city[own], None)},
                "score": Packed(values=_floats(answers.scores[own])),
                "latency_ms": Packed(values=_floats(latency[own])),
                "error": _coded(("timeout",), np.zeros(own.size, np.int32), failed[own]),
            }
            yield _batch(serving, number, stream, own.size, columns)
            stream.sequence += 1
            stream.rows += own.size


def _batch(serving: Serving, number: int, stream: _Stream, rows: int, columns: Mapping[str, object]) -> PredictionBatch:
    plain = PredictionBatch(
        model="m",
        version=serving.version,
        role=serving.role,
        producer=f"node-{number}",
        sequence=stream.sequence,
        rows_before=stream.rows,
        dropped=stream.dropped,
        rows=rows,
        timestamps=b"",
        request_ids=b"",
        numbers={},
        strings={},
        segments={},
    )
    return replace(plain, **columns)  # type: ignore[arg-type] # columns by the record's own names


def _floats(values: NDArray[np.float64]) -> bytes:
    return values.astype("<f8").tobytes()


def _coded(
    dictionary: tuple[str, ...], codes: NDArray[np.int64] | NDArray[np.int32], valid: NDArray[np.bool_] | None
) -> Coded:
    validity = None if valid is None else pack_bits(valid)
    return Coded(dictionary=dictionary, codes=codes.astype("<i4").tobytes(), validity=validity)
