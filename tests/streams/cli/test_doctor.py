"""`kedge doctor`: what its lines, its JSON and its exit codes say."""

from dataclasses import replace
from importlib import import_module

import pytest

from kedge.streams.announce import Place
from kedge.streams.clock import now_ms
from kedge.streams.doctor.finding import Finding, Level, fail, ok, unknown
from kedge.streams.people.standing import Standing
from tests.streams.cli.scripted import Deployment
from tests.streams.cli.support import call, lines
from tests.support.kafka import free_port

ALL = ("--since", "1970-01-01")
"""The built-in cluster cannot look offsets up by time."""


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    made = Deployment("doctored")
    made.watch("calm")
    return made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in cluster never answers some questions."""
    monkeypatch.setattr("kedge.streams.doctor.cluster._TIMEOUT_S", 0.5)
    monkeypatch.setattr("kedge.streams.doctor.progress._TIMEOUT_S", 0.5)


def test_brokers_that_do_not_answer_are_exit_4_and_the_rest_is_not_known() -> None:
    told = call("doctor", "--json", "--brokers", f"127.0.0.1:{free_port()}")
    assert told.exit_code == 4
    levels = {line["check"]: line["level"] for line in lines(told)}
    assert (levels.pop("brokers"), levels.pop("registry")) == (Level.FAIL, Level.OK)
    assert set(levels.values()) == {Level.UNKNOWN}


def test_topics_that_are_missing_are_exit_1_and_what_rests_on_them_is_not_known(deployment: Deployment) -> None:
    brokers = deployment.options[1]
    told = call("doctor", "--brokers", brokers, "--environment", "other")
    assert told.exit_code == 1
    assert "-> run `kedge topics create`" in told.stdout
    assert told.stdout.splitlines()[-1] == "1 ok, 2 warn, 1 fail, 9 not known"


def test_a_deployment_is_walked_from_its_brokers_to_its_models(deployment: Deployment) -> None:
    told = call("doctor", "--json", *ALL, *deployment.options)
    assert told.exit_code == 1, told.output
    found = {(line["check"], line["model"]): line for line in lines(told)}
    assert found["windows", "calm"]["level"] == Level.FAIL
    assert found["baseline", "calm"]["do"].startswith("fit and publish one")
    assert all(line["do"] for line in found.values() if line["level"] != Level.OK)
    assert found["windows", "calm"]["said"] == "none was reported; I looked back to 1970-01-01T00:00:00Z"


@pytest.mark.parametrize(("since", "days"), [((), 8), (("--since", "2d"), 2)])
def test_the_journal_is_read_past_the_last_drill_unless_it_is_said_how_far(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, since: tuple[str, ...], days: int
) -> None:
    asked: list[int] = []

    def gather(_place: Place, _model: str | None, since_ms: int) -> dict[str, Standing]:
        asked.append(since_ms)
        return {}

    monkeypatch.setattr(import_module("kedge.streams.doctor.examine"), "gather", gather)
    began_ms = now_ms()
    call("doctor", *since, *deployment.options)
    assert began_ms <= asked[0] + days * 86_400_000 <= now_ms()


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([ok("workers", "2")], 0),
        ([unknown("signing key", "none is named here", "name one")], 0),
        ([replace(unknown("monitor", "its signature was not checked", "name keys"), model="calm")], 0),
        ([unknown("workers", "the group is not told", "ask as another")], 4),
        ([unknown("tally, judge, guard", "no right", "ask as another")], 4),
        ([unknown("monitor", "no right", "ask as another")], 4),
        ([unknown("monitor", "no right", "ask as another"), fail("topics", "missing", "create them")], 1),
    ],
)
def test_what_could_not_be_looked_at_is_not_well(
    monkeypatch: pytest.MonkeyPatch, findings: list[Finding], code: int
) -> None:
    monkeypatch.setattr("kedge.streams.cli.doctor.examine", lambda _: iter(findings))
    assert call("doctor", *ALL, "--brokers", "nowhere:1").exit_code == code
