"""What must hold of what the guard did when a run is over."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from kedge.schemas.records import Alert, AlertEvent, Command, Journal
from tests.simulation.deployment import CODEC, make_core
from tests.simulation.log import Log


def check_guard(log: Log) -> Iterator[str]:
    """One command an incident, one journal without gaps, and the journal that an undisturbed guard writes."""
    yield from _check_leaving(log)
    journal: dict[str, list[Journal]] = defaultdict(list)
    for entry in log.entries("journal"):
        line = CODEC.decode(entry.value or b"", Journal)
        journal[line.model].append(line)
    for model, lines in journal.items():
        sequences = [line.sequence for line in lines]
        if sequences != list(range(1, len(lines) + 1)):
            yield f"journal of {model}: sequences {sequences}"
    found = [_decided(line) for lines in journal.values() for line in lines]
    undisturbed = [_decided(line) for line in _undisturbed(log)]
    for missing in Counter(undisturbed) - Counter(found):
        yield f"journal: not {missing}, which an undisturbed guard writes"
    for surplus in Counter(found) - Counter(undisturbed):
        yield f"journal: {surplus}, which an undisturbed guard does not write"


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


def _undisturbed(log: Log) -> Iterator[Journal]:
    for partition in log.topics["reports"]:
        guard = make_core("guard", partition.number, log)
        guard.fold(partition.read(0, partition.high)[0], log.clock.now)
        snapshot = guard.snapshot(log.clock.now)
        for write in () if snapshot is None else snapshot.writes:
            if write.topic == "journal":
                yield CODEC.decode(write.value or b"", Journal)


def _decided(line: Journal) -> tuple[object, ...]:
    """What of a journal entry does not hang on when it was written."""
    where = (line.input_partition, line.input_offset, line.input_digest)
    return (line.model, line.sequence, *where, line.decision, line.incident, line.commands)
