"""Whether a version does worse than its control: a test of harm, not of change, that may be asked after every window.

**Null.** In every window the candidate's rate p1 is at least c·p0, c = 1 - ε, where p0 is the control's rate in that
window; of bad events (errors, slow answers) it is at most c·p0, c = 1 + ε. Rates may change as they like from window
to window, as long as both do.

**Evidence of a window.** For an alternative rate ratio r (p1 = r·p0), let p0* be a guess of the control's rate made
before the window, p1* = r·p0*, and (p1°, p0°) the point of the null that is nearest to (p1*, p0*) by
n1·KL(p1*‖p1) + n0·KL(p0*‖p0). e is the window's likelihood under (p1*, p0*) by that under (p1°, p0°). For rare events
the guess drops out, and e is the ratio of the binomial likelihoods of the candidate's events given the events of both.

**Guarantee.** Under the null E[e] ≤ 1, whatever p0 is and whatever was guessed. Proof: rows being independent,
E[e] = A(p1)^n1 · B(p0)^n0 with A and B affine and A(p1°) = B(p0°) = 1. Its logarithm is concave, is 0 at (p1°, p0°),
and has there the gradient -∇(n1·KL + n0·KL), which points away from the null, because that point is the nearest and the
null is convex. So it is ≤ 0 on all of the null (Turner, Ly and Grünwald, 2024, for a block of rows). Rows that differ
in their rates only make E[e] smaller. With a design effect d, e^(1/d) is taken, and E[e^(1/d)] ≤ E[e]^(1/d) ≤ 1.

**Over windows.** Per alternative M = e·(w + M before) (Shiryaev and Roberts; an e-detector of Shin, Ramdas and Rinaldo,
2024), with a weight w ≤ 1 that is known before the window. E[M] then grows by at most 1 a window, the mean over
alternatives does so too, and without harm mean M takes at least A windows on average to reach A. w is 1 in all windows
that could tell anything, and next to 0 in those that cannot: else a year of empty windows would add up to evidence.

A control that is not measured anew in each window breaks this: use `HarmTest.update_against_past` for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from scipy.special import betaincinv

from kedge.detectors.arrays import Floats

__all__ = ["LOG_HARM", "LOG_WARNING", "Counted", "HarmState", "HarmTest"]

LOG_HARM: Final = math.log(103_680)
"""Of ln mean M; without harm it takes a year of windows of five minutes on average to reach this."""
LOG_WARNING: Final = math.log(8_640)
"""A month."""

Counted: TypeAlias = tuple[float, float]
"""(rows, events among them)."""
HarmState: TypeAlias = tuple[float, ...]
"""ln M of every alternative, then rows and events that the guess of the control's rate rests on."""

_LOSSES: Final = (0.02, 0.03, 0.05, 0.1, 0.2, 0.5)
_EXCESSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 9.0)
_NOTHING: Final = -700.0
"""ln M of no evidence at all, and its least value: finite, so that a state is plain numbers."""
_MARGIN: Final = 1.0
"""How far past harm the evidence of a single alternative may take the mean: what is over must not take days to be
forgotten."""
_PRIOR: Final = (50.0, 0.5)
_EVENTS: Final = 20.0
"""Events that the guess rests on before older ones are forgotten …"""
_KEPT: Final = 0.9
"""… so that this share is left a window later: rates change with the hour."""
_INFORMATIVE: Final = 1e-3
"""Expected growth of ln M in a window, in nats, from which on it has the full weight."""
_CHANCE: Final = 1e-6
"""Chance that a past control's rate lies beyond the bound that is used in its place."""


@dataclass(frozen=True, slots=True)
class HarmTest:
    """A test of one measure; states are plain tuples of floats, and the methods are pure.

    >>> test = HarmTest.of(epsilon=0.01, higher_is_better=True)
    >>> state = test.start()
    >>> for _ in range(12):
    ...     state = test.update(state, candidate=(5_000, 200), control=(5_000, 260))
    >>> test.log_evidence(state) > LOG_HARM
    True
    """

    epsilon: float
    """Relative loss (of bad events: excess) that is not yet harm."""
    higher_is_better: bool
    """Whether events are good."""
    alternatives: tuple[float, ...]
    """Rate ratios candidate by control that are looked for, each beyond 1 ∓ ε."""

    @classmethod
    def of(cls, epsilon: float, *, higher_is_better: bool) -> "HarmTest":
        """With the usual alternatives: losses of 2, 3, 5, 10, 20, 50 %; excesses of 20, 50 % and 2, 3, 5, 10 times.

        The least of them is at least twice ε away.

        Raises:
            ValueError: ε not in [0, 0.5).
        """
        if not 0 <= epsilon < 0.5:  # noqa: PLR2004 (twice that loses everything)
            message = f"epsilon must be in [0, 0.5), not {epsilon:g}"
            raise ValueError(message)
        usual = _LOSSES if higher_is_better else _EXCESSES
        first = max(usual[0], 2 * epsilon)
        changes = (first, *(change for change in usual if change > first))
        sign = -1 if higher_is_better else 1
        return cls(epsilon, higher_is_better, tuple(1 + sign * change for change in changes))

    @property
    def bound(self) -> float:
        """c: the rate ratio at which harm begins."""
        return 1 - self.epsilon if self.higher_is_better else 1 + self.epsilon

    def start(self) -> HarmState:
        """No evidence, nothing known."""
        return (*(_NOTHING for _ in self.alternatives), *_PRIOR)

    def update(self, state: HarmState, candidate: Counted, control: Counted, design_effect: float = 1.0) -> HarmState:
        """With one more window, in which both were measured; unchanged if either has no rows.

        Args:
            state: before the window.
            candidate: rows and events of the version.
            control: rows and events of its control in the same window.
            design_effect: rows that are worth one independent row, ≥ 1.

        Raises:
            ValueError: more events than rows, negative ones, or a design effect below 1.
        """
        _check(candidate, control, design_effect)
        if candidate[0] == 0 or control[0] == 0:
            return state
        table = np.array([*candidate, *control]) / design_effect
        return tuple(step(self, np.array(state), table).tolist())

    def update_against_past(
        self, state: HarmState, candidate: Counted, control: Counted, design_effect: float = 1.0
    ) -> HarmState:
        """With one more window, against counts that stay the same in all windows: the control served before.

        Its chance deviation would else be counted anew in each window. So its rate is taken for known, at the end of
        its Clopper-Pearson interval from where it accuses no candidate wrongly but with a chance of 1e-6.

        Args:
            state: before the window.
            candidate: rows and events of the version in this window.
            control: rows and events of the control in the past, the same ones each time.
            design_effect: rows that are worth one independent row, ≥ 1.

        Raises:
            ValueError: as `update`.
        """
        _check(candidate, control, design_effect)
        if candidate[0] == 0 or control[0] == 0:
            return state
        rows, events = control[0] / design_effect, control[1] / design_effect
        rate = _bounded(rows, events, lower=self.higher_is_better)
        table = np.array([*candidate, 0.0, 0.0]) / design_effect
        rates = null_rates(self, np.array(rate), np.array(0.0))
        logs = np.array(state[: len(self.alternatives)])
        return (*_evidence(logs, table, rates).tolist(), *state[len(self.alternatives) :])

    def log_evidence(self, state: HarmState) -> float:
        """The logarithm of the mean of M over the alternatives; 0 where that is below 1. Hold it against `LOG_HARM`."""
        logs = np.array(state[: len(self.alternatives)])
        return max(0.0, float(log_mean(logs)))


def log_mean(logs: Floats) -> Floats:
    """The logarithm of the mean of M over the last axis, from ln M."""
    return np.asarray(np.logaddexp.reduce(logs, axis=-1) - math.log(logs.shape[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What the likelihoods of a window are taken under; arrays of shape (…, alternatives)."""

    candidate: Floats
    """p1*."""
    control: Floats
    """p0*."""
    null_candidate: Floats
    """p1°."""
    null_control: Floats
    """p0°."""


def null_rates(test: HarmTest, guess: Floats, weight: Floats) -> Rates:
    """The alternatives at the guessed rate, and the nearest point of the null to each.

    With s = n1 / (n1 + n0), p0° solves s(c·p - p1*)(1 - p) + (1 - s)(p - p0*)(1 - c·p) = 0; it is the lesser root.

    Args:
        test: the ratios.
        guess: p0*, shape (…), inside (0, 1).
        weight: s, shape (…).
    """
    c, s = test.bound, weight[..., None]
    # Past c·p0 = 1 there is no harm left to see; short of it an alternative stays inside (0, 1).
    control = np.minimum(guess, 0.99 / c)[..., None] + np.zeros(len(test.alternatives))
    candidate = np.minimum(np.array(test.alternatives) * control, (1 + c * control) / 2)
    b = s * (c + candidate) + (1 - s) * (1 + c * control)
    total = s * candidate + (1 - s) * control
    null = 2 * total / (b + np.sqrt(np.maximum(b * b - 4 * c * total, 0.0)))
    return Rates(candidate, control, c * null, null)


def weights_of_rows(rates: Rates) -> tuple[Floats, Floats, Floats, Floats]:
    """What one row adds to ln e: a candidate's event, its other row, a control's event, its other row."""
    return (
        np.log(rates.candidate / rates.null_candidate),
        np.log1p(-rates.candidate) - np.log1p(-rates.null_candidate),
        np.log(rates.control / rates.null_control),
        np.log1p(-rates.control) - np.log1p(-rates.null_control),
    )


def step(test: HarmTest, states: Floats, tables: Floats) -> Floats:
    """`HarmTest.update` of many states at once.

    Args:
        test: the test.
        states: shape (…, alternatives + 2).
        tables: shape (…, 4): rows and events of the candidate, rows and events of the control, each divided by the
            design effect; rows are positive.
    """
    known, events = states[..., -2], states[..., -1]
    guess = (events + 0.5) / (known + 1)
    rates = null_rates(test, guess, tables[..., 0] / (tables[..., 0] + tables[..., 2]))
    kept = np.where(events < _EVENTS, 1.0, _KEPT)[..., None]
    memory = kept * states[..., -2:] + tables[..., 2:]
    return np.concatenate((_evidence(states[..., :-2], tables, rates), memory), axis=-1)


def _evidence(logs: Floats, tables: Floats, rates: Rates) -> Floats:
    """The logarithm of M after the window, shape (…, alternatives)."""
    event, other, control_event, control_other = weights_of_rows(rates)
    n, x, n0, x0 = (tables[..., column, None] for column in range(4))
    log_e = x * event + (n - x) * other + x0 * control_event + (n0 - x0) * control_other
    growth = n * (rates.candidate * event + (1 - rates.candidate) * other) + n0 * (
        rates.control * control_event + (1 - rates.control) * control_other
    )
    log_weight = np.log(np.clip(growth / _INFORMATIVE, math.exp(_NOTHING), 1.0))
    most = LOG_HARM + math.log(logs.shape[-1]) + _MARGIN
    return np.clip(log_e + np.logaddexp(log_weight, logs), _NOTHING, most)


def _bounded(rows: float, events: float, *, lower: bool) -> float:
    """End of the one-sided Clopper-Pearson interval, inside (0, 1)."""
    if lower:
        rate = 0.0 if events <= 0 else float(betaincinv(events, rows - events + 1, _CHANCE))
    else:
        rate = 1.0 if events >= rows else float(betaincinv(events + 1, rows - events, 1 - _CHANCE))
    return min(max(rate, _CHANCE), 1 - _CHANCE)


def _check(candidate: Counted, control: Counted, design_effect: float) -> None:
    sides: Sequence[Counted] = (candidate, control)
    if not all(0 <= events <= rows < math.inf for rows, events in sides) or not design_effect >= 1:
        message = f"rows and events {candidate}, {control}, design effect {design_effect}: impossible"
        raise ValueError(message)
