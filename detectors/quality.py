"""Quality rules of a monitor: hard limits that its owner set, beside the comparison with the baseline.

A breached rule is DRIFTED with cause PIPELINE: the owner said what right is, so a breach is no matter of degree. A
feature that keeps its rules has no finding of kind quality.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from kedge.detectors.arrays import Floats, Mask
from kedge.detectors.cardinality import Distinct
from kedge.detectors.compare import Comparison
from kedge.detectors.finding import Finding
from kedge.detectors.layout import RuleCounts
from kedge.detectors.verdict import Cause, Verdict

VOLUME = "volume"
"""Signal name of findings about the number of rows."""

_CRITICAL_LEVEL = 1e-5
"""Chance of a false breach of ``critical`` in one window, where the baseline has faults itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRules:
    """The rules of one feature; None: no such rule."""

    missing_max: float | None = None
    """Greatest share of missing rows, 0 to 1."""
    range_min: float | None = None
    range_max: float | None = None
    """Least and greatest value allowed, both included. One row outside is a breach."""
    allowed: frozenset[str] | None = None
    """The only categories allowed. One row of another is a breach."""
    cardinality_max: int | None = None
    """Greatest number of distinct values in a window, up to 800."""
    freshness_max_ms: int | None = None
    """How long before the window's end the last present, valid value may lie."""
    critical: bool = False
    """The model must not go without it: a missing or invalid value where the baseline has none is a breach; where the
    baseline has some, a share greater than chance explains is one (binomial tail below 1e-5)."""

    @property
    def counted(self) -> RuleCounts:
        """What must be counted for these rules beyond the feature's bins."""
        bounds = (self.range_min, self.range_max, self.allowed)
        return RuleCounts(
            out_of_rule=any(bound is not None for bound in bounds), distinct=self.cardinality_max is not None
        )

    def outside_range(self, values: Floats) -> Mask:
        """Which of the numbers break ``range``, shape (n,); NaN breaks nothing: it is invalid already."""
        least = -math.inf if self.range_min is None else self.range_min
        greatest = math.inf if self.range_max is None else self.range_max
        return np.asarray((values < least) | (values > greatest))

    def allows(self, category: str) -> bool:
        """Whether a category keeps ``allowed``."""
        return self.allowed is None or category in self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityCounts:
    """What a window shows of one feature, as far as rules ask for it."""

    n: int
    missing: int
    invalid: int
    out_of_rule: int = 0
    """Present, valid rows that break ``range`` or ``allowed``."""
    distinct: Distinct | None = None
    """None: not counted."""
    last_seen_ms: int | None = None
    """Time of the last present, valid value, whenever it was; None: there was none."""
    window_end_ms: int
    baseline_rows: int = 0
    baseline_faults: int = 0
    """Baseline rows missing or invalid."""
    design_effect: float = 1.0

    @property
    def n_eff(self) -> float:
        """Independent rows."""
        return self.n / self.design_effect


@dataclass(frozen=True, slots=True)
class VolumeBand:
    """Rows expected of a window; None: open."""

    rows_min: int | None = None
    rows_max: int | None = None


def feature_quality(
    name: str, rules: FeatureRules, observed: QualityCounts, *, n_eff_min: float = 200.0
) -> Finding | None:
    """The finding on a feature's rules; None when all are kept.

    Rules about shares (``missing_max``, and ``critical`` against a baseline with faults) need ``n_eff_min`` rows: with
    fewer their breach is INSUFFICIENT, unless a rule that one row can break is broken, too. A window without rows
    breaks no rule but freshness.
    """
    hard = [*_single_row_breaches(rules, observed)]
    soft = [*_share_breaches(rules, observed)]
    if not hard and not soft:
        return None
    enough = bool(hard) or observed.n_eff >= n_eff_min
    reason = "; ".join([*hard, *soft])
    return Finding(
        signal=name,
        kind="quality",
        verdict=Verdict.DRIFTED if enough else Verdict.INSUFFICIENT,
        cause=Cause.PIPELINE if enough else Cause.NONE,
        reason=reason if enough else f"{reason}, but only {observed.n_eff:.4g} effective rows of {n_eff_min:g} needed",
        comparison=Comparison(
            n=observed.n,
            n_eff=observed.n_eff,
            n_reference=observed.baseline_rows,
            missing=observed.missing,
            invalid=observed.invalid,
            out_of_range=observed.out_of_rule,
        ),
    )


def _single_row_breaches(rules: FeatureRules, observed: QualityCounts) -> Iterator[str]:
    if observed.out_of_rule:
        rule = "allowed" if rules.allowed is not None else "range"
        yield f"{observed.out_of_rule} rows break {rule}"
    values, values_max = observed.distinct, rules.cardinality_max
    if values is not None and values_max is not None and values.at_least > values_max:
        yield f"about {values.estimate:.0f} distinct values, {values_max} allowed"
    if rules.freshness_max_ms is not None:
        yield from _stale(rules.freshness_max_ms, observed)
    faults = observed.missing + observed.invalid
    if rules.critical and faults and observed.baseline_faults == 0:
        yield f"critical, and {faults} rows missing or invalid"


def _stale(allowed_ms: int, observed: QualityCounts) -> Iterator[str]:
    if observed.last_seen_ms is None:
        yield "no valid value was ever seen"
        return
    age_ms = observed.window_end_ms - observed.last_seen_ms
    if age_ms > allowed_ms:
        yield f"last valid value {age_ms / 1000:g} s before the window's end, {allowed_ms / 1000:g} s allowed"


def _share_breaches(rules: FeatureRules, observed: QualityCounts) -> Iterator[str]:
    if observed.n == 0:
        return
    if rules.missing_max is not None and observed.missing > rules.missing_max * observed.n:
        yield f"{observed.missing / observed.n:.2%} missing, {rules.missing_max:.2%} allowed"
    if rules.critical and observed.baseline_faults and _beyond_chance(observed):
        share = (observed.missing + observed.invalid) / observed.n
        usual = observed.baseline_faults / observed.baseline_rows
        yield f"critical, and {share:.2%} missing or invalid, {usual:.2%} in the baseline"


def _beyond_chance(observed: QualityCounts) -> bool:
    """Whether P(as many faults or more | the baseline's share) is below the level."""
    faults = (observed.missing + observed.invalid) / observed.design_effect
    usual = observed.baseline_faults / observed.baseline_rows
    if faults <= usual * observed.n_eff:
        return False
    # The binomial tail, which also has a value for the fractions that a design effect makes of counts.
    return float(betainc(faults, observed.n_eff - faults + 1, usual)) < _CRITICAL_LEVEL


def volume_quality(band: VolumeBand, rows: int) -> Finding | None:
    """The finding on the number of rows in a complete window; None when it lies in the band.

    A window without any rows is INSUFFICIENT, whatever the band: no data is no evidence. Do not ask about a window
    that is known to be incomplete: what is late is not missing.
    """
    breach = _outside(band, rows)
    if breach is None:
        return None
    return Finding(
        signal=VOLUME,
        kind="quality",
        verdict=Verdict.DRIFTED if rows else Verdict.INSUFFICIENT,
        cause=Cause.PIPELINE if rows else Cause.NONE,
        reason=breach if rows else f"no data: {breach}",
        comparison=Comparison(n=rows, n_eff=float(rows)),
    )


def _outside(band: VolumeBand, rows: int) -> str | None:
    if band.rows_min is not None and rows < band.rows_min:
        return f"{rows} rows, at least {band.rows_min} expected"
    if band.rows_max is not None and rows > band.rows_max:
        return f"{rows} rows, at most {band.rows_max} expected"
    return None
