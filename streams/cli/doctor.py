"""`kedge doctor`."""

import json
from collections import Counter
from typing import Final

import click
from rich.text import Text

from kedge.streams.announce import Place
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, codec, kafka_options, registry_http
from kedge.streams.cli.screen import screen
from kedge.streams.cli.since import since_option
from kedge.streams.clock import now_ms
from kedge.streams.doctor import Examination, Finding, Level, examine
from kedge.streams.pictures import printable
from kedge.streams.settings import KafkaSettings
from kedge.streams.variables import all_variables
from kedge.streams.variables.table import REGISTRY_URL

__all__ = ["doctor"]

_STYLES: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red", Level.UNKNOWN: "bright_black"}
_WIDTH: Final = max(map(len, Level))
_NEEDED: Final = frozenset(("workers", "tally", "judge", "guard", "tally, judge, guard", "monitor"))
"""Whoever could not look at these of a deployment cannot say that it is well."""


@click.command(short_help="Whether a deployment is as it should be.")
@since_option(None, "a day more than the longest drills.every, at least 7d")
@as_json
@kafka_options
@click.pass_context
def doctor(ctx: click.Context, /, kafka: KafkaSettings, *, since_ms: int | None, as_json: bool) -> None:
    """Check brokers, topics, keys, workers, lag, clocks, and of each model its monitor, people, actuator and drills.

    One line a check: ok, warn, fail or not known, and what to do. It writes nothing. Keys are those that this process
    is given: run it with a worker's variables. Exit code 0: nothing failed; 1: something did; 4: the brokers do not
    answer, or nothing failed but workers, tally, judge, guard or monitors could not be looked at.
    """
    case = Examination(
        place=Place(kafka=kafka, codec=codec()),
        variables=all_variables(),
        registry=registry_http() if REGISTRY_URL.read(all_variables()) else None,
        now_ms=now_ms(),
        since_ms=since_ms,
    )
    levels: Counter[Level] = Counter()
    reached = looked = True
    for finding in examine(case):
        levels[finding.level] += 1
        reached = reached and not (finding.check == "brokers" and finding.level is Level.FAIL)
        looked = looked and not (finding.check in _NEEDED and not finding.model and finding.level is Level.UNKNOWN)
        if as_json:
            click.echo(json.dumps(_json(finding), ensure_ascii=False))
        else:
            _show(finding)
    if not as_json:
        click.echo(", ".join(f"{levels[level]} {level}" for level in Level if levels[level]))
    if not reached or not (looked or levels[Level.FAIL]):
        ctx.exit(Exit.NOTHING_JUDGED)
    ctx.exit(Exit.FAILED if levels[Level.FAIL] else Exit.WELL)


def _json(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.check,
        "model": finding.model,
        "level": finding.level.value,
        "said": finding.said,
        "do": finding.do,
    }


def _show(finding: Finding) -> None:
    about = f"{finding.model}: " if finding.model else ""
    do = f" -> {finding.do}" if finding.do else ""
    line = Text(f"{finding.level:{_WIDTH}}", _STYLES[finding.level])
    line.append(f"  {finding.check:13}  {printable(about + finding.said + do)}", "default")
    screen().print(line, soft_wrap=True)
