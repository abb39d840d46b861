"""Every mistake is a line and an exit code; every command explains itself."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kedge.streams.cli.boundary import LazyGroup
from kedge.streams.cli.root import kedge
from tests.streams.cli.support import call


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [(), *commands(kedge)], ids=" ".join)
def test_every_command_has_help_that_reads_well(path: tuple[str, ...]) -> None:
    result = call(*path, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert len(result.stdout.splitlines()) > 4


@pytest.mark.parametrize(
    "path",
    [("worker",), ("topics", "create"), ("watch",), ("dlq",), ("status",), ("incidents",), ("verify-decision", "ab")],
    ids=" ".join,
)
def test_what_needs_kafka_says_what_to_set(path: tuple[str, ...]) -> None:
    result = call(*path)
    assert result.exit_code == 1
    assert result.stderr.startswith("kedge: KEDGE_BROKERS is not set: give the cluster's address")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KEDGE_BROKERS": "nowhere"}, "KEDGE_BROKERS: 'nowhere' is not host:port"),
        ({"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "a.b"}, "KEDGE_ENVIRONMENT: "),
        ({"KEDGE_BROKERS": "a:1", "KEDGE_REGISTRY_URL": "ftp://x"}, "KEDGE_REGISTRY_URL: "),
    ],
)
def test_bad_settings_are_named(variables: dict[str, str], said: str) -> None:
    result = call("dlq", env=variables)
    assert result.exit_code == 1
    assert said in result.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "kedge: KEDGE_TRUST is not set: KEDGE_TRUST=keys with"),
        ({"KEDGE_TRUST": "keys"}, "kedge: KEDGE_TRUSTED_KEYS is not set"),
        ({"KEDGE_TRUST": "everybody"}, "kedge: KEDGE_TRUST: 'everybody' is neither keys nor development"),
    ],
)
def test_a_worker_is_told_whom_to_trust(variables: dict[str, str], said: str) -> None:
    result = call("worker", env={"KEDGE_BROKERS": "a:1", **variables})
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_fault_of_ours_is_one_line_and_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command
    def broken() -> None:
        raise ZeroDivisionError("boom")

    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            del ctx, cmd_name
            return broken

    with pytest.raises(SystemExit) as ended:
        Group(commands={"x": ""}, name="kedge").main(["x"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "kedge: a fault of ours: ZeroDivisionError: boom (KEDGE_DEBUG=1 shows where)\n"


def test_without_the_service_extra_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from kedge.streams.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "kedge: this installation is the publisher's: click is missing. Install it with: pip install 'kedge[service]'\n"
    )


def test_what_a_message_quotes_cannot_steer_the_terminal(tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("x,y\n1,2\n\x1b[31m1\n")
    result = call("replay", data, "--reference-rows", 1, "--rows-per-window", 1)
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert "Row #3" in result.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert call("dance").exit_code == 2
