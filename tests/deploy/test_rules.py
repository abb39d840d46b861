"""Rules of Prometheus: they are well-formed, ask for metrics that there are, and each alert is tried in three ways."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from kedge.streams.worker.metric import Kind
from kedge.streams.worker.metrics import CORE_METRICS, WORKER_METRICS
from tests.support.parts import part
from tests.support.prometheus import PROMETHEUS, RULES
from tests.support.repository import ROOT

TESTS: Final = tuple(sorted((ROOT / "deploy/prometheus/tests").glob("*.yml")))
SEVERITIES: Final = {"page", "ticket", "info"}
FIXED: Final = ("severity", "lost", "burn")
"""Labels that tell rules of one name apart."""
ALERTS: Final = {
    *("KedgeDriftPage", "KedgeRollbackSent", "KedgeCommandUnacked", "KedgeActionFailed", "KedgeErrorShareHigh"),
    *("KedgeLatencyHigh", "KedgeSensingDegraded", "KedgeNoData", "KedgeWatermarkStuck", "KedgeCheckpointOld"),
    *("KedgeDeadLettersRising", "KedgePublisherDrops", "KedgeModelOld", "KedgeDrillOverdue", "KedgeWorkerDown"),
    *("KedgeErrorBudgetBurn", "KedgeRegistryAway"),
}

Rule = Mapping[str, Any]
Named = tuple[str, frozenset[tuple[str, str]]]


def rules(paths: tuple[Path, ...] = RULES) -> list[Rule]:
    contents = [yaml.safe_load(path.read_text()) for path in paths]
    return [rule for content in contents for group in content["groups"] for rule in group["rules"]]


def alerting() -> list[Rule]:
    return [rule for rule in rules() if "alert" in rule]


def named(name: str, labels: Mapping[str, str]) -> Named:
    return name, frozenset((label, labels[label]) for label in FIXED if label in labels)


def tried(paths: tuple[Path, ...] = TESTS) -> Iterator[list[tuple[str, list[Named]]]]:
    """Yield, of each test, what was asked for at each time, in order: a name, and what then was firing of it."""
    for path in paths:
        for test in yaml.safe_load(path.read_text())["tests"]:
            asked = sorted(test["alert_rule_test"], key=lambda one: int(one["eval_time"].removesuffix("m")))
            yield [
                (one["alertname"], [named(one["alertname"], e["exp_labels"]) for e in one.get("exp_alerts") or ()])
                for one in asked
            ]


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"(?<![\w:])kedge_\w+", expression))


def known_metrics() -> set[str]:
    known = set()
    for metric in (*CORE_METRICS.values(), *WORKER_METRICS.values()):
        histogram = metric.kind is Kind.HISTOGRAM
        known |= {f"{metric.name}_{end}" for end in ("bucket", "sum", "count")} if histogram else {metric.exposed}
    return known


@pytest.mark.parametrize(
    "arguments",
    [["check", "rules", *RULES], ["check", "config", PROMETHEUS], ["test", "rules", *TESTS]],
    ids=["rules", "config", "tests"],
)
def test_promtool_finds_nothing_wrong(arguments: list[str]) -> None:
    done = subprocess.run(
        [part("promtool"), *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_every_alert_that_is_promised_is_there_and_no_other() -> None:
    assert {rule["alert"] for rule in alerting()} == ALERTS


@pytest.mark.parametrize("rule", alerting(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_says_how_grave_it_is_and_what_to_do(rule: Rule) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    page = rule["annotations"]["runbook_url"].rpartition("/")[2]
    assert page == f"{re.sub(r'(?<!^)(?=[A-Z])', '_', rule['alert'].removeprefix('Kedge')).lower()}.md"
    assert (ROOT / "docs/runbooks" / page).is_file()


@pytest.mark.parametrize("rule", alerting(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_is_seen_to_fire_to_resolve_and_not_to_fire(rule: Rule) -> None:
    name = named(rule["alert"], rule["labels"])
    of_name = [[firing for alert, firing in test if alert == rule["alert"]] for test in tried()]
    fired = [test for test in of_name if any(name in firing for firing in test)]
    assert fired, "it never fires"
    assert any(name not in test[-1] for test in fired), "it never resolves"
    assert any(test and not any(test) for test in of_name), "it is never seen not to fire"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_and_records_that_there_are(rule: Rule) -> None:
    records = {rule["record"] for rule in rules() if "record" in rule}
    assert metrics_in(rule["expr"]) <= known_metrics()
    assert set(re.findall(r"environment\w*:[\w:]+", rule["expr"])) <= records
