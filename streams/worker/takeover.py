"""Take a partition over: fence, read the state to its end, check that it fits."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import TopicPartition
from faust.types import TP

from kedge.streams.core.instructions import Core, TopologyMismatchError
from kedge.streams.names import transactional_id
from kedge.streams.worker.exits import Repeated
from kedge.streams.worker.means import AgentSpec, Means
from kedge.streams.worker.restore import read_to
from kedge.streams.worker.transaction import Retry, TransactionalWriter


@dataclass(frozen=True, slots=True)
class Taken:
    """A partition that is ours: its core as of `committed` (-1: none), and the one producer that may write it."""

    core: Core
    writer: TransactionalWriter
    committed: int
    records: int


def take_over(
    spec: AgentSpec, tp: TP, means: Means, partitions: Mapping[str, int], abandoned: threading.Event
) -> Taken:
    """Take source partition `tp` over; blocks. `partitions` are the counts by logical topic name.

    The order is what makes it safe. First every earlier owner is fenced, and the transaction it may have left open
    is aborted; only then is the end of the state asked for. So nothing can be added behind that end any more, and
    all that lies before it is committed or aborted.

    Raises:
        FencedError, TransactionError, AbandonedError, ClusterError, RestoreError: the partition is not ours, and
            nothing of its state may be used.
        TopologyMismatchError: the state cannot go with this cluster, whoever tries.
    """
    kafka = means.settings.kafka
    again = Repeated()

    def retried(retry: Retry, reason: str) -> None:
        means.observer.retried(spec.name, retry)
        again.warn(f"{spec.name} {tp.partition}: the transaction is tried again ({retry}): {reason}")

    writer = TransactionalWriter(
        kafka.client(),
        transactional_id(kafka.environment, spec.name, tp.partition),
        abandoned=abandoned,
        retried=retried,
    )
    writer.open()
    state = TopicPartition(means.topics.of(spec.state), tp.partition)
    source = TopicPartition(tp.topic, tp.partition)
    ends = means.cluster.ends([state, source])
    core = spec.make_core(tp.partition, partitions)
    end = ends[state.topic, state.partition]
    records = read_to(kafka.client(), state, end, take=core.restore, abandoned=abandoned)
    core.restored()
    committed = position(core.committed, spec.source)
    _refuse_shorter_log(spec, tp, committed, ends[tp.topic, tp.partition])
    return Taken(core, writer, committed, records)


def position(committed: Mapping[str, int], source: str) -> int:
    """The last offset of `source` that a state contains, -1 for none.

    A core that names its source otherwise would be read from the start after every restart: that is a fault of
    ours, and must not look like an empty state.

    Raises:
        ValueError: there is a position, but not of `source`.
    """
    if committed and source not in committed:
        message = f"the core's position is of {sorted(committed)}, its source is {source}"
        raise ValueError(message)
    return committed.get(source, -1)


def _refuse_shorter_log(spec: AgentSpec, tp: TP, committed: int, end: int) -> None:
    """A log that ends before what was counted was made anew: going on would count its records twice or never."""
    if committed + 1 > end:
        message = (
            f"the state of {spec.name} {tp.partition} contains offset {committed} of {tp.topic}, which ends at "
            f"{end}: the topic was made anew, or its broker has lost records. Use another environment, or delete "
            f"and create again all topics of this one"
        )
        raise TopologyMismatchError(message)
