"""What must hold of what the guard did when a run is over."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from kedge.schemas.records import Alert, AlertEvent, Command, Journal
from kedge.streams.core.guarding.recount import Recount, replay_journal
from tests.simulation.deployment import CODEC, make_catalog
from tests.simulation.log import Log
from tests.simulation.setting import ENVIRONMENT


def check_guard(log: Log) -> Iterator[str]:
    """One command an incident, every report once in a journal without gaps, and a journal that decides itself again."""
    yield from _check_leaving(log)
    journal: dict[str, list[Journal]] = defaultdict(list)
    for entry in log.entries("journal"):
        line = CODEC.decode(entry.value or b"", Journal)
        journal[line.model].append(line)
    for model, lines in journal.items():
        sequences = [line.sequence for line in lines]
        if sequences != list(range(1, len(lines) + 1)):
            yield f"journal of {model}: sequences {sequences}"
    lines = [line for of_model in journal.values() for line in of_model]
    found = Counter((line.input_partition, line.input_offset) for line in lines if line.input_topic == "reports")
    there = Counter((entry.partition, entry.offset) for entry in log.entries("reports"))
    for missing in there - found:
        yield f"journal: nothing of the report at {missing}"
    for surplus in found - there:
        yield f"journal: the report at {surplus} more than once, or it never was"
    yield from _check_recount(log, lines)


def _check_recount(log: Log, lines: list[Journal]) -> Iterator[str]:
    reports = {(entry.partition, entry.offset): entry.value for entry in log.entries("reports")}
    recount = Recount(make_catalog(), CODEC, ENVIRONMENT)
    inputs = ((line, reports.get((line.input_partition, line.input_offset))) for line in lines)
    for mismatch in replay_journal(recount, inputs):
        yield f"journal, decided again: {mismatch}"


def _check_leaving(log: Log) -> Iterator[str]:
    commands = [CODEC.decode(entry.value or b"", Command) for entry in log.entries("control")]
    alerts = [CODEC.decode(entry.value or b"", Alert) for entry in log.entries("alerts")]
    opened = Counter(alert.incident for alert in alerts if alert.event is AlertEvent.OPENED)
    resolved = Counter(alert.incident for alert in alerts if alert.event is AlertEvent.RESOLVED)
    commanded = Counter(command.incident for command in commands)
    for name, counts in (("opened", opened), ("resolved", resolved), ("commands", commanded)):
        for incident in counts.keys() - opened.keys():
            yield f"{incident}: {name}, and was never opened"
        for incident, count in counts.items():
            if count > 1:
                yield f"{incident}: {name} {count} times"
    if len({command.command_id for command in commands}) != len(commands):
        yield "a command's id came twice"
