"""Dashboards: what is committed is what the code makes, and every panel says what it shows, and of what."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.repository import ROOT

GRAFANA: Final = ROOT / "deploy/grafana"
BOARDS: Final = {path.name: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
PANELS: Final = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
WIDTH: Final = 24


def test_what_is_committed_is_what_the_code_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GRAFANA / "dashboards.py", tmp_path], check=True, timeout=120)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in (GRAFANA / "dashboards").iterdir()}, "run `make dashboards`"


def test_the_five_of_the_documentation_are_there() -> None:
    assert set(BOARDS) == {f"kedge-{name}.json" for name in ("drills", "fleet", "incident", "model", "pipeline")}
    assert {board["uid"] for board in BOARDS.values()} == {name.removesuffix(".json") for name in BOARDS}


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=[f"{name}-{panel['title']}" for name, panel in PANELS])
def test_a_panel_says_what_it_shows_and_in_which_unit(name: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    refs = [target["refId"] for target in panel["targets"] if "refId" in target]
    assert len(set(refs)) == len(refs), name


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_panels_fill_their_rows_and_stand_beside_one_another(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in lines}
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= WIDTH
        taken |= cells


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_variable_that_is_asked_for_can_be_chosen_and_the_other_way_round(board: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    text = json.dumps([board["panels"], board["annotations"], [v["query"] for v in variables.values()], board["links"]])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text)) - {"value"}
    assert used == set(variables)
    assert all(variable.get("description") or variable["type"] == "textbox" for variable in variables.values())


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_console_and_runbooks_are_one_click_away(board: dict[str, Any]) -> None:
    assert {"${console}/", "${runbooks}/README.md"} <= {link["url"] for link in board["links"]}


@pytest.mark.parametrize("name", ["kedge-model.json", "kedge-incident.json"])
def test_commands_and_incidents_are_marked(name: str) -> None:
    assert {note["name"] for note in BOARDS[name]["annotations"]["list"]} == {"Commands", "Incidents"}


def test_every_query_asks_the_source_that_is_provisioned() -> None:
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/kedge.yml").read_text())["datasources"]
    wanted = {"type": source["type"], "uid": source["uid"]}
    found = [target["datasource"] for _, panel in PANELS for target in panel["targets"]]
    found += [panel["datasource"] for _, panel in PANELS]
    assert all(place == wanted for place in found)


def test_what_is_provisioned_is_where_the_compose_file_mounts_it() -> None:
    [provider] = yaml.safe_load((GRAFANA / "provisioning/dashboards/kedge.yml").read_text())["providers"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    volumes = services["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in volumes
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in volumes
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/kedge.yml").read_text())["datasources"]
    assert source["url"].removeprefix("http://").partition(":")[0] in services
