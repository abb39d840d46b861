"""Guard: the words of alerts and vetoes, for a reader who has nothing else: shares, times and names in plain words."""

from kedge.schemas.records import AckResult, ControlKind, OverrideAction, Role, Verdict
from kedge.schemas.report_json import iso_time
from tests.streams.core.made_guard import ARMED, LENGTH, Desk, finding, routed
from tests.streams.core.test_guard_evidence import QUIET, pairs, score
from tests.streams.core.test_guard_rollback import warm

HOUR = 3_600_000
DRILLED = ARMED + "drills: {every: 1d}\npromotion: {outcome_duration: 2m, disagreement_max: 0.2}\n"


def said(desk: Desk, subject: str) -> str:
    """Return the last alert's summary on a subject."""
    return next(alert.summary for alert in reversed(desk.alerts) if alert.subject == subject)


def evidence(desk: Desk, veto: str) -> str:
    """Return what a veto of the newest rollback that was weighed rests on."""
    weighed = next(entry for entry in reversed(desk.journal) if entry.vetoes)
    return next(note.evidence for note in weighed.vetoes if note.name == veto)


def drift(desk: Desk, *features: str) -> None:
    """Features of the primary drift for two windows, beside a healthy canary."""
    drifted = tuple(finding(Verdict.DRIFTED, signal=name) for name in features)
    for _ in range(2):
        desk.minute(desk.drifted("v1", findings=drifted), desk.report("v2", role=Role.CANARY))


def test_a_command_without_a_target_is_named_without_one() -> None:
    desk = warm()
    drift(desk, "age")
    desk.round(31_000)
    assert said(desk, "command_unacked").startswith("m: FREEZE_ROLLOUT is not acknowledged after 30 s")


def test_what_joins_an_incident_is_also_in_breach() -> None:
    desk = warm()
    drift(desk, "age")
    drift(desk, "age", "city")
    assert said(desk, "drift") == "m v1: updated, also in breach: city (distribution)"


def test_what_stands_beside_nothing_is_in_breach_and_a_rollback_without_a_target_names_none() -> None:
    desk = warm(ARMED + "guardrails: {error_rate: {bound: 0.1}}\n")
    alone = {"version": "v1", "role": Role.PRIMARY, "control": "", "control_kind": ControlKind.NONE, "harms": ()}
    for _ in range(2):
        desk.minute(desk.report("v1"), desk.version_report(**alone))
    assert desk.alerts[0].summary == (
        "m v1: opened, in breach: error_rate; guardrail: error_rate 0.2, the bound is 0.1; "
        "a rollback is vetoed by target (no safe path is known)"
    )


def test_a_shift_names_both_distances() -> None:
    desk = warm()
    for _ in range(3):
        desk.harmed(contrasts=(score(0.5, 0.01),), **QUIET)
    words = "shift: PSI of score 0.5 against its baseline, the control's 0.01; traffic is led to v1"
    assert said(desk, "rollback").endswith(words)


def test_what_has_failed_waits_for_a_person() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed()), AckResult.NACKED))
    assert said(desk, "action_failed").endswith("nothing is done automatically until a person releases it")


def test_drills_are_told_by_their_times_and_rates_as_shares() -> None:
    desk = warm(DRILLED)
    calm = {"harms": (), "verdict": Verdict.STABLE}
    desk.harmed(**calm)
    unknown = {note.name: note.evidence for note in desk.alerts[-1].criteria}
    assert (unknown["drill"], unknown["disagreement"]) == ("there was none yet", "no pair is known, at most 20.0%")
    desk.tell("acks", desk.ack(routed(desk.tell("overrides", desk.override(OverrideAction.DRILL)))))
    last = f"the last good one ended {iso_time(desk.now)}"
    desk.harmed(pairs=pairs(0.125), **calm)
    criteria = {note.name: note.evidence for note in desk.alerts[-1].criteria}
    assert (criteria["drill"], criteria["disagreement"]) == (last, "12.5%, at most 20.0%")
    desk.round(25 * HOUR)
    assert said(desk, "drill_overdue") == f"m: a drill is overdue, {last}; promotion is held"


def test_shares_of_the_traffic_are_percentages_or_unknown() -> None:
    desk = warm()
    desk.harmed(sample_ratio_p_value=1e-9, traffic_share=0.5, expected_share=None)
    assert evidence(desk, "sample_ratio") == "50.0% of the traffic, an unknown share expected; p 1e-09"


def test_what_changed_inside_the_evidence_is_told_by_its_time() -> None:
    desk = warm()
    began = desk.window
    for baseline in ("b1", "b2"):
        late = desk.version_report(latency_p95_ms=500.0, **QUIET)
        desk.minute(desk.report("v1", baseline=baseline), desk.report("v2", role=Role.CANARY), late)
    changed = f"changed since {iso_time(began)}: v1 {iso_time(began + LENGTH)}"
    assert evidence(desk, "changed_inside") == changed


def test_outcomes_that_are_due_sooner_than_their_delay_are_not_behind() -> None:
    desk = warm(ARMED + "outcomes: {click: {delay: 1m}}\n")
    desk.harmed(outcomes_due=True)
    assert evidence(desk, "completeness") == "completeness 100.0%, 95% needed; 0 s behind, 180 s allowed"
