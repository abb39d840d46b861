"""Take a partition over: fence, read the state to its end, check that it fits."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from kedge.schemas.errors import UndecodableError
from kedge.streams.core.instructions import Core, TopologyMismatchError
from kedge.streams.events import RETRIED
from kedge.streams.names import transactional_id
from kedge.streams.worker.cluster import UnequalPartitionsError
from kedge.streams.worker.exits import Repeated
from kedge.streams.worker.means import AgentSpec, Means
from kedge.streams.worker.restore import RestoreError, read_to
from kedge.streams.worker.source import positions
from kedge.streams.worker.transaction import Retry, TransactionalWriter


class UnreadableStateError(Exception):
    """A record of the state is none that this release knows: to start again would not help."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A partition that is ours: its core as of `committed`, and the one producer that may write it."""

    core: Core
    writer: TransactionalWriter
    committed: Mapping[str, int]
    records: int


def take_over(
    spec: AgentSpec, partition: int, means: Means, partitions: Mapping[str, int], abandoned: threading.Event
) -> Taken:
    """Take a partition of all sources over; blocks. `partitions` are the counts by logical topic name.

    The order is what makes it safe. First every earlier owner is fenced, and the transaction it may have left open
    is aborted; only then is the end of the state asked for. So nothing can be added behind that end any more, and
    all that lies before it is committed or aborted.

    Raises:
        FencedError, TransactionError, AbandonedError, ClusterError, RestoreError: the partition is not ours, and
            nothing of its state may be used.
        TopologyMismatchError: the state cannot go with this cluster, whoever tries.
        UnreadableStateError: a newer release has written it, or one that was never released.
    """
    kafka = means.settings.kafka
    again = Repeated()

    def retried(retry: Retry, reason: str) -> None:
        means.observer.retried(spec.name, retry)
        again.tell(
            RETRIED,
            f"{spec.name} {partition}: the transaction is tried again ({retry}): {reason}",
            agent=spec.name,
            partition=partition,
            kind=retry,
        )

    writer = TransactionalWriter(
        kafka.client(),
        transactional_id(kafka.environment, spec.name, partition),
        abandoned=abandoned,
        retried=retried,
    )
    writer.open()
    state = TopicPartition(means.topics.of(spec.state), partition)
    sources = {name: TopicPartition(means.topics.of(name), partition) for name in spec.sources}
    ends = means.cluster.ends([state, *sources.values()])
    core = spec.make_core(partition, partitions)
    end = ends[state.topic, state.partition]

    def restore(key: bytes, value: bytes | None) -> None:
        if not means.schemas.wait(value, stopping=abandoned):
            raise RestoreError("given up: the partition was revoked while the schema registry was away")
        core.restore(key, value)

    try:
        records = read_to(kafka, state, end, take=restore, abandoned=abandoned)
        core.restored()
    except UndecodableError as error:
        message = (
            f"the state of {spec.name} {partition} holds a record that this release cannot read ({error}): a newer "
            "release has written it, or one that was never released. Install that one again; docs/upgrade.md has the "
            "way back"
        )
        raise UnreadableStateError(message) from error
    for name, offset in positions(core.committed, spec.sources).items():
        _refuse_shorter_log(spec, sources[name], offset, ends[sources[name].topic, partition])
    return Taken(core, writer, dict(core.committed), records)


def refuse_unequal(spec: AgentSpec, partitions: Mapping[str, int]) -> None:
    """What belongs together must lie in partitions of one number; with other counts it would not.

    Raises:
        UnequalPartitionsError: the counts of the sources, the state and what stands beside them differ.
    """
    counts = {name: partitions[name] for name in (*spec.sources, spec.state, *spec.beside)}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} has {count}" for name, count in counts.items())
        message = (
            f"the topics of {spec.name} must have one partition count, but {found}: what belongs together would be "
            "counted apart. docs/topics.md describes the way to a new count"
        )
        raise UnequalPartitionsError(message)


def _refuse_shorter_log(spec: AgentSpec, log: TopicPartition, committed: int, end: int) -> None:
    """A log that ends before what was counted was made anew: going on would count its records twice or never."""
    if committed + 1 > end:
        message = (
            f"the state of {spec.name} {log.partition} contains offset {committed} of {log.topic}, which ends at "
            f"{end}: the topic was made anew, or its broker has lost records. Use another environment, or delete "
            f"and create again all topics of this one"
        )
        raise TopologyMismatchError(message)
