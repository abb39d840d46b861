"""Every event that Kedge logs: its name, how grave it is, and the fields with which its line joins the rest.

One line an event that matters. Whoever logs one calls `tell` with words for people and the event's fields for machines;
`kedge.streams.logs` writes both. No line holds a feature's value, a request's id, a secret, or what a person wrote.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

__all__ = ["EVENTS", "Event", "events_table_markdown"]

_Trace = tuple[type[BaseException], BaseException, TracebackType | None]
_Field = str | int | float | bool | Sequence[str] | Mapping[str, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One kind of line; `fields` are its keys beside those that every line has."""

    name: str
    level: int
    doc: str
    fields: tuple[str, ...]

    def tell(
        self, logger: logging.Logger, words: str, because: BaseException | None = None, /, **fields: _Field
    ) -> None:
        """Log a line; `because`: with the traceback of that error."""
        trace: _Trace | None = None if because is None else (type(because), because, because.__traceback__)
        told = {"event": self.name, "fields": fields}
        logger.log(self.level, "%s", words, exc_info=trace, extra=told, stacklevel=2)


_ALL: Final[list[Event]] = []


def _event(name: str, level: int, doc: str, *fields: str) -> Event:
    event = Event(name=name, level=level, doc=doc, fields=fields)
    _ALL.append(event)
    return event


_I, _W, _E, _C = logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL

# --- a worker's life -------------------------------------------------------------------------------------------------
_SEAT: Final = ("agent", "partition")
WORKER_STARTED: Final = _event(
    "worker_started", _I, "The HTTP server listens; Kafka is asked next.", "version", "environment", "url"
)
WAITING: Final = _event("waiting", _W, "Kafka or the schema registry does not answer; it is asked again.", "what")
KAFKA_REFUSES: Final = _event("kafka_refuses", _E, "Kafka does not let it in, or not do what it must.", "what")
ANSWERS: Final = _event("answers", _I, "What was waited for answers again.", "what")
FEED_READ: Final = _event(
    "feed_read", _I, "Monitors and baselines, or recent commands, are read to their end.", "topics", "records"
)
CATALOG_LEFT_OUT: Final = _event(
    "catalog_left_out", _E, "A monitor, baseline or command cannot be used; its key is named.", "topic", "key"
)
ASSIGNED: Final = _event("assigned", _I, "The group has given these partitions to this worker.", "partitions")
RESTORED: Final = _event(
    "restored", _I, "A partition's state is read back; `offsets`: where it goes on.", *_SEAT, "records", "seconds",
    "offsets",
)  # fmt: skip
COUNTING: Final = _event("counting", _I, "All that was assigned is restored and counts.", "partitions")
NOT_TAKEN: Final = _event("not_taken", _E, "Other workers have some of what an agent needs together.", *_SEAT)
RETIRED: Final = _event(
    "retired", _I, "Partitions were given back; `saved`: after a last checkpoint.", "partitions", "saved"
)
GIVEN_UP: Final = _event(
    "given_up", _W, "Partitions were given back with a transaction in flight; the next owner does it again.",
    "partitions",
)  # fmt: skip
RETRIED: Final = _event("transaction_retried", _W, "Kafka had a step of a transaction done again.", *_SEAT, "kind")
NO_END: Final = _event("no_log_end", _W, "Kafka did not say where logs end; the round goes on without.", *_SEAT)
REFUSED: Final = _event(
    "records_refused", _W, "Dead letters were written: how many, by reason; at most one line in 10 s and partition.",
    *_SEAT, "reasons",
)  # fmt: skip
STOOD_STILL: Final = _event("stood_still", _W, "The whole process did not run for a while.", "seconds")
FAULT: Final = _event("fault", _E, "Something failed that ends the worker; with the traceback.", *_SEAT)
CONSOLE_FAULT: Final = _event(
    "console_fault", _E, "The console could not read, or make a page; with the traceback. Counting goes on.", "part"
)
DIED: Final = _event("died", _C, "The process ends at once, or before it began; state is as committed.", "exit_code")
STOPPED: Final = _event("stopped", _I, "All is committed, and the process ends.", "exit_code")
SETTING: Final = _event("setting", _W, "A setting is unsafe, unknown or missing.", "setting")

# --- what a guard decided, once it is committed ----------------------------------------------------------------------
_ENTRY: Final = ("model", "incident", "journal_sequence", "drill", "state")
_STEP: Final = (*_ENTRY, "step")
INCIDENT_OPENED: Final = _event("incident_opened", _W, "A breach has lasted.", *_STEP)
INCIDENT_UPDATED: Final = _event("incident_updated", _I, "More signals, or versions, belong to it.", *_STEP)
INCIDENT_RESOLVED: Final = _event("incident_resolved", _I, "It is over.", *_STEP)
STATE_CHANGED: Final = _event("state_changed", _I, "The model has another state.", *_ENTRY, "state_before")
VETOED: Final = _event("rollback_vetoed", _W, "A rollback was asked for and withheld.", *_STEP, "vetoes")
SENSING_DEGRADED: Final = _event("sensing_degraded", _W, "No, or too poor, reports come.", *_STEP)
SENSING_RESTORED: Final = _event("sensing_restored", _I, "Reports are back.", *_STEP)
OVERRIDE_TAKEN: Final = _event("override_taken", _I, "A person's word counts from now on.", *_STEP)
OVERRIDE_REFUSED: Final = _event("override_refused", _W, "A person's word does not count.", *_STEP, "reason")
OVERRIDE_ENDED: Final = _event("override_ended", _I, "A hold has run out.", *_STEP)
COMMAND_STAGED: Final = _event("command_staged", _I, "A command is decided; it leaves next.", *_STEP, "command_id")
COMMAND_WITHHELD: Final = _event(
    "command_withheld", _I, "A command that an armed guard would have sent.", *_STEP, "command_id"
)
COMMAND_WITHDRAWN: Final = _event("command_withdrawn", _I, "A staged command will not leave.", *_STEP)
_SENT: Final = ("command_id", "action", "sequence", "target_version", "cancels")
COMMAND_SENT: Final = _event("command_sent", _W, "A command has left.", *_ENTRY, *_SENT)
COMMAND_RESENT: Final = _event("command_resent", _W, "It was not acknowledged yet, and sent again.", *_ENTRY, *_SENT)
COMMAND_UNACKED: Final = _event("command_unacked", _E, "Nobody has acknowledged it after 30 s.", *_STEP, "command_id")
COMMAND_ACKED: Final = _event("command_acked", _I, "All that must have obeyed it.", *_STEP, "command_id")
COMMAND_PARTLY: Final = _event("command_acked_partly", _I, "Some that must have obeyed it.", *_STEP, "command_id")
COMMAND_NACKED: Final = _event("command_nacked", _E, "An actuator has refused it.", *_STEP, "command_id")
COMMAND_EXPIRED: Final = _event("command_expired", _E, "Nobody obeyed it in time.", *_STEP, "command_id")
COMMAND_SUPERSEDED: Final = _event(
    "command_superseded", _I, "A person, or another command, took its place.", *_STEP, "command_id"
)
ACK_LATE: Final = _event("ack_late", _W, "An answer corrects how a command has ended.", *_STEP)
ACK_REFUSED: Final = _event("ack_refused", _W, "An answer does not count.", *_STEP, "reason")
ACTION_FAILED: Final = _event("action_failed", _E, "Automation ends until a person releases it.", *_STEP)
DECIDED: Final = _event("decided", _I, "Another step of the guard, which `step` names.", *_STEP)
ALERTED: Final = _event(
    "alert_sent", _W, "People are told.", "model", "version", "role", "segment", "incident", "alert_id", "kind",
    "subject", "severity", "state", "command_id", "drill",
)  # fmt: skip

# --- an actuator -----------------------------------------------------------------------------------------------------
_COMMAND: Final = ("model", "command_id", "action", "sequence", "incident", "drill")
ACTUATOR_STARTED: Final = _event("actuator_started", _I, "Obeys commands from now on.", "actuator_id", "models")
STORE_BEGUN: Final = _event(
    "store_begun", _W, "First start with this store: what lies before is read and not obeyed.", "partition", "offset"
)
COMMAND_IGNORED: Final = _event("command_ignored", _W, "Not trusted, or not for this actuator.", *_COMMAND, "reason")
COMMAND_OLD: Final = _event("command_old", _I, "Appended before the store was begun.", *_COMMAND)
COMMAND_UNREADABLE: Final = _event("command_unreadable", _W, "A record of `control` is no command.", "reason")
COMMAND_DONE: Final = _event(
    "command_done", _I, "Its result is stored; the ack follows.", *_COMMAND, "result", "reason"
)
ROUTER_FAILED: Final = _event("router_failed", _E, "The router raised, or stands elsewhere than expected.", *_COMMAND)
ROUTER_UNSEEN: Final = _event("router_unseen", _E, "Where the router stands cannot be observed.", "model")
ACK_RESENT: Final = _event("ack_resent", _W, "Kafka did not take an ack; it is sent again.", "model", "command_id")

# --- a publisher -----------------------------------------------------------------------------------------------------
TROUBLE: Final = _event(
    "publisher_trouble", _W, "Something holds rows up, or has lost some; told once a minute at most.", "subject"
)
WELL: Final = _event("publisher_well", _I, "That is over.", "subject")
CLOSED_WITH_LOSS: Final = _event(
    "publisher_closed_with_loss", _W, "Rows were lost by the time it was closed.", "dropped", "undelivered"
)
PUBLISHER_FAILED: Final = _event("publisher_failed", _E, "A fault of ours; rows are dropped from now on.")

EVENTS: Final[dict[str, Event]] = {event.name: event for event in _ALL}


def events_table_markdown() -> str:
    """Return the table of `docs/logs.md`."""
    rows = [
        f"| `{event.name}` | {logging.getLevelName(event.level).lower()} | {event.doc} | "
        f"{', '.join(f'`{field}`' for field in event.fields)} |"
        for event in _ALL
    ]
    return "\n".join(["| event | level | when | fields |", "|---|---|---|---|", *rows, ""])
