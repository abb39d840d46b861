"""The list of settings is whole: nothing reads a variable that it does not have, and a typo is said."""

import logging
import re

import pytest

from kedge.streams.cli.options import warn_of_unknown
from kedge.streams.publisher.batcher import HEAD_BYTES
from kedge.streams.publisher.settings import PublisherSettings
from kedge.streams.settings import SettingsError
from kedge.streams.variables import SETTINGS, Setting, Switch, unknown
from kedge.streams.variables.table import PUBLISHER
from tests.support.repository import ROOT, files

NAMES = {setting.name for setting in SETTINGS}
NAMED = re.compile(r"KEDGE_[A-Z_]*[A-Z]_?")
OWNERS = {ROOT / "streams" / "variables" / f"{name}.py" for name in ("kinds", "table", "kafka")}


def strangers(text: str) -> set[str]:
    """What a text names that is no setting; a name that ends in `_` stands for those that begin so."""
    named = set(NAMED.findall(text))
    return {
        name for name in named - NAMES if not (name.endswith("_") and any(known.startswith(name) for known in NAMES))
    }


def test_whatever_the_code_and_what_deploys_it_name_is_in_the_list() -> None:
    looked_at = [*files("streams", "schemas", "deploy"), *ROOT.glob("docker-compose*.yml")]
    missing = {(str(path.relative_to(ROOT)), name) for path in looked_at for name in strangers(text_of(path))}
    assert {entry for entry in missing if ROOT / entry[0] not in OWNERS} == set()


def text_of(path: object) -> str:
    with open(str(path), encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - any file, images too
        return file.read()


def test_one_that_is_missing_would_be_noticed() -> None:
    assert strangers('os.environ["KEDGE_HTTP_PROT"], `KEDGE_PUBLISHER_<NAME>`, KEDGE_*') == {"KEDGE_HTTP_PROT"}


def test_every_setting_is_read_by_the_code() -> None:
    table = "\n".join(text_of(path) for path in OWNERS)
    code = "\n".join(text_of(path) for path in files("streams", suffix=".py") if path not in OWNERS)
    constants = re.findall(r"^([A-Z_]+): Final = (?:Text|Number|Whole|Switch)\(", table, re.MULTILINE)
    assert len(constants) + len(PUBLISHER) == len(SETTINGS) == len(NAMES)
    assert [constant for constant in constants if not re.search(rf"\b{constant}\b", code)] == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_says_what_a_reader_asks(setting: Setting) -> None:
    told = (setting.name, setting.readers, setting.usual(), setting.values(), setting.doc)
    assert all(cell.strip() and "|" not in cell and "\n" not in cell for cell in told)
    assert setting.doc.endswith(".")


def test_the_publishers_numbers_are_the_fields_of_its_settings() -> None:
    plain = PublisherSettings(brokers="a:1", environment="e")
    assert {name: getattr(plain, name) for name in PUBLISHER} == {name: s.default for name, s in PUBLISHER.items()}
    # A batch always holds its head, and one row beside it.
    assert PUBLISHER["batch_bytes_max"].low == HEAD_BYTES + 1_024


def test_a_switch_that_is_neither_is_refused() -> None:
    switch = Switch(name="KEDGE_X", readers="nobody", doc="")
    assert [switch.read({"KEDGE_X": text}) for text in ("yes", "OFF", "")] == [True, False, False]
    with pytest.raises(SettingsError, match="KEDGE_X: 'perhaps' is not true or false"):
        switch.read({"KEDGE_X": "perhaps"})


def test_a_mistyped_name_is_said_with_the_nearest_one(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_unknown({"KEDGE_CHECKPOINT_SECOND": "5", "KEDGE_BROKERS": "a:1", "KEDGE_Q": "x", "HOME": "/"})
    assert [record.getMessage() for record in caplog.records] == [
        "KEDGE_CHECKPOINT_SECOND is no setting of Kedge and changes nothing: is KEDGE_CHECKPOINT_SECONDS meant?",
        "KEDGE_Q is no setting of Kedge and changes nothing",
    ]
    assert unknown(dict.fromkeys(NAMES, "1")) == {}
