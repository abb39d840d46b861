"""What the worker asks the cluster beside reading and writing: is it there, which topics, where do logs end."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # the documented place

from kedge.streams.access import Access
from kedge.streams.settings import KafkaSettings

if TYPE_CHECKING:
    from concurrent.futures import Future

TIMEOUT_S = 10.0

_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


_LEADER_PAUSES_S = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Before the end of a log is asked for again. The first one is for whatever has gone wrong; the others wait for a
leader, which a partition does not have yet in the second in which its topic is created."""
_MOVING = frozenset(
    {
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)


class ClusterError(Exception):
    """The cluster gave no answer, or one that the worker cannot go on with."""


class TopicsMissingError(ClusterError):
    """Topics are not there; the message says how to create them."""


class UnequalPartitionsError(ClusterError):
    """Topics that one owner needs together have different partition counts."""


def _moves(error: Exception) -> bool:
    """Whether a partition's leader is only just being found."""
    return isinstance(error, KafkaException) and error.args[0].code() in _MOVING


class Cluster:
    """A cluster's metadata and log ends. Its methods block; they may be called from any thread."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect lazily: nothing is asked yet."""
        self._brokers = settings.brokers
        self._access = Access(settings.client())
        options: dict[str, Any] = {**settings.client(), "error_cb": self._access.heard}
        self._admin = AdminClient(options)

    def wait(self, *, stopping: threading.Event, waiting: Callable[[str], None], dice: random.Random) -> bool:
        """Ask until the cluster answers, ever less often (at most every 15 s); False: `stopping` was set first.

        `waiting` is given a line for the log before each pause. The pauses are jittered, so that a fleet that
        lost its broker does not come back in one instant.

        Raises:
            AccessError: the cluster does not let this worker in.
        """
        pause_s = _FIRST_PAUSE_S
        while not stopping.is_set():
            try:
                self._access.metadata(self._admin, TIMEOUT_S / 2)
            except KafkaException as error:
                jittered_s = pause_s * dice.uniform(0.5, 1.5)
                waiting(f"{self._access.words(error.args[0])}; again in {jittered_s:.1f} s")
                stopping.wait(jittered_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                return True
        return False

    def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """The partition count of each topic.

        Raises:
            TopicsMissingError: some are not there.
            AccessError: the cluster does not let this worker in any more.
            ClusterError: no answer.
        """
        wanted = list(topics)
        try:
            found = self._access.metadata(self._admin, TIMEOUT_S).topics
        except KafkaException as error:
            raise ClusterError(self._access.words(error.args[0])) from error
        counts = {topic: len(found[topic].partitions) for topic in wanted if topic in found}
        missing = [topic for topic in wanted if not counts.get(topic)]
        if missing:
            named = ", ".join(sorted(missing))
            raise TopicsMissingError(f"topics are missing at {self._brokers}: {named}: {self._access.no_topic}")
        return counts

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[tuple[str, int], int]:
        """Where each log ends for everyone, uncommitted transactions included: the offset of the next record."""
        return self._ends(partitions, IsolationLevel.READ_UNCOMMITTED)

    def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[tuple[str, int], int]:
        """Where each log ends for a `read_committed` reader."""
        return self._ends(partitions, IsolationLevel.READ_COMMITTED)

    def _ends(self, partitions: Iterable[TopicPartition], isolation: IsolationLevel) -> dict[tuple[str, int], int]:
        logs, pauses = list(partitions), iter(_LEADER_PAUSES_S)
        while True:
            try:
                return self._asked_ends(logs, isolation)
            except (KafkaException, TimeoutError) as error:
                pause_s = next(pauses, None)
                if pause_s is None or (pause_s and not _moves(error)):
                    named = ", ".join(f"{log.topic} {log.partition}" for log in logs)
                    self._admin.poll(0)
                    told = self._access.words(error.args[0]) if isinstance(error, KafkaException) else str(error)
                    raise ClusterError(f"the end of {named} is not known: {told}") from error
                time.sleep(pause_s)
                # After a broker's restart librdkafka goes on with the leader's epoch that it knew, and is refused,
                # until it happens to read the metadata again, minutes later. So make it happen.
                with contextlib.suppress(KafkaException):
                    self._admin.list_topics(timeout=TIMEOUT_S / 2)

    def _asked_ends(self, logs: Sequence[TopicPartition], isolation: IsolationLevel) -> dict[tuple[str, int], int]:
        futures: Mapping[TopicPartition, Future[Any]] = self._admin.list_offsets(
            dict.fromkeys(logs, _LATEST), isolation_level=isolation, request_timeout=TIMEOUT_S
        )
        return {(log.topic, log.partition): int(end.result(2 * TIMEOUT_S).offset) for log, end in futures.items()}
