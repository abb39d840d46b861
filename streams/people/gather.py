"""What the topics say of models, read as anybody would read them."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Message

from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Ack, Alert, Command, Journal, Override, Report, VersionReport
from kedge.streams.announce import Place, read_catalog
from kedge.streams.names import Topics
from kedge.streams.people.standing import Standing, by_log
from kedge.streams.reading import Log, offsets_at, places, read_from

__all__ = ["gather"]

_WHOLE: Final = ("alerts", "control")
"""Read from their beginning: they are short, and what is open may be old."""
_RECENT: Final = ("overrides", "acks", "journal")
_REPORTS: Final[tuple[type[Report | VersionReport], ...]] = (Report, VersionReport)
_RECORDS: Final[Mapping[str, type[Any]]] = {
    "alerts": Alert,
    "control": Command,
    "overrides": Override,
    "acks": Ack,
    "journal": Journal,
}


def gather(place: Place, model: str | None, since_ms: int) -> dict[str, Standing]:
    """Return every model that is known, or the one that is named, if it is.

    Alerts and commands are read from their beginning, the journal, overrides and acknowledgements from `since_ms` on.

    Raises:
        ReadingError: Kafka does not answer, or the topics do not exist.
    """
    catalog = read_catalog(place)
    found: dict[str, Standing] = {}
    for name in sorted({monitor.model for monitor in catalog.monitors} if model is None else {model}):
        spec = catalog.monitor(name)
        if spec is not None:
            found[name] = Standing(name, monitor=spec)
    entries: list[Journal] = []
    topics = Topics(place.kafka.environment)
    for message in read_from(place.kafka, _starts(place, topics, model, since_ms)):
        record = _decoded(place, topics, message)
        if record is not None and (model is None or record.model == model):
            _put(found.setdefault(record.model, Standing(record.model)), record, message, entries)
    for entry in sorted(entries, key=lambda entry: entry.sequence):
        found[entry.model].take(entry)
    _look_up_reports(place, topics, found)
    return {name: found[name] for name in sorted(found)}


def _starts(place: Place, topics: Topics, model: str | None, since_ms: int) -> dict[Log, int]:
    whole = places(place.kafka, [topics.of(name) for name in _WHOLE], model)
    recent = places(place.kafka, [topics.of(name) for name in _RECENT], model)
    starts = dict.fromkeys((*whole, *recent), OFFSET_BEGINNING)
    return starts if since_ms <= 0 else {**starts, **offsets_at(place.kafka, recent, since_ms)}


def _decoded(place: Place, topics: Topics, message: "Message[Any, Any]") -> Any:  # noqa: ANN401 - one of _RECORDS
    logical = (message.topic() or "").removeprefix(topics.of(""))
    try:
        return place.codec.decode(message.value() or b"", _RECORDS[logical])
    except UndecodableError:
        # What nobody could read, the guard has refused: it says nothing of any model.
        return None


def _put(standing: Standing, record: object, message: "Message[Any, Any]", entries: list[Journal]) -> None:
    match record:
        case Journal():
            entries.append(record)
        case Alert():
            standing.alerts[record.alert_id] = record
        case Command():
            standing.commands[record.command_id] = record
        case Ack():
            standing.acks.setdefault(record.command_id, []).append(record)
        case Override():
            standing.overrides[message.partition() or 0, message.offset() or 0] = record


def _look_up_reports(place: Place, topics: Topics, found: Mapping[str, Standing]) -> None:
    wanted = {(name, *at) for name, standing in found.items() for at in standing.reports_at}
    for message in read_from(place.kafka, by_log(found.values(), topics.reports)):
        try:
            report = place.codec.decode(message.value() or b"", _REPORTS)
        except UndecodableError:
            continue
        if (report.model, message.partition() or 0, message.offset() or 0) in wanted:
            found[report.model].reports.append(report)
