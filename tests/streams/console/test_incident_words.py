"""What is told of an incident is true: of whom, in which unit, and what was really done."""

from dataclasses import replace
from typing import Any, Final

import pytest

from kedge.schemas.records import Alert, Evidence, HarmEvidence, Role
from kedge.streams.console.incident_words import wrong
from kedge.streams.console.plight import plight_of
from kedge.streams.console.situation import Situation
from kedge.streams.console.words import share
from kedge.streams.people.harm_words import harm_words
from tests.streams.console.shown import Shelf


def situation(shape: str) -> Situation:
    shelf = Shelf()
    shelf.add("m", shape)
    return shelf.outlook().situation("m")


def signal(name: str, kind: str = "score", cause: str = "DISTRIBUTION") -> Evidence:
    return Evidence(signal=name, kind=kind, verdict="DRIFTED", cause=cause, reason="", bins=())


def headline(shape: str, *signals: Evidence, **changes: Any) -> str:
    """What is said of the open incident, had it been told so."""
    seen = situation(shape)
    incident = seen.board.standing.open_incident()
    assert incident is not None
    incident.alerts = [replace(incident.alerts[0], signals=signals, **{"harms": (), **changes})]
    return wrong(seen, incident)


def test_a_version_that_differs_beside_a_calm_control_is_named_and_not_the_world() -> None:
    assert plight_of(situation("shifted")).wrong == "v2 answers otherwise than v1 on the same traffic: score."
    beside: Final[dict[str, Any]] = {"version": "v2", "role": Role.CANARY}
    found = headline("shifted", signal("score"), signal("label", "label"), **beside)
    assert found == "v2 answers otherwise than v1 on the same traffic: score, label."
    found = headline("shifted", signal("age", "feature"), **beside)
    assert found == "v2 differs from its baseline, and v1 beside it does not: age."


def test_without_a_calm_control_the_cause_is_told_as_it_was_found() -> None:
    assert "so the world has changed" in headline("shifted", signal("score"), version="v1", role=Role.PRIMARY)
    found = headline("drifted", signal("score"), version="v2", role=Role.CANARY)
    assert found.startswith("score drifted from the baseline")


def test_a_signal_is_named_once_and_values_out_of_range_are_meant_too() -> None:
    twice = (signal("age", "feature", "PIPELINE"), signal("age", "quality", "PIPELINE"))
    found = headline("drifted", *twice, version="v1", role=Role.PRIMARY)
    assert (
        found == "age drifted from the baseline: values are missing, out of range, invalid or unseen, so look upstream."
    )


def test_a_bound_that_was_passed_names_its_version() -> None:
    slow = replace(harm("latency_p95_ms", 812.0, 20.0), reason="95 % within 812 ms, the control 20 ms, the SLO 200 ms")
    assert headline("shifted", harms=(slow,)) == f"Version v2: {slow.reason}."


def harm(measure: str, rate: float | None, control: float | None, change: float | None = None) -> HarmEvidence:
    return HarmEvidence(
        measure=measure,
        version="v2",
        control="v1",
        rate=rate,
        control_rate=control,
        change=change,
        n=206,
        control_n=472,
        verdict="DRIFTED",
        reason="why",
    )


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (harm("label", 0.275, -0.00196), "PSI 0.275 of 206 answers beside -0.00196 of 472"),
        (harm("score", 1.12886, 0.000619), "PSI 1.13 of 206 answers beside 0.000619 of 472"),
        (harm("latency_p95_ms", 812.4, 20.0), "95 % within 812 ms of 206 answers beside 20 ms of 472"),
        (harm("error_rate", 0.05, 0.01, 4.0), "5.0 % of 206 beside 1.0 % of 472 (+400.0%)"),
        (harm("late.accuracy", 0.5, 0.9, -0.4), "50.0 % of 206 beside 90.0 % of 472 (-40.0%)"),
        (harm("divergence_rate", 0.3, None), "30.0 % of 206 beside not known of 472"),
        (harm("score", None, None), "PSI not known of 206 answers beside not known of 472"),
    ],
    ids=lambda value: getattr(value, "measure", ""),
)
def test_only_shares_are_percentages(evidence: HarmEvidence, said: str) -> None:
    assert harm_words(evidence, share) == said


def test_a_page_is_a_record_that_was_put_out() -> None:
    assert plight_of(situation("shifted")).did[0] == "A page for flight-ops was put out at 00:42:30 UTC."


def test_alerts_of_the_played_worlds_hold_what_these_words_are_made_of() -> None:
    """The names of measures are the guard's: were they others, a PSI would be a percentage again."""
    alerts: list[Alert] = list(situation("shifted").board.standing.alerts.values())
    assert {harm.measure for alert in alerts for harm in alert.harms} == {"score"}
