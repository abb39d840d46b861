"""What the documentation shows works: its code runs, its links lead somewhere, its commands exist."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kedge.streams.cli.root import kedge
from tests.docs.markdown import Page
from tests.support.repository import ROOT

PAGES = [Page.of(path) for path in sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))]
WITH_CODE = [page for page in PAGES if page.python() and page.path.parent.name != "integrate"]
"""The recipes in docs/integrate are run by test_integrate.py, against a broker."""
SHOWING = {"README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))}
SECONDS_MAX = 60
"""A page's code, the interpreter's start included, on a machine that is busy with other tests."""
COMMANDS = sorted({(page.name, command) for page in PAGES if page.name in SHOWING for command in page.commands()})


def run(code: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: Page, tmp_path: Path) -> None:
    done = run("\n\n".join(page.python()), tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_quickstart_ends_though_no_broker_is_there(tmp_path: Path) -> None:
    (readme,) = [page for page in PAGES if page.path == ROOT / "README.md"]
    (quickstart,) = readme.python()
    assert len(quickstart.strip().splitlines()) <= 20
    done = run(quickstart, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Page) -> None:
    broken = []
    for link in page.links():
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in Page.of(path).anchors()):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_that_is_shown_exists_with_its_options(page: str, command: str) -> None:
    assert problem(shlex.split(command)[1:]) == "", page


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("kedge whatch", "No such command 'whatch'"),
        ("kedge baseline fitt x.csv", "No such command 'fitt'"),
        ("kedge watch --jsn", "No such option: --jsn"),
        ("kedge worker now", "unexpected argument now"),
    ],
)
def test_one_that_does_not_exist_would_be_noticed(command: str, told: str) -> None:
    assert told in problem(shlex.split(command)[1:])


def test_commands_are_found_wherever_they_are_shown(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Run `kedge demo --json` or `a kedge`:\n\n    export A=b\n    $ A=b kedge watch --max 1   # all of it\n\n"
        "```sh\nkedge replay x.csv \\\n  --rows-per-window 5 | head\nit's kedge\n```\n"
        "\n    docker compose exec a kedge dlq --json\n"
        "    docker compose run --rm --entrypoint kedge a \\\n        drill m > b\n"
    )
    assert Page.of(page).commands() == [
        "kedge watch --max 1",
        "kedge replay x.csv --rows-per-window 5",
        "kedge dlq --json",
        "kedge drill m",
        "kedge demo --json",
    ]


def problem(words: list[str]) -> str:
    """What is wrong with the words after `kedge`; files need not exist, nor required arguments be given."""
    command: click.Command = kedge
    context = click.Context(command, info_name="kedge")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        if found is None:
            return f"No such command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    try:
        _, left, _ = command.make_parser(context).parse_args(words)
    except click.BadOptionUsage:
        return ""  # An option without its value: it is only being mentioned.
    except click.UsageError as error:
        return error.format_message()
    return f"unexpected argument {' '.join(left)}" if left else ""
