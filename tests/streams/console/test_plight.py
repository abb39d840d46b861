"""What a tired person is told first: the words, whom it needs, and that no data is never well."""

import re
from dataclasses import replace
from typing import Final

import pytest

from kedge.schemas.records import Action, Override, OverrideAction, Verdict
from kedge.streams.console.fleet import fleet_of, fresh_words
from kedge.streams.console.model_page import model_page
from kedge.streams.console.plight import plight_of
from kedge.streams.console.situation import Need, Plight, Reading, state_of
from kedge.streams.core.guarding.states import State
from tests.schemas.samples import SAMPLES
from tests.streams.cli.scripted import entry
from tests.streams.console.shown import ADVISING, PAIRED, Shelf


def plight(shelf: Shelf, model: str = "m") -> Plight:
    return plight_of(shelf.outlook().situation(model))


def with_(shape: str, **changes: object) -> Shelf:
    shelf = Shelf(**changes)  # type: ignore[arg-type] # the test's own changes
    shelf.add("m", shape)
    return shelf


@pytest.mark.parametrize(
    ("shape", "need", "wrong", "did", "runbook"),
    [
        ("healthy", Need.WELL, "Every signal that is watched is stable", "", ""),
        (
            "harmed",
            Need.NOW,
            "Version v2 does harm: click.positive_rate is",
            "ROUTE_TO_SAFE_PATH (to v1) was sent",
            "rollback",
        ),
        ("drifted", Need.NOW, "age drifted from the baseline", "FREEZE_ROLLOUT was sent", "drift"),
        ("unanswered", Need.NOW, "no router has answered", "It is sent again", "command_unacked"),
        ("failed", Need.NOW, "automation has stopped", "NACKED", "action_failed"),
    ],
)
def test_what_is_wrong_and_what_was_done_are_said(shape: str, need: Need, wrong: str, did: str, runbook: str) -> None:
    found = plight(with_(shape))
    assert (found.need, found.runbook) == (need, runbook)
    assert wrong in found.wrong
    assert did in " ".join(found.did)
    assert (need is Need.NOW) == bool(found.todo)
    assert (found.since_ms is None) == (need is Need.WELL)


RESUME: Final = (
    "Once the version is mended or withdrawn, resume: kedge override force m --action RESUME_ROLLOUT --reason TEXT"
)


def test_a_rollout_that_waits_for_a_person_is_not_well() -> None:
    shelf = with_("frozen")
    assert state_of(shelf.outlook().situation("m").board) == State.HEALTHY
    found = plight(shelf)
    assert (found.need, found.todo, found.runbook) == (Need.WATCH, (RESUME,), "resume_rollout")
    assert "until a person resumes it" in found.wrong
    assert fleet_of(shelf.outlook()).headline == "1 of 1 model wants a look, not tonight: m"


@pytest.mark.parametrize(("shape", "more"), [("frozen", PAIRED), ("harmed", PAIRED), ("advised", ADVISING)])
def test_after_a_rollback_that_was_done_or_advised_a_person_must_resume(shape: str, more: str) -> None:
    shelf = Shelf()
    shelf.add("m", shape, more=more)
    found = model_page(shelf.outlook(), "m").rollout
    assert found.startswith("frozen until a person resumes it, because of a rollback; renewed before")


def test_a_freeze_that_ends_by_itself_is_said_and_needs_nobody() -> None:
    page = model_page(with_("drifted").outlook(), "m")
    assert re.fullmatch(r"frozen until .* UTC, or until it is resumed", page.rollout)
    assert model_page(with_("healthy").outlook(), "m").rollout == ""


def test_what_has_no_traffic_after_a_rollback_is_no_blindness() -> None:
    shelf = with_("rolled back")
    found, board = plight(shelf), shelf.outlook().situation("m").board
    assert [track.last.verdict for track in board.streams.values() if track.version == "v2"] == [Verdict.INSUFFICIENT]
    assert (found.need, found.runbook) == (Need.WATCH, "contained")
    assert found.todo[1:] == (RESUME,)
    row = fleet_of(shelf.outlook()).rows[0]
    assert (row.version, row.verdict) == ("v1", "STABLE")


@pytest.mark.parametrize(("resumed_after_ms", "known"), [(1, True), (0, False)])
def test_who_resumes_explains_the_windows_of_before_and_none_after(resumed_after_ms: int, *, known: bool) -> None:
    shelf = with_("rolled back")
    board = shelf.board.models["m"]
    [gone] = [track.last for track in board.streams.values() if track.version == "v2"]
    standing = board.standing
    route = max(standing.commands.values(), key=lambda command: command.sequence)
    resume = replace(
        route,
        command_id="resume",
        action=Action.RESUME_ROLLOUT,
        sequence=route.sequence + 1,
        issued_at=gone.window_start + resumed_after_ms,
    )
    standing.commands["resume"] = resume
    standing.acks["resume"] = [replace(standing.acks[route.command_id][0], command_id="resume")]
    assert (plight(shelf).need is not Need.UNKNOWN) is known


def test_too_little_of_a_version_that_nobody_led_away_is_not_known() -> None:
    shelf = with_("rolled back")
    shelf.board.models["m"].standing.commands.clear()
    assert plight(shelf).wrong == "The newest window of version v2 is too little to judge by."


def test_silence_is_never_well_and_hides_no_incident() -> None:
    silent = plight(with_("healthy", later_ms=16 * 60_000))
    assert (silent.need, silent.runbook) == (Need.NOW, "sensing_degraded")
    assert silent.wrong.startswith("Nobody knows how it is: no window was reported for 18 min.")
    assert "An incident is open: Version v2 does harm" in plight(with_("harmed", later_ms=3_600_000)).wrong


def test_with_kafka_away_nothing_is_well_and_what_is_wrong_stays_so() -> None:
    away = Reading(ready=True, heard_at=1, trouble="Kafka does not answer", trouble_at=1)
    assert plight(with_("healthy", reading=away)).need is Need.UNKNOWN
    assert plight(with_("harmed", reading=away)).need is Need.NOW
    shelf = with_("healthy", reading=away)
    fleet = fleet_of(shelf.outlook())
    assert (fleet.headline, fleet.need) == ("Nobody knows how your models are now", Need.NOW)
    assert "what stands here is old" in fresh_words(away, shelf.now)


def test_what_nobody_has_asked_kafka_about_for_a_minute_is_not_well() -> None:
    shelf = with_("healthy")
    shelf.reading = Reading(ready=True, heard_at=shelf.now - 60_001)
    assert plight(shelf).need is Need.UNKNOWN
    assert fleet_of(shelf.outlook()).need is Need.UNKNOWN
    shelf.reading = Reading(ready=True, heard_at=shelf.now - 60_000)
    assert plight(shelf).need is Need.WELL


@pytest.mark.parametrize("state", [*State, "", "OF_A_NEWER_RELEASE"])
def test_only_a_healthy_guard_vouches_for_a_model(state: str) -> None:
    """Its alerts may be older than what was read, or hidden from this worker."""
    shelf = with_("healthy")
    shelf.take("journal", entry(model="m", sequence=10_000, decision="none", state_after=state), shelf.now)
    found = plight(shelf)
    assert (found.need is Need.WELL) == (state == "HEALTHY")
    if state in ("INCIDENT", "AWAIT_ACK", "CONTAINED"):
        assert found.need is Need.NOW
        assert "kedge incidents m" in found.todo[0]


def test_what_is_still_being_read_is_not_well_yet() -> None:
    loading = with_("healthy", reading=Reading(done=43, total=100, heard_at=0))
    assert plight(loading).need is Need.UNKNOWN
    fleet = fleet_of(loading.outlook())
    assert (fleet.headline, fleet.detail) == ("Still reading", "Nobody can say yet that one of them is well.")


def test_a_model_of_which_nothing_was_reported_is_not_well() -> None:
    shelf = Shelf()
    shelf.watch("m")
    assert (plight(shelf).need, plight(shelf).wrong) == (Need.UNKNOWN, "No window of it has been reported yet.")
    assert fleet_of(shelf.outlook()).need is Need.UNKNOWN


def test_a_model_whose_monitor_is_gone_is_not_well() -> None:
    shelf = with_("healthy")
    outlook = replace(shelf.outlook(), monitors=Shelf().catalog)
    assert plight_of(outlook.situation("m")).wrong.startswith("No monitor of it is in force")


def test_without_any_model_the_page_says_what_to_do_and_claims_nothing() -> None:
    fleet = fleet_of(Shelf().outlook())
    assert (fleet.headline, fleet.need, fleet.rows) == ("No model has a monitor yet", None, ())
    unread = fleet_of(Shelf(reading=Reading()).outlook())
    assert (unread.headline, unread.need) == ("Reading the topics", None)


def test_whoever_holds_a_model_is_named() -> None:
    shelf = with_("healthy")
    hold = SAMPLES["Override"]
    assert isinstance(hold, Override)
    word = replace(hold, model="m", action=OverrideAction.SUPPRESS, issued_at=shelf.now, expires_at=shelf.now + 60_000)
    shelf.take("overrides", word, shelf.now, 5)
    decided = entry(
        model="m",
        sequence=10_000,
        input_topic="overrides",
        input_partition=0,
        input_offset=5,
        decision="override_suppress",
        state_after="HUMAN_HOLD",
    )
    shelf.take("journal", decided, shelf.now)
    found = plight(shelf)
    assert (found.need, found.runbook) == (Need.WATCH, "hold")
    assert found.did[0].startswith("ada@example.com holds it until")
    shelf.later_ms = 61_000
    assert plight(shelf).runbook != "hold"


def test_the_fleet_is_in_the_order_in_which_people_are_needed() -> None:
    shelf = Shelf()
    for model, shape in (("a", "healthy"), ("b", "drifted"), ("c", "harmed")):
        shelf.add(model, shape)
    shelf.watch("d")
    fleet = fleet_of(shelf.outlook())
    assert [row.model for row in fleet.rows] == ["b", "c", "d", "a"]
    assert fleet.headline == "2 of 4 models need you: b, c"
    assert fleet.rows[1].verdict == "HARM"


def test_a_page_shows_the_evidence_of_its_version() -> None:
    page = model_page(with_("harmed").outlook(), "m")
    assert page.version is not None
    assert [(tab.version, tab.chosen) for tab in page.tabs] == [("v1", False), ("v2", True)]
    assert {card.finding.signal for card in page.version.cards} == {"age", "city", "score"}
    assert all(len(card.samples) == 7 for card in page.version.cards)
    assert [(row.version, row.n) for row in page.outcomes] == [("v1", "400"), ("v2", "400")]
    assert [row.verdict for row in page.harms if row.measure == "click.positive_rate"] == ["DRIFTED"]
    assert page.version.sight is not None
    assert page.version.sight.detectable.startswith("a true PSI from 0.24")
    assert page.version.sight.false_pages == "over 1,000,000,000 windows"
    assert [command.end for command in page.commands] == ["acked", "acked"]
    assert page.incident is not None
    assert [e.kind for e in page.incident.events][:2] == ["told", "sent"]
    assert len(page.incident.events[0].vetoes) == 11
    chosen = model_page(with_("harmed").outlook(), "m", ("v1", "PRIMARY")).version
    assert chosen is not None
    assert chosen.tab.version == "v1"


def test_a_shadow_s_agreement_has_its_interval_and_its_curve() -> None:
    [view] = model_page(with_("healthy").outlook(), "m").agreements
    assert (view.version, view.control, view.agreement, view.pairs) == ("v2", "v1", "100 %", "400")
    assert view.interval == "99.0 % to 100 %"
    assert len(view.samples) == 7
