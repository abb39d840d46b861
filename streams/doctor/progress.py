"""Whether somebody counts, judges and guards, how far behind they are, and whether clocks agree."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from confluent_kafka import (
    OFFSET_END,
    TIMESTAMP_LOG_APPEND_TIME,
    ConsumerGroupState,
    KafkaError,
    KafkaException,
    Message,
)
from confluent_kafka.admin import AdminClient

from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Position
from kedge.streams.announce import Place
from kedge.streams.clock import now_ms
from kedge.streams.core.instructions import POSITION_KEY
from kedge.streams.doctor.finding import Finding, fail, ok, unknown, warn
from kedge.streams.names import SOURCES, Agent, Topics, group_id
from kedge.streams.reading import Log, ends, follow_from, places, read_from
from kedge.streams.topics import TOPICS

__all__ = ["LISTEN_S", "Checkpoint", "agents", "clock", "clock_finding", "read_checkpoints", "workers"]

_TIMEOUT_S: Final = 10.0
_TAIL: Final = 2_000
"""Every checkpoint ends with its position: among the last records of a state there is one, as a rule."""
_LOOK: Final = 50
"""So many offsets behind a position are looked through for a record: markers of transactions are none."""
_SLOW_MS: Final = 20_000
"""Judge and guard write a position that nothing depends on every ten seconds."""
_STUCK_MS: Final = 60_000
LISTEN_S: Final = 3.0
_APART_WARN_MS: Final = 2_000
_APART_FAIL_MS: Final = 60_000
"""Senders more than five minutes ahead of the broker are quarantined; commands expire by the clock."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The newest of an agent's partition: what it contains of each source, and the wall time it was written at."""

    committed: Mapping[str, int]
    written_ms: int


def read_checkpoints(place: Place) -> dict[tuple[Agent, int], Checkpoint]:
    """Return the newest checkpoint of each partition that has one.

    Raises:
        ReadingError: Kafka does not answer, or the topics do not exist.
    """
    names, found = Topics(place.kafka.environment), dict[tuple[Agent, int], Checkpoint]()
    for agent in Agent:
        logs = places(place.kafka, [names.state(agent)])
        last = ends(place.kafka, logs)
        tails = {log: max(0, last[log] - _TAIL) for log in logs}
        for starts in (tails, {log: 0 for log in logs if tails[log] and (agent, log[1]) not in found}):
            for message in read_from(place.kafka, starts):
                if (checkpoint := _checkpoint(place, message)) is not None:
                    found[agent, message.partition() or 0] = checkpoint
    return found


def _checkpoint(place: Place, message: "Message[Any, Any]") -> Checkpoint | None:
    if message.key() != POSITION_KEY:
        return None
    try:
        position = place.codec.decode(message.value() or b"", Position)
    except UndecodableError:
        return None
    return Checkpoint(position.committed, message.timestamp()[1])


def agents(place: Place, now_ms: int) -> Iterator[Finding]:
    """Yield of each agent whether its checkpoints contain what there is; the age of what they do not is its lag.

    Raises:
        ReadingError: Kafka does not answer, or the topics do not exist.
    """
    names, checkpoints = Topics(place.kafka.environment), read_checkpoints(place)
    for agent in Agent:
        logs = places(place.kafka, [names.of(source) for source in SOURCES[agent]])
        starts = {log: _start(names, agent, log, checkpoints) for log in logs}
        waiting = _first_records(place, starts)
        yield _of_agent(agent, [c for (who, _), c in checkpoints.items() if who is agent], waiting, now_ms)


def _start(names: Topics, agent: Agent, log: Log, checkpoints: Mapping[tuple[Agent, int], Checkpoint]) -> int:
    known = checkpoints.get((agent, log[1]))
    return 0 if known is None else known.committed.get(log[0].removeprefix(names.of("")), -1) + 1


def _first_records(place: Place, starts: Mapping[Log, int]) -> dict[Log, int]:
    """Return when the first record from an offset on was written, for each log that has one."""
    last = ends(place.kafka, [*starts])
    open_ = {log: start for log, start in starts.items() if start < last[log]}
    found: dict[Log, int] = {}
    for message in read_from(place.kafka, open_, {log: start + _LOOK for log, start in open_.items()}):
        found.setdefault((message.topic() or "", message.partition() or 0), message.timestamp()[1])
    return found


def _of_agent(agent: Agent, checkpoints: list[Checkpoint], waiting: Mapping[Log, int], now_ms: int) -> Finding:
    newest = max((checkpoint.written_ms for checkpoint in checkpoints), default=None)
    check = str(agent)
    if newest is None and not waiting:
        do = "start `kedge worker`; if one runs, nothing has been published yet"
        return unknown(check, "no checkpoint, and nothing to count", do)
    when = "never" if newest is None else f"{_ago(max(0, now_ms - newest))} ago"
    oldest_ms = max((now_ms - stamp for stamp in waiting.values()), default=0)
    said = f"last checkpoint {when}; behind in {len(waiting)} partitions, by {_ago(oldest_ms)}"
    if oldest_ms >= _STUCK_MS:
        return fail(check, said, "see that a worker runs and is ready (/readyz): docs/runbooks/watermark_stuck.md")
    if oldest_ms >= _SLOW_MS:
        return warn(check, said, "it may be catching up: look again in a minute")
    return ok(check, f"last checkpoint {when}; nothing waits for longer than {_ago(max(oldest_ms, 1_000))}")


def workers(place: Place) -> Iterator[Finding]:
    """Yield how many workers share the partitions."""
    name = group_id(place.kafka.environment)
    admin = AdminClient({**place.kafka.client()})
    try:
        found = admin.describe_consumer_groups([name], request_timeout=_TIMEOUT_S)[name].result(2 * _TIMEOUT_S)
        members, settled = len(found.members), found.state is ConsumerGroupState.STABLE
    except (KafkaException, TimeoutError) as error:
        if not _is_unheard_of(error):
            yield unknown("workers", f"the group {name} is not told: {_words(error)}", "ask as a user that may see it")
            return
        members, settled = 0, True
    yield _crew(name, members, settled=settled)


def _is_unheard_of(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND


def _crew(name: str, members: int, *, settled: bool) -> Finding:
    if not members:
        return fail("workers", f"nobody is in the group {name}", "start `kedge worker`: docs/runbooks/worker_down.md")
    if not settled:
        return warn("workers", f"{members}, sharing the partitions out anew", "look again in a minute")
    if members == 1:
        return warn(
            "workers", "1: while it is away nobody judges", "run a second one, with a KEDGE_WORKER_ID of its own"
        )
    return ok("workers", str(members))


def clock(place: Place, *, listen_s: float = LISTEN_S) -> Finding:
    """Compare our clock with the brokers', by what they stamp while we listen; nothing is written for it.

    A record that arrives while we wait was stamped at most a moment before, so that both directions show. If none
    comes, only a stamp in our future says anything.
    """
    names = Topics(place.kafka.environment)
    logs = places(place.kafka, [names.of(spec.name) for spec in TOPICS if spec.append_time])
    began = time.monotonic()
    for message in follow_from(place.kafka, dict.fromkeys(logs, OFFSET_END)):
        if message is not None and (stamp := _stamp(message)) is not None:
            return clock_finding(stamp - now_ms(), arrived=True)
        if time.monotonic() - began >= listen_s:
            break
    newest = max(filter(None, map(_stamp, _newest(place, logs))), default=None)
    return clock_finding(None if newest is None else newest - now_ms(), arrived=False)


def clock_finding(ahead_ms: int | None, *, arrived: bool) -> Finding:
    """Say what a broker's stamp means that lies so far ahead of our clock; None: there is none."""
    do = "set the clocks of brokers, workers and routers by NTP: commands expire by them"
    if ahead_ms is None or (not arrived and ahead_ms < _APART_WARN_MS):
        return unknown("clock", "nothing was stamped by a broker while I listened", "ask again under traffic")
    direction = "ahead of" if ahead_ms > 0 else "behind"
    if abs(ahead_ms) < _APART_WARN_MS:
        return ok("clock", f"brokers and this machine agree to {_APART_WARN_MS // 1_000} s")
    said = f"the brokers' clock is {_ago(abs(ahead_ms))} {direction} this machine's"
    return (fail if abs(ahead_ms) >= _APART_FAIL_MS else warn)("clock", said, do)


def _newest(place: Place, logs: list[Log]) -> Iterator["Message[Any, Any]"]:
    last = ends(place.kafka, logs)
    return chain(read_from(place.kafka, {log: end - 1 for log, end in last.items() if end}))


def _stamp(message: "Message[Any, Any]") -> int | None:
    kind, stamp = message.timestamp()
    return stamp if kind == TIMESTAMP_LOG_APPEND_TIME else None


def _words(error: Exception) -> str:
    return error.args[0].str() if isinstance(error, KafkaException) else str(error) or "no answer"


def _ago(span_ms: int) -> str:
    """Return a span in words, in its largest unit.

    >>> [_ago(span) for span in (1_500, 90_000, 7_200_000, 200_000_000)]
    ['1 s', '1 min', '2 h', '2 d']
    """
    seconds = span_ms // 1_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
