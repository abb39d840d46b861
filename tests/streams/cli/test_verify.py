"""`kedge verify-decision`: a command follows from the journal and its inputs, or the first flaw is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kedge.schemas.records import Journal, OverrideAction, Report, VersionReport
from tests.streams.cli.live_guard import MODEL, lay_down
from tests.streams.cli.scripted import Deployment
from tests.streams.cli.support import call, lines
from tests.streams.core.made_guard import CODEC, Desk, routed


def rolled_back() -> tuple[Desk, str]:
    """A desk at which a rollback was sent and answered, after a person had held and let go; and the command's id."""
    desk = Desk(model=MODEL)
    for _ in range(2):
        desk.calm()
    desk.tell("overrides", desk.override(OverrideAction.PIN, target_version="v1"))
    desk.tell("overrides", desk.override(OverrideAction.RELEASE))
    desk.harmed()
    command = routed(desk.harmed())
    desk.tell("acks", desk.ack(command))
    desk.calm()
    return desk, command.command_id


def checked(desk: Desk, command_id: str) -> tuple[int, dict[str, object]]:
    deployment = Deployment()
    lay_down(deployment, desk)
    told = call("verify-decision", command_id, "--json", *deployment.options)
    (document,) = lines(told)
    return told.exit_code, document


def test_a_command_that_follows_stands() -> None:
    desk, command_id = rolled_back()
    code, document = checked(desk, command_id)
    assert (code, document["stands"], document["flaw"]) == (0, True, None)
    left = next(entry for entry in desk.journal if command_id in entry.commands)
    assert (document["left_at"], document["entries"]) == (left.sequence, left.sequence)
    assert document["decided_at"] == next(e.sequence for e in desk.journal if command_id in e.staged)


def edit(desk: Desk, change: Callable[[Journal], Journal | None]) -> None:
    """Change or drop (None) entries of the journal as it was written."""
    written = []
    for write in desk.written:
        changed = change(CODEC.decode(write.value or b"", Journal)) if write.topic == "journal" else None
        if write.topic != "journal":
            written.append(write)
        elif changed is not None:
            written.append(replace(write, value=CODEC.encode(changed)))
    desk.written = written


def test_a_changed_input_is_named() -> None:
    desk, command_id = rolled_back()
    offset, report = next(
        (offset, found)
        for (topic, offset), value in sorted(desk.told.items())
        if topic == "reports" and isinstance(found := CODEC.decode(value, (Report, VersionReport)), VersionReport)
    )
    desk.told["reports", offset] = CODEC.encode(replace(report, error_share=0.5))
    code, document = checked(desk, command_id)
    entry = next(e for e in desk.journal if (e.input_topic, e.input_offset) == ("reports", offset))
    flaw = document["flaw"]
    assert isinstance(flaw, dict)
    assert (code, document["stands"], flaw["sequence"]) == (1, False, entry.sequence)
    assert flaw["what"] == f"its input, reports/0 at {offset}, is not what the guard took in"


@pytest.mark.parametrize(
    ("sequence", "said"),
    [
        (1, "this entry is missing: the next that is kept is 2"),
        (4, "this entry is missing: the next that is kept is 5"),
    ],
)
def test_a_missing_entry_is_named(sequence: int, said: str) -> None:
    desk, command_id = rolled_back()
    edit(desk, lambda entry: None if entry.sequence == sequence else entry)
    code, document = checked(desk, command_id)
    assert (code, document["flaw"]) == (1, {"sequence": sequence, "what": said, "said": "", "found": ""})


def test_an_entry_that_says_something_else_is_named_with_what_follows() -> None:
    desk, command_id = rolled_back()
    edit(desk, lambda entry: replace(entry, decision="none") if entry.decision.startswith("override_pin") else entry)
    deployment = Deployment()
    lay_down(deployment, desk)
    told = call("verify-decision", command_id[:12], *deployment.options)
    assert told.exit_code == 1
    assert "does not stand" in told.stdout
    assert "its decision does not follow (it says 'none', found 'override_pin" in told.stdout


def test_a_command_that_the_guard_never_sent_does_not_stand() -> None:
    desk, command_id = rolled_back()
    command = next(c for c in desk.commands if c.command_id == command_id)
    forged = replace(command, command_id="f" * 64)
    changed = replace(command, target_version="v9")
    deployment = Deployment()
    deployment.put("control", MODEL, forged, changed)
    lay_down(deployment, desk)
    assert "the journal ends before the command left" in call("verify-decision", "ffffff", *deployment.options).stdout
    told = call("verify-decision", command_id, *deployment.options)
    assert told.exit_code == 1
    assert "the command on the control topic is not the one that it sent" in told.stdout


def test_an_unknown_command_is_one_line() -> None:
    deployment = Deployment()
    told = call("verify-decision", "abcdef", *deployment.options)
    assert (told.exit_code, "no command is called 'abcdef'" in told.stderr) == (1, True)


def test_too_few_digits_name_no_command_not_even_the_only_one() -> None:
    desk, command_id = rolled_back()
    deployment = Deployment()
    lay_down(deployment, desk)
    told = call("verify-decision", command_id[:5], *deployment.options)
    assert (told.exit_code, "give at least 6 digits of its id" in told.stderr) == (1, True), told.output
    assert call("verify-decision", command_id[:6], *deployment.options).exit_code == 0
