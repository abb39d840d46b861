"""`kedge dlq`."""

import json
from collections import Counter, deque

import click
from rich.table import Table
from rich.text import Text

from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import DeadLetter
from kedge.schemas.report_json import dead_letter_to_json, iso_time
from kedge.streams.cli.options import as_json, codec, kafka_options
from kedge.streams.cli.screen import screen
from kedge.streams.names import Topics
from kedge.streams.pictures import printable
from kedge.streams.reading import read_to_end
from kedge.streams.settings import KafkaSettings

__all__ = ["dlq"]

_SHOWN = 50


@click.command(short_help="Records that could not be counted, and why.")
@as_json
@kafka_options
def dlq(kafka: KafkaSettings, *, as_json: bool) -> None:
    """List the dead letters: where each refused record lies, why it was refused, and how many rows it cost.

    With --json, one object a letter, all of them; else how often each reason occurs, and the newest letters.
    """
    shared, topic = codec(), Topics(kafka.environment).dead_letters
    reasons: Counter[str] = Counter()
    newest: deque[DeadLetter] = deque(maxlen=_SHOWN)
    for message in read_to_end(kafka, [topic]):
        try:
            letter = shared.decode(message.value() or b"", DeadLetter)
        except UndecodableError as error:
            click.echo(f"kedge: {topic}/{message.partition()} at offset {message.offset()}: {error}", err=True)
            continue
        if as_json:
            click.echo(json.dumps(dead_letter_to_json(letter), ensure_ascii=False))
        reasons[letter.reason] += 1
        newest.append(letter)
    if not as_json:
        _show(reasons, newest)


def _show(reasons: Counter[str], newest: deque[DeadLetter]) -> None:
    if not reasons:
        click.echo("no dead letters")
        return
    console, table = screen(), Table(box=None, pad_edge=False, header_style="bold")
    for column in ("when", "reason", "rows", "where", "detail"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for letter in sorted(newest, key=lambda letter: letter.timestamp):
        where = f"{letter.topic}/{letter.partition} at {letter.offset}"
        rows = f"{letter.rows:,}" if letter.rows else "?"
        table.add_row(
            iso_time(letter.timestamp), letter.reason, rows, Text(printable(where)), Text(printable(letter.detail))
        )
    console.print(table)
    total = sum(reasons.values())
    counted = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    hidden = f" (the newest {_SHOWN} shown)" if total > _SHOWN else ""
    console.print(Text(f"{total:,} dead letters{hidden}: {counted}", "bold"))
