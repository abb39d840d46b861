"""What must hold of what a guard did when a run is over, told from the log alone."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import Action, Alert, AlertEvent, Command, Journal
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.guarding.recount import Recount, replay_journal
from tests.simulation.log import Entry, Log

CODEC: Final = Codec()
ENDS: Final = ("command_acked", "command_nacked", "command_expired", "command_superseded")
HOLDS: Final = ("override_pin", "override_suppress", "override_disarm")

OVER: Final = re.compile(r"(\w+) by [^;]* is over")

Journals = Mapping[str, Sequence[Journal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A run's log, and what its guards were set up with."""

    log: Log
    catalog: Catalog
    environment: str
    sources: tuple[str, ...]
    replayed: Collection[tuple[int, int]] = ()
    """Partition and offset of records that no guard wrote to the control topic."""

    @property
    def control(self) -> Iterator[Entry]:
        """What guards wrote to the control topic."""
        return (e for e in self.log.entries("control") if (e.partition, e.offset) not in self.replayed)


def check_guard(run: Guarded) -> Iterator[str]:
    """Every input once in a journal without gaps that decides itself again; each command begun and ended once."""
    journals = read_journals(run.log)
    yield from _check_sequences(journals)
    yield from _check_inputs(run, journals)
    yield from _check_recount(run, journals)
    yield from _check_incidents(run.log, journals)
    yield from _check_commands(run, journals)
    for model, lines in journals.items():
        yield from (f"journal of {model}: {wrong}" for wrong in _check_orders(lines))


def read_journals(log: Log) -> Journals:
    """Return each model's journal, in the order of the log."""
    journals: dict[str, list[Journal]] = defaultdict(list)
    for entry in log.entries("journal"):
        line = CODEC.decode(entry.value or b"", Journal)
        journals[line.model].append(line)
    return journals


def _check_sequences(journals: Journals) -> Iterator[str]:
    for model, lines in journals.items():
        sequences = [line.sequence for line in lines]
        if sequences != list(range(1, len(lines) + 1)):
            yield f"journal of {model}: sequences {sequences}"


def _check_inputs(run: Guarded, journals: Journals) -> Iterator[str]:
    log, sources = run.log, run.sources
    lines = [line for of_model in journals.values() for line in of_model if line.input_topic in sources]
    found = Counter((line.input_topic, line.input_partition, line.input_offset) for line in lines)
    there = Counter((e.topic, e.partition, e.offset) for source in sources for e in log.entries(source))
    for missing in there - found:
        yield f"journal: nothing of the input at {missing}"
    for surplus in found - there:
        yield f"journal: the input at {surplus} more than once, or it never was"


def _check_recount(run: Guarded, journals: Journals) -> Iterator[str]:
    log, recount = run.log, Recount(run.catalog, CODEC, run.environment)
    sources = {line.input_topic for lines in journals.values() for line in lines} & log.topics.keys()
    values = {(e.topic, e.partition, e.offset): e.value for source in sources for e in log.entries(source)}
    for lines in journals.values():
        inputs = ((e, values.get((e.input_topic, e.input_partition, e.input_offset))) for e in lines)
        for mismatch in replay_journal(recount, inputs):
            yield f"journal, decided again: {mismatch}"


def _check_incidents(log: Log, journals: Journals) -> Iterator[str]:
    """Each told of once, and of its end only if anybody knows of it: people may have silenced its beginning."""
    begun = {line.incident for lines in journals.values() for line in lines if "open_incident" in line.decision}
    alerts = [CODEC.decode(entry.value or b"", Alert) for entry in log.entries("alerts")]
    opened = Counter(alert.incident for alert in alerts if alert.event is AlertEvent.OPENED)
    resolved = Counter(alert.incident for alert in alerts if alert.event is AlertEvent.RESOLVED)
    for name, counts in (("opened", opened), ("resolved", resolved)):
        for incident in counts.keys() - begun:
            yield f"{incident}: {name}, and was never opened"
        for incident, count in counts.items():
            if count > 1:
                yield f"{incident}: {name} {count} times"
    told = {alert.incident for alert in alerts if alert.event is not AlertEvent.RESOLVED and alert.subject != "hold"}
    for incident in resolved.keys() - told:
        yield f"{incident}: resolved, and nobody was told of it before"


def _check_commands(run: Guarded, journals: Journals) -> Iterator[str]:
    """One an incident and action, sent again in the same bytes only, and each time by an entry of the journal."""
    values: dict[str, set[bytes | None]] = defaultdict(set)
    ids: dict[tuple[str, Action, str], set[str]] = defaultdict(set)
    left = Counter[str]()
    for entry in run.control:
        command = CODEC.decode(entry.value or b"", Command)
        left[command.command_id] += 1
        values[command.command_id].add(entry.value)
        ids[command.incident, command.action, command.cancels].add(command.command_id)
    for command_id, known in values.items():
        if len(known) > 1:
            yield f"command {command_id} was sent again in other bytes"
    for (incident, action, _), known_ids in ids.items():
        if action is Action.ROUTE_TO_SAFE_PATH and len(known_ids) > 1:
            yield f"{incident}: {len(known_ids)} commands {action.value} left"
    said = Counter(i for lines in journals.values() for line in lines for i in line.commands)
    if said != left:
        yield f"the journal and the control topic differ about commands: {said} and {left}"


def check_ended(log: Log) -> Iterator[str]:
    """Everything that was sent has ended: of a run that went on until all was acknowledged or expired."""
    for model, lines in read_journals(log).items():
        steps = [step for line in lines for step in line.decision.split("+")]
        sent, ended = (sum(map(kind, steps)) for kind in (_sends, ENDS.__contains__))
        if sent != ended:
            yield f"{model}: {sent} commands were sent, {ended} ended"


def _check_orders(lines: Sequence[Journal]) -> Iterator[str]:
    """At most one command is open, each ends once, and none leaves while people hold automation."""
    is_open, holds = False, set[str]()
    for line in lines:
        for step in line.decision.split("+"):
            if _sends(step) and (is_open or holds):
                yield f"{line.sequence}: a command leaves; open: {is_open}, held by {sorted(holds)}"
            if step in ENDS and not is_open:
                yield f"{line.sequence}: {step}, and none is open"
            is_open = _sends(step) or (is_open and step not in ENDS)
            _hold(holds, step, line.reason)


def _hold(holds: set[str], step: str, reason: str) -> None:
    if step in HOLDS:
        holds.add(step)
    elif step == "override_release":
        holds.clear()
    elif step == "hold_over":
        holds -= {f"override_{name.lower()}" for name in OVER.findall(reason)}


def _sends(step: str) -> bool:
    return step.startswith("send_")
