"""Guard: what counts as evidence for a rollback, and what speaks against it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kedge.schemas.records import Action, Alert, Command, Contrast, ControlKind, HarmKind, PairSection, Role, Verdict
from tests.streams.core.made_guard import ARMED, DAWN, Desk, harm, notes, routed, subjects
from tests.streams.core.test_guard_rollback import warm

DAY = 24 * 3_600_000
QUIET: Mapping[str, object] = {"harms": (), "verdict": Verdict.STABLE}


def routes(desk: Desk) -> int:
    return len({c.command_id for c in desk.commands if c.action is Action.ROUTE_TO_SAFE_PATH})


def tell(desk: Desk, windows: int, **changes: object) -> int:
    """So many windows of the canary as told; returns after how many of them traffic was led away (0: never)."""
    for number in range(1, windows + 1):
        desk.harmed(**{**QUIET, **changes})
        if routes(desk):
            return number
    return 0


def pairs(rate: float) -> PairSection:
    return PairSection(
        n=500,
        sampled_share=1.0,
        unmatched_candidate=0,
        unmatched_control=0,
        disagreements=int(500 * rate),
        disagreement_rate=rate,
        disagreement_low=rate - 0.05,
        disagreement_high=rate + 0.05,
        flips=(),
        features=(),
    )


def score(own: float, control: float, cause: str = "candidate") -> Contrast:
    return Contrast(signal="score", kind="score", candidate_psi_debiased=own, control_psi_debiased=control, cause=cause)


def test_paired_divergence_is_evidence_only_with_harm_and_once_it_lasts() -> None:
    warning = harm(verdict=Verdict.WARNING)
    assert tell(warm(), 4, pairs=pairs(0.5)) == 0
    assert tell(warm(), 4, harms=(warning,)) == 0
    assert tell(warm(), 4, pairs=pairs(0.5), harms=(warning,)) == 2


def test_an_slo_breach_that_the_control_does_not_share_is_harm_once_it_lasts() -> None:
    assert tell(warm(), 4, latency_p95_ms=500.0) == 2
    assert tell(warm(), 4, latency_p95_ms=500.0, control_latency_p95_ms=400.0) == 0


def test_a_score_breach_counts_if_it_began_with_the_rollout_and_the_control_has_none() -> None:
    assert tell(warm(), 4, contrasts=(score(0.5, 0.01),)) == 2
    assert tell(warm(), 4, contrasts=(score(0.5, 0.4, "traffic"),)) == 0
    assert tell(warm(), 4, contrasts=(score(0.5, 0.01),), began_at=DAWN - 2 * DAY) == 0


def test_history_is_the_control_of_a_full_rollout_for_a_day() -> None:
    history = {"control_kind": ControlKind.HISTORY, "role": Role.PRIMARY, "harms": (harm(),)}
    desk = warm()
    assert tell(desk, 3, **history) == 1
    assert desk.commands[0].target_version == "v1"
    assert tell(warm(), 3, **history, began_at=DAWN - 2 * DAY) == 0


def test_a_guardrail_acts_in_two_consecutive_judged_windows_where_opted_in() -> None:
    text = ARMED + "guardrails: {error_rate: {bound: 0.1}}\n"
    alone = {"control": "", "control_kind": ControlKind.NONE, "control_error_share": None}
    assert tell(warm(), 4, **alone) == 0
    assert tell(warm(text), 4, **alone) == 2
    desk = warm(text)
    desk.harmed(**QUIET, **alone)
    desk.harmed(**QUIET, **alone, n_eff=10.0)  # cannot be judged: neither a breach nor an end of one
    assert routes(desk) == 0
    assert tell(desk, 1, **alone) == 1


def test_a_guardrail_that_only_pages_freezes_nothing() -> None:
    desk = warm(ARMED + "guardrails: {error_rate: {bound: 0.1, action_on_breach: page_owner}}\n")
    desk.harmed(**QUIET)
    assert subjects(desk.harmed(**QUIET)) == ["OPENED drift"]


def test_outcome_harm_in_a_segment_leads_away_too() -> None:
    clicks = harm(HarmKind.OUTCOME, "click.positive_rate", change=-0.2)
    desk = warm()
    desk.minute(desk.version_report(segment="region=eu", harms=(clicks,), outcomes_due=True))
    assert routes(desk) == 1


@pytest.mark.parametrize(
    ("veto", "changes"),
    [
        ("few_samples", {"control_n_eff": 20.0}),
        ("sample_ratio", {"sample_ratio_p_value": 1e-9, "traffic_share": 0.5, "expected_share": 0.05}),
        ("completeness", {"completeness": 0.9}),
        ("target", {"control": "v9"}),
        ("one_sender", {"largest_sender_share": 0.9}),
    ],
)
def test_a_veto_withholds_the_rollback_is_said_once_and_all_are_logged(veto: str, changes: dict[str, object]) -> None:
    desk = warm()
    desk.harmed(**changes)
    desk.harmed(**changes)
    vetoed = next(e for e in desk.journal if e.vetoes)
    assert [name for name, result in notes(vetoed).items() if result == "stands"] == [veto]
    assert "veto_rollback" in vetoed.decision
    assert [a.event.value for a in desk.alerts if a.subject == "rollback"] == ["OPENED"]
    assert {n.name: n.result for n in desk.alerts[0].vetoes} == notes(vetoed)
    assert routes(desk) == 0
    assert routed(desk.harmed()).target_version == "v1"  # the veto is gone: so is the reason to wait


def test_common_cause_and_a_target_in_breach_veto() -> None:
    desk = warm(ARMED + "guardrails: {error_rate: {bound: 0.1}}\n")
    desk.harmed(control_error_share=0.15)
    drifted = warm()
    drifted.minute(drifted.drifted("v1"), drifted.report("v2", role=Role.CANARY), drifted.version_report())
    stands = [
        [n for n, result in notes(next(e for e in d.journal if e.vetoes)).items() if result == "stands"]
        for d in (desk, drifted)
    ]
    assert stands == [["common_cause"], ["target"]]


def test_late_evidence_is_not_about_now() -> None:
    desk = warm()
    desk.now += 10 * 60_000
    desk.harmed()
    assert [n for n, r in notes(next(e for e in desk.journal if e.vetoes)).items() if r == "stands"] == ["completeness"]


def test_a_monitor_that_changed_inside_the_evidence_vetoes() -> None:
    desk = warm()
    for number in range(2):
        control = desk.report("v1", baseline="b1" if number == 0 else "b2")
        late = {"latency_p95_ms": 500.0, **QUIET}
        desk.minute(control, desk.report("v2", role=Role.CANARY), desk.version_report(**late))
    assert [n for n, r in notes(next(e for e in desk.journal if e.vetoes)).items() if r == "stands"] == [
        "changed_inside"
    ]


def test_many_models_that_ask_at_once_are_one_cause() -> None:
    desk = Desk(rollbacks=[(f"m{i}", DAWN + 1_000) for i in range(3)])
    desk.calm()
    desk.harmed()
    entry = next(e for e in desk.journal if e.vetoes)
    assert notes(entry)["many_models"] == "stands"
    assert "m0@" in next(r.value for r in entry.readings if r.name == "rollbacks")
    assert desk.recounted() == []


def test_a_second_rollback_within_a_day_is_for_people() -> None:
    desk = warm()
    desk.led_back()
    for _ in range(14):
        desk.calm("v1")
    assert desk.standing.state == "HEALTHY"
    desk.harmed(version="v3")
    assert notes(next(e for e in reversed(desk.journal) if e.vetoes))["again"] == "stands"
    assert routes(desk) == 1


def test_a_cold_standby_is_eligible_by_an_actuators_word() -> None:
    text = ARMED + "safe_path: {version: v0}\n"
    desk = warm(text)
    desk.harmed()
    assert routes(desk) == 0
    desk.tell("acks", desk.heartbeat("v0"))
    assert routed(desk.harmed()).target_version == "v0"


# -- whom it wakes ----------------------------------------------------------------------------------------------------


def severities(desk: Desk) -> list[str]:
    return [a.severity.value for a in desk.alerts]


def test_background_models_make_tickets_and_so_do_features_of_little_importance() -> None:
    background = warm(ARMED + "risk: background\n")
    background.harmed()
    assert severities(background) == ["TICKET"]
    features = "features: {age: {importance: 0.1}}\nalert_when: {importance_min: 0.5}\n"
    desk = warm(ARMED + features)
    desk.minute(desk.drifted("v1"))
    desk.minute(desk.drifted("v1"))
    assert severities(desk) == ["TICKET"]


def test_an_unknown_kpi_makes_a_ticket_of_a_page_and_a_worse_one_a_page_again() -> None:
    text = ARMED + "outcomes: {click: {type: binary}}\nalert_when: {kpi: click}\n"
    desk = warm(text)
    desk.minute(desk.drifted("v1"))
    sent = desk.minute(desk.drifted("v1"))
    assert severities(desk) == ["TICKET"]
    assert [s.action for s in sent if isinstance(s, Command)] == [Action.FREEZE_ROLLOUT]
    assert [s.subject for s in sent if isinstance(s, Alert)] == ["drift"]


def test_in_every_state_evidence_is_looked_at_and_off_is_not() -> None:
    off = "actions: {page_owner: {mode: off}, freeze_rollout: {mode: off}, route_to_safe_path: {mode: off}}\n"
    desk = warm("comparison: {}\n" + off)
    desk.harmed()
    assert desk.standing.incident is None
    assert {e.reason for e in desk.journal if e.input_topic == "reports"} == {"every action is off"}


def test_dry_run_decides_as_armed_does_and_sends_nothing() -> None:
    """Up to the first command: from there on an armed guard waits for an answer that a dry one never gets."""
    armed, dry = (
        warm(),
        warm(ARMED.replace("actions: {", "actions: {freeze_rollout: {mode: dry_run}, ").replace("armed", "dry_run")),
    )
    for desk in (armed, dry):
        for _ in range(2):
            desk.minute(desk.drifted("v1"))
    first = [next(e for e in desk.journal if e.decision != "none") for desk in (armed, dry)]
    assert first[0].decision == first[1].decision
    assert first[0].staged == first[1].withheld
    assert len(first[0].staged) == 1
    assert dry.commands == []
    for desk in (harmed := (warm(), warm(ARMED.replace("armed", "dry_run")))):
        desk.harmed()
    told = [next(e for e in desk.journal if e.vetoes) for desk in harmed]
    assert told[0].staged == told[1].withheld
    assert replace(told[0].vetoes[0]) == told[1].vetoes[0]
