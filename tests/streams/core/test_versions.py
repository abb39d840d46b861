"""A version beside its control: what is told when a window closes and when its outcomes are due."""

import pytest

from kedge.schemas.records import ControlKind, HarmKind, JoinKind, Role, Verdict, VersionReport
from kedge.streams.core.versions_state import COVERAGES_MAX
from tests.streams.core.made import MINUTE, monitor_record
from tests.streams.core.versions_made import START, WINDOWS, Answers, Clicks, Pairs, Stage, harm

COMPARED = "comparison: {expected_share: {v1: 0.95, v2: 0.05}, latency_slo_ms: 200}\n"
CLICKED = COMPARED + "outcomes: {click: {type: binary, delay: 2m}}\n"
CANARY = Answers(version="v2", role=Role.CANARY, requests=1_000)
PRIMARY = Answers(requests=19_000, errors=95)


def of(told: list[VersionReport], version: str = "v2", segment: str = "") -> VersionReport:
    """Return the one report of a version."""
    [report] = [report for report in told if (report.version, report.segment) == (version, segment)]
    return report


def test_a_monitor_without_these_sections_says_nothing_of_versions_and_keeps_nothing() -> None:
    stage = Stage()
    assert stage.windows(range(3), PRIMARY, CANARY) == []
    keys = {write.key for state in stage.states for write in state.writes if write.topic == "state"}
    assert not any(key.startswith((b"stream", b"versions", b"joined")) for key in keys)


def test_a_canary_stands_beside_the_primary_with_the_most_rows() -> None:
    stage = Stage(COMPARED)
    report = of(stage.window(0, PRIMARY, Answers(version="v0", requests=300), CANARY))
    assert (report.control, report.control_kind) == ("v1", ControlKind.CONCURRENT)
    assert (report.requests, report.control_requests) == (1_000, 19_000)
    assert report.control_error_share == pytest.approx(0.005)
    assert (report.revision, report.final, report.outcomes_due, report.began_at) == (0, True, False, START)
    assert report.verdict is Verdict.STABLE


def test_errors_of_the_canary_alone_are_harm_and_those_of_both_are_not() -> None:
    alone, both = Stage(COMPARED), Stage(COMPARED)
    bad = Answers(version="v2", role=Role.CANARY, errors=60)
    last = of(alone.windows(range(6), PRIMARY, bad))
    assert last.verdict is Verdict.DRIFTED
    assert harm(last, "error_rate")[0] is Verdict.DRIFTED
    assert last.reason.startswith("harm is shown: error_rate 0.06, the control's 0.005, evidence ")
    shared = of(both.windows(range(6), Answers(requests=19_000, errors=1_140), bad))
    assert (shared.verdict, harm(shared, "error_rate")[0]) == (Verdict.STABLE, Verdict.STABLE)


def test_slow_answers_are_counted_against_the_slo() -> None:
    stage = Stage(COMPARED)
    report = of(stage.windows(range(6), PRIMARY, Answers(version="v2", role=Role.CANARY, slow=200)))
    assert report.slow_share == pytest.approx(0.2)
    assert harm(report, "slow_rate")[0] is Verdict.DRIFTED


def test_a_harm_says_what_this_traffic_would_show() -> None:
    stage = Stage(COMPARED)
    report = of(stage.windows(range(2), PRIMARY, Answers(version="v2", role=Role.CANARY, errors=5)))
    [error] = [h for h in report.harms if h.kind is HarmKind.ERROR]
    assert error.detectable_change is not None
    assert error.detectable_change > 0
    assert error.windows_to_detect is not None


def test_a_traffic_share_that_chance_does_not_explain_has_a_small_p_value() -> None:
    stage = Stage(COMPARED)
    as_asked = of(stage.window(0, PRIMARY, CANARY))
    assert (as_asked.traffic_share, as_asked.expected_share) == (0.05, 0.05)
    assert as_asked.sample_ratio_p_value == 1.0
    twice = of(stage.window(1, PRIMARY, Answers(version="v2", role=Role.CANARY, requests=2_000)))
    assert twice.sample_ratio_p_value is not None
    assert twice.sample_ratio_p_value < 1e-12


def test_a_shadow_serves_nobody_and_has_no_share() -> None:
    stage = Stage(COMPARED)
    report = of(stage.window(0, PRIMARY, Answers(version="v2", role=Role.SHADOW)))
    assert (report.traffic_share, report.sample_ratio_p_value) == (None, None)
    assert of(stage.window(1, PRIMARY, Answers(version="v2", role=Role.SHADOW)), "v1").traffic_share == 1.0


def test_without_a_primary_there_is_no_control() -> None:
    report = of(Stage(COMPARED).window(0, CANARY))
    assert (report.verdict, report.control, report.control_kind) == (Verdict.INSUFFICIENT, "", ControlKind.NONE)
    assert "no control" in report.reason


def test_windows_that_cannot_be_judged_move_no_counter() -> None:
    stage = Stage(COMPARED)
    bad = Answers(version="v2", role=Role.CANARY, errors=12)
    before = harm(of(stage.windows(range(3), PRIMARY, bad)), "error_rate")[1]
    lost = of(stage.window(3, PRIMARY, Answers(version="v2", role=Role.CANARY, errors=600, lost=500)))
    assert lost.verdict is Verdict.INSUFFICIENT
    assert lost.completeness == pytest.approx(2 / 3)
    few = of(stage.window(4, PRIMARY, Answers(version="v2", role=Role.CANARY, requests=100, errors=100)))
    assert few.verdict is Verdict.INSUFFICIENT
    assert harm(lost, "error_rate") == harm(few, "error_rate") == (Verdict.INSUFFICIENT, before)
    assert stage.window(5, PRIMARY)[0].version == "v1"
    after = harm(of(stage.window(6, PRIMARY, bad)), "error_rate")[1]
    assert after > before


def test_the_lesser_completeness_of_both_counts() -> None:
    report = of(Stage(COMPARED).window(0, Answers(requests=19_000, lost=19_000), CANARY))
    assert (report.verdict, report.completeness) == (Verdict.INSUFFICIENT, 0.5)


def test_evidence_begins_anew_beside_another_control() -> None:
    stage = Stage(COMPARED)
    bad = Answers(version="v2", role=Role.CANARY, errors=12)
    gathered = harm(of(stage.windows(range(4), PRIMARY, bad)), "error_rate")[1]
    fresh = harm(of(stage.window(4, Answers(version="v3", requests=19_000, errors=95), bad)), "error_rate")[1]
    assert fresh < gathered / 2


def test_evidence_begins_anew_with_a_rollout_after_a_day_of_silence() -> None:
    stage = Stage(COMPARED)
    bad = Answers(version="v2", role=Role.CANARY, errors=12)
    gathered = harm(of(stage.windows(range(4), PRIMARY, bad)), "error_rate")[1]
    again = of(stage.window(2 * 1_440, PRIMARY, bad))
    assert again.began_at == START + 2 * 1_440 * MINUTE
    assert harm(again, "error_rate")[1] < gathered / 2


def test_one_sender_that_sends_most_is_seen() -> None:
    stage = Stage(COMPARED)
    sent = Answers(version="v2", role=Role.CANARY, senders={1: 700, 2: 200, 3: 100})
    report = of(stage.window(0, PRIMARY, sent))
    assert (report.largest_sender_share, report.senders) == (0.7, 3)
    unknown = of(stage.window(1, PRIMARY, CANARY))
    assert (unknown.largest_sender_share, unknown.senders) == (None, 0)


def test_drifted_share_is_weighted_by_importance() -> None:
    text = COMPARED + "features: {age: {importance: 3}, city: {type: categorical, importance: 1}}\n"
    report = of(Stage(text).window(0, PRIMARY, Answers(version="v2", role=Role.CANARY, drifted=True)))
    assert report.drifted_share == pytest.approx(3 / 5)  # the score is the fifth
    assert of(Stage(text).window(0, PRIMARY, CANARY)).drifted_share == 0


def test_pairs_of_a_shadow_are_told_and_disagreement_alone_is_no_harm() -> None:
    stage = Stage(COMPARED + "guardrails: {divergence_rate: {bound: 0.2}}\n")
    shadow = Answers(version="v2", role=Role.SHADOW, requests=4_000)
    report = of(stage.window(0, PRIMARY, shadow, Pairs(disagreeing=100)))
    assert report.pairs is not None
    assert (report.pairs.n, report.pairs.disagreement_rate, report.pairs.delta_p50) == (1_000, 0.1, 0.0)
    assert harm(report, "divergence_rate")[0] is Verdict.STABLE
    passed = of(stage.window(1, PRIMARY, shadow, Pairs(disagreeing=300)))
    assert harm(passed, "divergence_rate")[0] is Verdict.DRIFTED
    assert passed.verdict is Verdict.WARNING


def test_a_shadow_inside_the_primarys_events_is_seen_through_its_pairs() -> None:
    stage = Stage(COMPARED)
    values = [stage.value(PRIMARY, START), stage.value(Pairs(), START), stage.own(Pairs(), START, 1_000)]
    report = of(stage.send(*values, stage.progress(START + MINUTE)))
    assert (report.role, report.requests, report.error_share) == (Role.SHADOW, 1_000, None)
    assert report.pairs is not None
    assert (report.pairs.n, report.pairs.join_rate) == (1_000, 1.0)


def test_segments_are_told_apart_and_the_small_ones_together() -> None:
    stage = Stage(COMPARED + "segments: {region: [eu, us]}\n")
    rows = [
        Answers(version=version, role=role, segment=segment, requests=requests)
        for version, role in (("v1", Role.PRIMARY), ("v2", Role.SHADOW))
        for segment, requests in (("", 1_000), ("region=eu", 985), ("region=us", 10), ("region=other", 15))
    ]
    pairs = [
        Pairs(n=n, segment=s) for s, n in (("", 1_000), ("region=eu", 985), ("region=us", 10), ("region=other", 15))
    ]
    told = stage.window(0, *rows, *pairs)
    sizes = {r.segment: r.pairs.n for r in told if r.version == "v2" and r.pairs is not None}
    assert sizes == {"": 1_000, "region=eu": 985, "region=other": 25}


def test_a_guardrail_alone_asks_for_the_primarys_reports() -> None:
    stage = Stage("guardrails: {error_rate: {bound: 0.1}}\n")
    report = of(stage.window(0, PRIMARY), "v1")
    assert (report.verdict, report.control_kind) == (Verdict.STABLE, ControlKind.NONE)
    assert report.error_share == pytest.approx(0.005)


def test_a_baseline_that_changes_inside_is_invalid() -> None:
    stage = Stage(COMPARED)
    first = stage.value(CANARY, START)
    other = stage.value(CANARY, START).replace(stage.plan("v2", START).hashes[1].encode(), b"0" * 16)
    assert first != other
    told = stage.send(stage.value(PRIMARY, START), first, other, stage.progress(START + MINUTE))
    report = of(told)
    assert (report.verdict, report.reason) == (
        Verdict.INVALID,
        "the monitor or the baseline changed inside the window",
    )


CLICK_RATES = (Clicks(predictions=19_000, seen=19_000, clicked=950), Clicks(version="v2", role=Role.CANARY))


def test_outcomes_are_judged_once_they_are_due_and_their_usual_coverage_is_known() -> None:
    stage = Stage(CLICKED)
    told = [report for i in range(8) for report in stage.window(i, PRIMARY, CANARY, *CLICK_RATES)]
    first = [(r.window_start - START) // MINUTE for r in told if r.version == "v2" and r.revision == 0]
    due = [r for r in told if r.version == "v2" and r.revision == 1]
    assert first == list(range(8))
    assert [(r.window_start - START) // MINUTE for r in due] == list(range(6))
    assert {(r.final, r.outcomes_due) for r in due} == {(True, True)}
    assert not any(r.outcomes for r in told if r.revision == 0)
    assert [r.outcomes[0].mature for r in due] == [False, False, False, True, True, True]
    assert due[0].verdict is Verdict.INSUFFICIENT
    assert "immature" in due[0].reason
    assert due[-1].verdict is Verdict.STABLE
    assert (due[-1].outcomes[0].positive_rate, due[-1].control_outcomes[0].positive_rate) == (0.05, 0.05)


def test_what_is_usual_never_falls_to_what_stays_away_and_is_learnt_anew_under_another_monitor() -> None:
    def usual(told: list[VersionReport]) -> float | None:
        return next(r for r in told if r.revision == 1).outcomes[0].usual_coverage

    stage = Stage(CLICKED)
    nothing, some = Clicks(predictions=19_000, seen=0, clicked=0), Clicks(predictions=19_000, seen=7_600)
    assert usual(stage.windows(range(6), PRIMARY, nothing)) is None
    assert usual(stage.windows(range(6, 12), PRIMARY, CLICK_RATES[0])) == 1.0
    assert usual(stage.windows(range(12, 12 + COVERAGES_MAX), PRIMARY, some)) == 1.0
    later = range(12 + COVERAGES_MAX, 18 + COVERAGES_MAX)
    stage.catalog.put_monitor(monitor_record(WINDOWS + CLICKED.replace("2m", "1m"), START + later.start * MINUTE))
    assert usual(stage.windows(later, PRIMARY, some)) == 0.4


def test_fewer_clicks_than_the_control_has_are_harm() -> None:
    stage = Stage(CLICKED)
    lost = Clicks(version="v2", role=Role.CANARY, clicked=20)
    told = stage.windows(range(14), PRIMARY, CANARY, CLICK_RATES[0], lost)
    [due] = [r for r in told if r.version == "v2" and r.revision == 1]
    assert due.verdict is Verdict.DRIFTED
    assert harm(due, "click.positive_rate")[0] is Verdict.DRIFTED


def test_an_immature_window_says_so_and_moves_no_counter() -> None:
    stage = Stage(CLICKED)
    lost = Clicks(version="v2", role=Role.CANARY, clicked=30)
    told = stage.windows(range(8), PRIMARY, CANARY, CLICK_RATES[0], lost)
    evidence = harm(next(r for r in told if r.version == "v2" and r.revision == 1), "click.positive_rate")[1]
    late = Clicks(version="v2", role=Role.CANARY, seen=500, clicked=0)
    told = stage.windows(range(8, 11), PRIMARY, CANARY, CLICK_RATES[0], late)
    due = next(r for r in told if r.version == "v2" and r.revision == 1)
    assert due.outcomes[0].maturity == 0.5
    assert due.verdict is Verdict.INSUFFICIENT
    state = stage.judge._store.versions.stream("m", "v2", "CANARY")  # noqa: SLF001
    assert state is not None
    assert harm(due, "click.positive_rate")[1] > evidence  # windows 6 and 7
    again = next(
        r for r in stage.window(11, PRIMARY, CANARY, CLICK_RATES[0], late) if r.revision == 1 and r.version == "v2"
    )
    assert harm(again, "click.positive_rate") == harm(due, "click.positive_rate")


def test_after_a_full_rollout_the_last_healthy_windows_of_the_version_before_are_the_control() -> None:
    stage = Stage(COMPARED)
    stage.windows(range(5), PRIMARY)
    successor = Answers(version="v2", requests=19_000, errors=95)
    calm = of(stage.window(5, successor))
    assert (calm.control, calm.control_kind, calm.control_requests) == ("v1", ControlKind.HISTORY, 5 * 19_000)
    assert calm.verdict is Verdict.STABLE
    harmed = of(stage.windows(range(6, 12), Answers(version="v2", requests=19_000, errors=600)))
    assert harmed.verdict is Verdict.DRIFTED
    assert of(stage.window(4 + 1_440, successor)).control_kind is ControlKind.HISTORY
    assert of(stage.window(5 + 1_440, successor)).control_kind is ControlKind.NONE


def test_a_harmed_or_drifted_window_is_no_control_for_what_follows() -> None:
    stage = Stage(COMPARED)
    stage.window(0, PRIMARY)
    stage.windows(range(1, 5), Answers(requests=19_000, errors=95, drifted=True))
    report = of(stage.window(5, Answers(version="v2", requests=19_000)))
    assert (report.control_kind, report.control_requests) == (ControlKind.HISTORY, 19_000)


def test_days_of_late_labels_are_told_once_an_hour_and_finally() -> None:
    text = "outcomes: {click: {type: binary, delay: 2m, label_horizon: 2d}}\n"
    stage = Stage(text)
    stage.window(0, PRIMARY)
    told: list[VersionReport] = []
    for index in range(1, 180):
        labels = Clicks(kind=JoinKind.LABEL, predictions=0, seen=index, clicked=index // 2)
        values = [stage.value(labels, START), stage.value(PRIMARY, START + index * MINUTE)]
        told += stage.send(*values, stage.progress(START + (index + 1) * MINUTE))
    days = [r for r in told if r.window_end - r.window_start == 1_440 * MINUTE]
    assert [(r.revision, r.final, r.verdict) for r in days] == [
        (0, False, Verdict.INSUFFICIENT),
        (1, False, Verdict.INSUFFICIENT),
    ]
    assert [r.outcomes[0].n for r in days] == [60, 120]
    last = [r for r in stage.pass_time(3 * 1_440) if r.window_end - r.window_start == 1_440 * MINUTE]
    assert [(r.revision, r.final, r.outcomes[0].n) for r in last] == [(2, True, 179)]
    assert stage.send(stage.value(Clicks(kind=JoinKind.LABEL), START), stage.progress(START + 3 * 1_441 * MINUTE)) == []


def test_joined_counts_change_no_ordinary_report() -> None:
    with_joins, without = Stage(CLICKED), Stage(CLICKED)
    with_joins.windows(range(5), PRIMARY, CANARY, *CLICK_RATES)
    without.windows(range(5), PRIMARY, CANARY)
    assert with_joins.reports == without.reports


def test_joined_counts_are_dropped_with_their_pane() -> None:
    stage = Stage(CLICKED)
    stage.windows(range(70), PRIMARY, CANARY, *CLICK_RATES)
    held = {w.key: w.value for s in stage.states for w in s.writes if w.key.startswith(b"joined")}
    assert sum(value is not None for value in held.values()) <= 2 * 62


def test_a_shift_that_the_control_shows_too_is_the_traffics_doing() -> None:
    stage = Stage(COMPARED)
    shifted = Answers(version="v2", role=Role.CANARY, drifted=True)
    alone = of(stage.window(0, PRIMARY, shifted))
    both = of(stage.window(1, Answers(requests=19_000, drifted=True), shifted))
    causes = [{c.signal: c.cause for c in report.contrasts} for report in (alone, both)]
    assert causes[0]["age"] == "candidate"
    assert causes[1]["age"] == "traffic"
    assert {causes[0]["city"], causes[1]["city"]} == {"none"}
    [age] = [c for c in alone.contrasts if c.signal == "age"]
    assert age.excess is not None
    assert age.psi is not None
    assert age.excess > 1
