"""What serving nodes have published, read back whole."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kedge.schemas.codec import Codec
from kedge.schemas.records import PredictionBatch
from tests.support.waiting import wait_for

Placed = tuple[int, PredictionBatch]
"""A batch with the partition that it lies in."""


class BatchReader:
    """Reads a topic of batches from its beginning, further with each call."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._places = [TopicPartition(topic, partition, 0) for partition in range(partitions)]
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "reader", "log_level": 0, "fetch.wait.max.ms": 10}
        )
        self._consumer.assign(self._places)
        self._batches: list[Placed] = []

    def batches(self) -> list[Placed]:
        """Every batch so far, in the order of each partition."""
        while len(self._batches) < self._end():
            for message in self._consumer.consume(100, timeout=0.1):
                if message.error() is not None:  # the broker is away; the consumer tries again by itself
                    continue
                value, partition = message.value(), message.partition()
                assert value is not None
                assert partition is not None
                self._batches.append((partition, Codec().decode(value, PredictionBatch)))
        return self._batches

    def rows(self) -> int:
        """Rows in all batches so far."""
        return sum(batch.rows for _, batch in self.batches())

    def _end(self) -> int:
        return sum(wait_for(partial(self._ends_at, place), f"the end of {place}") - 1 for place in self._places)

    def _ends_at(self, place: TopicPartition) -> int:
        """The partition's end offset plus one; 0 while nobody leads the partition, as when it has just been made."""
        try:
            return self._consumer.get_watermark_offsets(place, timeout=10)[1] + 1
        except KafkaException as error:
            if error.args[0].retriable() or error.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION:
                return 0
            raise


def in_streams(batches: Iterable[Placed]) -> list[list[PredictionBatch]]:
    """The batches by (producer, model, version, role, partition), as a worker tells them apart."""
    streams: dict[tuple[object, ...], list[PredictionBatch]] = defaultdict(list)
    for partition, batch in batches:
        streams[batch.producer, batch.model, batch.version, batch.role, partition].append(batch)
    return list(streams.values())


def dropped(batches: Iterable[Placed]) -> int:
    """Rows that the senders say they had to drop."""
    return sum(stream[-1].dropped for stream in in_streams(batches))


def missing(batches: Iterable[Placed]) -> int:
    """Rows in the gaps between batches."""
    return sum(
        stream[-1].rows_before + stream[-1].rows - sum(batch.rows for batch in stream) for stream in in_streams(batches)
    )
