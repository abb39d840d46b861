"""Log lines: one a record, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from kedge.streams.events import RETIRED, SETTING
from kedge.streams.logs import configure_logs, plain_logs


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("_logging_as_it_was")
def test_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("kedge.worker").exception("two\nlines %d", 1)
    logging.getLogger("faust").info("Faust tells of every step")
    [line] = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "kedge.worker", "two | lines 1")
    assert "ValueError: invalid literal" in entry["exception"]


@pytest.mark.usefixtures("_logging_as_it_was")
def test_aiokafka_repeats_itself_only_now_and_then() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    for number in range(3):
        logging.getLogger("aiokafka.client").error("Unable to connect, try %d", number)
        logging.getLogger("kedge.worker").error("ours %d", number)
    said = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert said == ["Unable to connect, try 0", "ours 0", "ours 1", "ours 2"]


@pytest.mark.usefixtures("_logging_as_it_was")
def test_a_terminal_gets_words_without_escape_codes() -> None:
    stream = Terminal()
    configure_logs(stream)
    logging.getLogger("kedge.worker").warning("careful")
    assert stream.getvalue().endswith("warning  careful\n")
    assert "\x1b" not in stream.getvalue()


@pytest.mark.usefixtures("_logging_as_it_was")
def test_an_event_has_its_fields_as_keys_and_its_words_for_people() -> None:
    machine, person = io.StringIO(), Terminal()
    for stream in (machine, person):
        configure_logs(stream)
        RETIRED.tell(logging.getLogger("kedge.worker"), "gave up \x1b[31mred", partitions=2, saved=True)
    entry = json.loads(machine.getvalue())
    assert (entry["event"], entry["partitions"], entry["saved"]) == ("retired", 2, True)
    assert person.getvalue().endswith("info     gave up ·[31mred\n")


@pytest.mark.usefixtures("_logging_as_it_was")
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_what_a_sender_has_written_commands_no_terminal_and_begins_no_line(kind: type[io.StringIO]) -> None:
    codes = "\x1b[31m \x9b31m \x7f \x85 \u2028 \u202e \r 12:00:00 error    made up"
    stream = kind()
    configure_logs(stream)
    because = ValueError(codes)
    logging.getLogger("kedge.worker").error("of %s", codes, exc_info=because)
    shown = stream.getvalue()
    assert shown.replace("\n", "").isprintable()
    assert not [line for line in shown.split("\n") if line.startswith("12:00:00 error    made up")]


@pytest.mark.usefixtures("_logging_as_it_was")
def test_a_command_that_ends_soon_warns_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers[:] = []
    plain_logs()
    SETTING.tell(logging.getLogger("kedge.settings"), "KEDGE_BROKER is no setting", setting="KEDGE_BROKER")
    entry = json.loads(capsys.readouterr().err)
    assert (entry["level"], entry["event"], entry["setting"]) == ("warning", "setting", "KEDGE_BROKER")
