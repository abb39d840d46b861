"""Where the marks of a picture go, in the units of its own coordinates; the templates draw them as SVG.

Every mark says in words what it shows, and shape and place tell as much as colour does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kedge.detectors.metrics import METRICS
from kedge.schemas.monitor import PolicySpec
from kedge.schemas.records import Bin, Verdict
from kedge.streams.console.words import number, share

__all__ = ["BINS_MAX", "Bar", "Curve", "Dot", "Histogram", "Sample", "Threshold", "curve", "histogram", "thresholds_of"]

BINS_MAX: Final = 16
"""Bins that are drawn; those that moved least are drawn as one."""
ROW: Final = 26
LABEL_MAX: Final = 22
"""Characters: a bin between two numbers of four digits that matter, as 0.0004816."""
BARS: Final = 126.0
"""Where the bars begin; their labels end before."""
BAR_WIDTH: Final = 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin: its place and how long its two bars are."""

    label: str
    y: int
    reference_width: float
    current_width: float
    words: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Reference against current, a row a bin; `merged`: bins that are drawn as one."""

    bars: tuple[Bar, ...]
    height: int
    merged: int


def histogram(bins: Sequence[Bin]) -> Histogram:
    """Return the picture of a finding's bins, in their order.

    >>> picture = histogram([Bin(label="UA", reference=0.2, current=0.4, contribution=0.1)])
    >>> picture.bars[0].words, picture.bars[0].reference_width, picture.bars[0].current_width
    ('20.0 % → 40.0 %', 50.0, 100.0)
    """
    drawn = _drawn(bins)
    highest = max((max(b.reference, b.current) for b in drawn), default=0.0) or 1.0
    bars = tuple(
        Bar(
            label=_short(b.label),
            y=i * ROW,
            reference_width=round(BAR_WIDTH * b.reference / highest, 1),
            current_width=round(BAR_WIDTH * b.current / highest, 1),
            words=f"{share(b.reference)} → {share(b.current)}",
        )
        for i, b in enumerate(drawn)
    )
    return Histogram(bars, max(ROW, ROW * len(bars)), len(bins) - len(drawn) + 1 if len(drawn) < len(bins) else 0)


def _drawn(bins: Sequence[Bin]) -> list[Bin]:
    if len(bins) <= BINS_MAX:
        return list(bins)
    ranked = sorted(range(len(bins)), key=lambda i: -bins[i].contribution)
    kept, rest = sorted(ranked[: BINS_MAX - 1]), ranked[BINS_MAX - 1 :]
    merged = Bin(
        label=f"{len(rest)} other bins",
        reference=sum(bins[i].reference for i in rest),
        current=sum(bins[i].current for i in rest),
        contribution=sum(bins[i].contribution for i in rest),
    )
    return [*(bins[i] for i in kept), merged]


def _short(label: str) -> str:
    return label if len(label) <= LABEL_MAX else f"{label[: LABEL_MAX - 1]}…"


# --- curves ----------------------------------------------------------------------------------------------------------

LEFT: Final = 40.0
RIGHT: Final = 314.0
TOP: Final = 14.0
BOTTOM: Final = 110.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One window on a curve; `value` None: nothing is known of it. `words` say when it was and what it shows."""

    at_ms: int
    value: float | None
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound of the policy: beyond it, which may be above or below, is worse."""

    value: float
    name: str
    style: str
    below: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A window's mark; its shape is its verdict's."""

    x: float
    y: float
    shape: str
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold and the band beyond it."""

    y: float
    band_y: float
    band_height: float
    label: str
    style: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A distance over windows; `paths` are the unbroken stretches, as points of an SVG polyline."""

    dots: tuple[Dot, ...]
    paths: tuple[str, ...]
    lines: tuple[Line, ...]
    top_label: str


def thresholds_of(policy: PolicySpec) -> tuple[Threshold, ...]:
    """Return a policy's bounds."""
    below = not METRICS[policy.metric].larger_is_worse
    return (
        Threshold(policy.warn, f"warning {policy.warn:g}", "warn", below),
        Threshold(policy.drift, f"drift {policy.drift:g}", "drift", below),
    )


def curve(samples: Sequence[Sample], thresholds: Sequence[Threshold], *, top: float | None = None) -> Curve:
    """Return the picture of a value over windows, oldest left; `top`: the upper end, where it is fixed."""
    known = [sample.value for sample in samples if sample.value is not None]
    highest = max((*known, *(1.3 * t.value for t in thresholds), 1e-9)) if top is None else top
    first, last = (samples[0].at_ms, samples[-1].at_ms) if samples else (0, 0)

    def x(at_ms: int) -> float:
        return round(LEFT + (RIGHT - LEFT) * ((at_ms - first) / (last - first) if last > first else 0.5), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * min(max(value / highest, 0.0), 1.0), 1)

    dots: list[Dot] = []
    stretches: list[list[str]] = [[]]
    for sample in samples:
        if sample.value is None:
            stretches.append([])
            dots.append(Dot(x(sample.at_ms), BOTTOM, "unknown", sample.words))
        else:
            stretches[-1].append(f"{x(sample.at_ms)},{y(sample.value)}")
            dots.append(Dot(x(sample.at_ms), y(sample.value), sample.verdict.value.lower(), sample.words))
    return Curve(
        dots=tuple(dots),
        paths=tuple(" ".join(stretch) for stretch in stretches if len(stretch) > 1),
        lines=tuple(_lines(thresholds, y)),
        top_label=number(highest),
    )


def _lines(thresholds: Sequence[Threshold], y: Callable[[float], float]) -> Iterator[Line]:
    ordered = sorted(thresholds, key=lambda t: t.value)
    for i, threshold in enumerate(ordered):
        here = y(threshold.value)
        if threshold.below:
            far = BOTTOM if i == 0 else y(ordered[i - 1].value)
            band = (here, far - here)
        else:
            far = TOP if i == len(ordered) - 1 else y(ordered[i + 1].value)
            band = (far, here - far)
        yield Line(here, band[0], round(max(0.0, band[1]), 1), threshold.name, threshold.style)
