"""Who is told of what: routes by severity, and one page an incident."""

import subprocess
import uuid
from collections.abc import Iterator, Mapping

import pytest

from tests.support.parts import part
from tests.support.prometheus import ALERTMANAGER, Server, Webhook, alertmanager, webhook
from tests.support.repository import ROOT
from tests.support.waiting import wait_for

PAGE = {"environment": "e", "severity": "page"}
MODEL = {**PAGE, "model": "m"}
INCIDENT = {**MODEL, "incident": "i"}


def amtool(*arguments: str) -> str:
    done = subprocess.run([part("amtool"), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_amtool_finds_nothing_wrong() -> None:
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "KedgeDriftPage", "severity": "page", "model": "m"}, "page"),
        ({"alertname": "KedgeModelOld", "severity": "ticket", "model": "m"}, "ticket"),
        ({"alertname": "KedgeModelOld", "severity": "info", "model": "m"}, "nobody"),
        ({"alertname": "SomebodyElses"}, "ticket"),
    ],
)
def test_severity_decides_who_is_told(labels: Mapping[str, str], receiver: str) -> None:
    told = [f"{name}={value}" for name, value in labels.items()]
    assert amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", *told) == receiver


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Webhook]]:
    with webhook() as told, alertmanager(tmp_path_factory.mktemp("alertmanager"), told) as server:
        yield server, told


@pytest.mark.parametrize(
    ("cause", "consequence", "told"),
    [
        (("KedgeRollbackSent", INCIDENT), ("KedgeDriftPage", INCIDENT), False),
        (("KedgeRollbackSent", INCIDENT), ("KedgeDriftPage", {**INCIDENT, "model": "other"}), True),
        (("KedgeRollbackSent", INCIDENT), ("KedgeDriftPage", {**INCIDENT, "incident": "the next"}), True),
        (("KedgeRollbackSent", INCIDENT), ("KedgeErrorShareHigh", {**MODEL, "version": "v2"}), False),
        (("KedgeDriftPage", INCIDENT), ("KedgeLatencyHigh", {**MODEL, "version": "v2"}), False),
        (("KedgeDriftPage", {**INCIDENT, "severity": "ticket"}), ("KedgeLatencyHigh", MODEL), True),
        (("KedgeActionFailed", MODEL), ("KedgeCommandUnacked", INCIDENT), False),
        (("KedgeActionFailed", MODEL), ("KedgeDriftPage", INCIDENT), True),
        (("KedgeNoData", MODEL), ("KedgeSensingDegraded", MODEL), False),
        (("KedgeNoData", MODEL), ("KedgeSensingDegraded", {**MODEL, "environment": "e-other"}), True),
        (("KedgeWatermarkStuck", MODEL), ("KedgeSensingDegraded", MODEL), False),
        (("KedgeWorkerDown", {**PAGE, "lost": "workers"}), ("KedgeNoData", MODEL), False),
        (("KedgeWorkerDown", {**PAGE, "lost": "workers"}), ("KedgeWorkerDown", {**PAGE, "lost": "partitions"}), False),
        (("KedgeWorkerDown", {**PAGE, "lost": "partitions"}), ("KedgeNoData", MODEL), False),
        (("KedgeWorkerDown", {**PAGE, "lost": "partitions"}), ("KedgeRollbackSent", INCIDENT), True),
        (("KedgeCheckpointOld", PAGE), ("KedgeErrorBudgetBurn", {**PAGE, "slo": "checkpoint", "burn": "fast"}), False),
        (("KedgeRegistryAway", PAGE), ("KedgeCheckpointOld", {**PAGE, "agent": "tally", "partition": "0"}), False),
        (("KedgeRegistryAway", PAGE), ("KedgeWatermarkStuck", MODEL), False),
        (
            ("KedgeErrorBudgetBurn", {**PAGE, "slo": "checkpoint", "burn": "fast"}),
            ("KedgeErrorBudgetBurn", {**PAGE, "severity": "ticket", "slo": "checkpoint", "burn": "slow"}),
            False,
        ),
    ],
    ids=str,
)
def test_what_follows_from_another_alert_is_not_told_besides(
    telling: tuple[Server, Webhook],
    cause: tuple[str, Mapping[str, str]],
    consequence: tuple[str, Mapping[str, str]],
    *,
    told: bool,
) -> None:
    server, pager = telling
    environment = uuid.uuid4().hex
    both = [
        {"alertname": name, **labels, "environment": environment + labels["environment"]}
        for name, labels in (cause, consequence)
    ]
    server.post("/api/v2/alerts", [{"labels": labels} for labels in both])

    def silenced() -> bool:
        return any(a["status"]["inhibitedBy"] for a in server.get("/api/v2/alerts") if a["labels"] == both[1])

    def came() -> bool:
        return any(page["labels"] == both[1] for page in pager.pages(consequence[0], "firing"))

    try:
        wait_for(came if told else silenced, "what is to become of the consequence")
        assert silenced() is not told
    finally:
        ended = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:00Z"}
        server.post("/api/v2/alerts", [{"labels": labels, **ended} for labels in both])


def test_the_runbook_s_silence_of_a_model_that_was_switched_off_holds_back_that_and_no_more(
    telling: tuple[Server, Webhook],
) -> None:
    server, told = telling
    page = (ROOT / "docs/runbooks/no_data.md").read_text()
    add, expire = (
        line.strip().replace("http://localhost:9093", server.url).replace("amtool", str(part("amtool")))
        for line in page.splitlines()
        if line.startswith("    amtool ")
    )
    retired = {**PAGE, "environment": "prod", "model": "delay"}
    names = ("KedgeNoData", "KedgeModelOld", "KedgeDrillOverdue", "KedgeSensingDegraded", "KedgeRollbackSent")
    labels = [{"alertname": name, **retired} for name in names]
    other = {"alertname": "KedgeNoData", **retired, "model": "other"}

    def states() -> dict[tuple[str, str], str]:
        """What holds an alert back, by name and model."""
        found = {}
        for alert in server.get("/api/v2/alerts"):
            status = alert["status"]
            held = "silenced" if status["silencedBy"] else "inhibited" if status["inhibitedBy"] else "told"
            found[alert["labels"]["alertname"], alert["labels"].get("model", "")] = held
        return found

    subprocess.run(["/bin/sh", "-c", add], check=True, timeout=60)
    server.post("/api/v2/alerts", [{"labels": one} for one in (*labels, other)])
    held = dict.fromkeys(((name, "delay") for name in names[:3]), "silenced")
    held |= {(names[3], "delay"): "inhibited", (names[4], "delay"): "told", ("KedgeNoData", "other"): "told"}
    wait_for(lambda: held.items() <= states().items(), "the silence to hold")
    wait_for(lambda: any(p["labels"] == labels[4] for p in told.pages(names[4], "firing")), "what it does to be told")
    subprocess.run(["/bin/sh", "-c", expire], check=True, timeout=60)
    wait_for(lambda: states()["KedgeNoData", "delay"] == "told", "the silence's end")
    ended = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:00Z"}
    server.post("/api/v2/alerts", [{"labels": one, **ended} for one in (*labels, other)])


def test_alerts_of_one_incident_are_one_message_and_its_end_is_told(telling: tuple[Server, Webhook]) -> None:
    server, told = telling
    names = ("KedgeCommandUnacked", "KedgeRollbackSent")
    alerts = [{"labels": {"alertname": name, **INCIDENT, "incident": "j"}} for name in names]
    server.post("/api/v2/alerts", alerts)

    def message(status: str) -> list[object]:
        return [
            n for n in told.notifications
            if n["groupLabels"].get("incident") == "j" and n["status"] == status and len(n["alerts"]) == len(names)
        ]  # fmt: skip

    wait_for(lambda: message("firing"), "one message of both")
    ended = {"endsAt": "2020-01-01T00:00:00Z", "startsAt": "2020-01-01T00:00:00Z"}
    server.post("/api/v2/alerts", [{**alert, **ended} for alert in alerts])
    wait_for(lambda: message("resolved"), "its end")
