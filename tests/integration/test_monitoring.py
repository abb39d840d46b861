"""A real worker, scraped by a real Prometheus, which alerts a real Alertmanager, which tells a webhook."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.support.incidents import Day, Scene
from tests.support.kafka import Broker
from tests.support.prometheus import Server, Webhook, alertmanager, prometheus, webhook
from tests.support.repository import ROOT
from tests.support.waiting import wait_for

DRIFTING: Final = "drifting"
CANARY: Final = "canary"
MORE: Final = """
escalation: [lead@example.com]
trained_at: "2023-11-01"
segments: {region: [eu, us]}
"""
BOARDS: Final = {
    path.stem: json.loads(path.read_text()) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")
}
EVERY: Final = {"$__rate_interval": "10s", "$__interval": "10s", "$environment": "dev"}
"""What Grafana puts into expressions; all other variables stand at `All`."""


@dataclass(frozen=True)
class Stage:
    """What was played, and who has watched."""

    scene: Scene
    prometheus: Server
    alertmanager: Server
    told: Webhook
    began: float


@pytest.fixture(scope="module")
def stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One model drifts and recovers; another's drill passes, then its canary harms and is led away from."""
    folder = tmp_path_factory.mktemp("monitoring")
    scene = Scene(kafka, f"monitoring-{uuid.uuid4().hex[:8]}", folder, [DRIFTING, CANARY], more=MORE)
    with webhook() as told, alertmanager(folder, told) as alerting, scene.opened():
        worker = scene.worker.address().removeprefix("http://")
        with prometheus(folder, [worker], alerting) as server:
            yield play(Stage(scene, server, alerting, told, time.time()))


def play(stage: Stage) -> Stage:
    scene = stage.scene
    waiting = "kedge_command_sent_timestamp_seconds"
    scene.routers[CANARY].before = lambda: wait_for(lambda: stage.prometheus.query(waiting), "an open command's age")
    scene.service.send([(0, b"no record of ours")])
    for _ in range(3):
        scene.play(Day(rich=True), DRIFTING, CANARY)
    scene.rehearse(CANARY)
    scene.until(Day(rich=True, age=0.8), [DRIFTING], lambda m: "INCIDENT" in scene.states(m), "an incident")
    wait_for(lambda: stage.told.pages("KedgeDriftPage", "firing"), "the page")
    scene.until(Day(rich=True), [DRIFTING], lambda m: scene.decided(m, "resolve_incident"), "the incident's end")
    scene.until(Day(rich=True, clicks=0.1), [CANARY], scene.commands, "a rollback")
    scene.answered(CANARY)
    return stage


def test_a_page_of_a_drift_reaches_people_with_model_owner_and_runbook(stage: Stage) -> None:
    [page] = stage.told.pages("KedgeDriftPage", "firing")[:1]
    assert page["labels"].items() >= {"model": DRIFTING, "owner": "ops@example.com", "severity": "page"}.items()
    assert page["annotations"]["summary"] == f"{DRIFTING}: an incident is open"
    assert page["annotations"]["runbook_url"] == "https://kedge.example.com/runbooks/drift_page.md"
    assert "runbooks" not in page["labels"]
    assert page["labels"]["incident"] in {entry.incident for entry in stage.scene.journal(DRIFTING)}


def test_the_end_of_the_incident_is_told_too(stage: Stage) -> None:
    def resolved() -> bool:
        pages = stage.told.pages("KedgeDriftPage", "resolved")
        return any(page["labels"]["model"] == DRIFTING for page in pages)

    wait_for(resolved, "that it is over")


def test_a_rollback_is_the_one_page_of_its_incident(stage: Stage) -> None:
    def held() -> list[str]:
        """What the page of the incident's opening is held back by."""
        alerts = stage.alertmanager.get("/api/v2/alerts")
        opened = [a for a in alerts if (a["labels"]["alertname"], a["labels"]["model"]) == ("KedgeDriftPage", CANARY)]
        by = {fingerprint for alert in opened for fingerprint in alert["status"]["inhibitedBy"]}
        return [alert["labels"]["alertname"] for alert in alerts if alert["fingerprint"] in by]

    assert wait_for(held, "the rollback's page to speak for both") == ["KedgeRollbackSent"]
    wait_for(lambda: stage.told.pages("KedgeRollbackSent", "firing"), "the rollback's page")


def test_every_rule_is_evaluated_and_every_record_is_filled(stage: Stage) -> None:
    groups = stage.prometheus.get("/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}, [rule for rule in rules if rule["health"] != "ok"]
    for rule in rules:
        if rule["type"] == "recording":
            wait_for(lambda name=rule["name"]: stage.prometheus.query(name), rule["name"])  # type: ignore[misc]


def asked(expression: str) -> str:
    """An expression as Grafana sends it."""
    for name, value in EVERY.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$\w+", ".*", expression)


@pytest.mark.parametrize("board", BOARDS)
def test_no_panel_fails_and_none_is_empty(stage: Stage, board: str) -> None:
    notes = [note["expr"] for note in BOARDS[board].get("annotations", {}).get("list", ())]
    targets = [target["expr"] for panel in BOARDS[board]["panels"] for target in panel["targets"]]
    empty = [e for e in (*targets, *notes) if not stage.prometheus.seen(asked(e), time.time() - stage.began)]
    assert empty == []


@pytest.mark.parametrize("board", BOARDS)
def test_every_variable_has_something_to_choose(stage: Stage, board: str) -> None:
    for variable in BOARDS[board]["templating"]["list"]:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", str(variable["query"]))
        if variable["type"] == "query":
            assert found is not None
            path = f"/api/v1/label/{found[2]}/values"
            assert stage.prometheus.get(path, **{"match[]": asked(found[1])})["data"], variable["name"]
