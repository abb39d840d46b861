"""Every version ever released stays readable, and a release is written once."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from kedge.schemas import contracts
from kedge.schemas.compatibility import incompatibilities, why_unreadable
from kedge.schemas.contracts import current, released, text_of
from kedge.schemas.release import main, release
from kedge.schemas.schema import Record, parse_schema
from tests.support.repository import ROOT

SCHEMAS = ROOT / "schemas"


def changed(name: str, change: str, into: str) -> Record:
    text = text_of(name)
    assert change in text
    schema = parse_schema(text.replace(change, into))
    assert isinstance(schema, Record)
    return schema


def with_field(record: str, **field: object) -> Record:
    document = json.loads(text_of(record))
    document["fields"].append(field)
    schema = parse_schema(json.dumps(document))
    assert isinstance(schema, Record)
    return schema


def test_today_reads_whatever_was_released() -> None:
    assert list(incompatibilities()) == []


def test_the_released_schemas_of_this_version_are_todays() -> None:
    """Once a version is out, a schema can only change with the next one."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert released().get(version, current()) == current()


def test_a_field_may_come_with_a_default_and_go() -> None:
    old = current()["Monitor"]
    new = with_field("Monitor", name="note", type=["null", "string"], default=None)
    assert why_unreadable(old, new) == ()
    assert why_unreadable(new, old) == ()


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (with_field("Monitor", name="note", type="string"), "Monitor.note: missing"),
        (changed("Monitor", '"hash"', '"digest"'), "Monitor.digest: missing"),
        (changed("Command", '"START_SHADOW",', ""), "Command.action: symbol START_SHADOW is gone"),
        (changed("Journal", '"long"', '"int"'), "Journal.sequence: long cannot be read as int"),
        (changed("Alert", '"Evidence"', '"Proof"'), "Alert.signals\\[\\]: kedge.Evidence cannot be read"),
    ],
)
def test_what_would_break_an_old_message_is_named(today: Record, said: str) -> None:
    name = said.partition(".")[0]
    found = "\n".join(incompatibilities({**current(), name: today}, {"0.9.0": current()}))
    assert found.startswith(f"0.9.0 {name}.")
    assert said.replace("\\", "") in found


def test_a_record_that_is_gone_is_named() -> None:
    today = {name: schema for name, schema in current().items() if name != "Journal"}
    assert list(incompatibilities(today, {"0.9.0": current()})) == ["0.9.0 Journal: the record is gone"]


def test_a_release_keeps_a_copy_that_is_written_once(tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS / "avro", tmp_path / "avro")
    folder = release("9.9.9", tmp_path)
    assert {path.name for path in folder.iterdir()} == {f"{name}.avsc" for name in current()}
    with pytest.raises(ValueError, match="released already"):
        release("9.9.9", tmp_path)
    with pytest.raises(ValueError, match="no version"):
        release("../up", tmp_path)


def test_what_a_release_wrote_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS / "avro", tmp_path / "avro")
    old = tmp_path / "released" / "0.0.1"
    old.mkdir(parents=True)
    text = text_of("Monitor").replace('"document"', '"file"')
    (old / "Monitor.avsc").write_text(text)
    versions = contracts.read_released(tmp_path)
    assert [part.name for part in versions["0.0.1"]["Monitor"].fields][3] == "file"
    assert contracts.read_released(tmp_path / "released") == {}


def test_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["x"]) == 1
    assert "no version" in capsys.readouterr().err
