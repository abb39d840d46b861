"""Detectors on sequences: fed once a pane, told in decision windows, and lasting as long as the policy wants."""

import numpy as np

from kedge.schemas.records import Cause, Finding, FindingKind, Role, Verdict
from kedge.streams.core.cells import Cell
from kedge.streams.core.sequences import score_mean
from tests.streams.core.versions_made import START, Answers, Clicks, Stage, as_baseline

ERRORS = "sequential: [{detector: page_hinkley, signal: errors, threshold: 0.5, delta: 0.005}]\n"
CLICKS = (
    "outcomes: {click: {type: binary, delay: 2m}}\n"
    "sequential: [{detector: page_hinkley, signal: click, threshold: 0.5, delta: 0.005}]\n"
)
CALM = Answers(errors=10)
BROKEN = Answers(errors=310)


def followed(stage: Stage, version: str = "v1") -> list[Finding]:
    """Return what the detector said of each window when it closed."""
    return [
        finding
        for report in stage.reports
        if (report.version, report.revision) == (version, 0)
        for finding in report.findings
        if finding.kind is FindingKind.SEQUENTIAL
    ]


def test_a_change_is_told_in_the_window_of_the_alarm_and_for_as_long_as_a_drift_must_last() -> None:
    stage = Stage(ERRORS)
    stage.windows(range(35), CALM)
    stage.windows(range(35, 42), BROKEN)
    found = followed(stage)
    assert {finding.signal for finding in found} == {"errors:page_hinkley"}
    verdicts = [finding.verdict for finding in found]
    assert verdicts[:29] == [Verdict.INSUFFICIENT] * 29
    assert verdicts[29:35] == [Verdict.STABLE] * 6
    first = verdicts.index(Verdict.DRIFTED)
    assert verdicts[first : first + 3] == [Verdict.DRIFTED, Verdict.DRIFTED, Verdict.STABLE]
    assert found[first].cause is Cause.UNKNOWN
    alarmed = [r for r in stage.reports if r.revision == 0][first]
    assert (alarmed.verdict, alarmed.reason) == (Verdict.DRIFTED, "drifted: errors:page_hinkley")


def test_an_amended_window_says_the_same_of_the_sequence_and_feeds_nothing_twice() -> None:
    stage = Stage(ERRORS)
    stage.windows(range(35), CALM)
    stage.windows(range(35, 40), BROKEN)
    stream = stage.judge._store.versions.stream("m", "v1", "PRIMARY")  # noqa: SLF001 - what is kept is what is asked
    assert stream is not None
    before = dict(stream.sequences)
    late = Answers(requests=1_100, errors=400)
    stage.send(stage.value(late, START + 36 * 60_000), stage.progress(START + 41 * 60_000))
    amended = [r for r in stage.reports if r.revision == 1]
    assert [(r.requests, r.verdict) for r in amended] == [(1_100, Verdict.DRIFTED)]
    assert stream.sequences == before


def test_outcomes_are_fed_when_they_are_due() -> None:
    stage = Stage(CLICKS)
    for index in range(50):
        clicked = 500 if index < 40 else 20
        stage.window(index, CALM, Clicks(clicked=clicked))
    verdicts = [finding.verdict for finding in followed(stage)]
    assert Verdict.DRIFTED not in verdicts[:-10]
    assert Verdict.DRIFTED in verdicts[-10:]


def test_shadows_and_segments_are_not_followed() -> None:
    stage = Stage(ERRORS + "segments: {region: [eu]}\n")
    stage.windows(range(3), CALM, Answers(segment="region=eu"), Answers(version="v2", role=Role.SHADOW))
    assert len(followed(stage)) == 3
    assert followed(stage, "v2") == []


def test_the_mean_of_a_score_is_that_of_its_bins() -> None:
    plan = Stage().plan("v1", START)
    mean = score_mean(plan, Cell(60_000, as_baseline(plan, Answers(requests=10_000))))
    assert mean is not None
    assert abs(mean - 0.5) < 0.02
    assert score_mean(plan, Cell(60_000, np.zeros(plan.layout.size, np.int64))) is None
