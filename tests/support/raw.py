"""The bytes of a topic as they lie in the log, for tests of what must not be in them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from tests.support.kafka import Broker
from tests.support.waiting import wait_for

Parts = tuple[bytes, ...]
"""Key, value, and whatever headers there are."""


def raw_topics(broker: Broker, environment: str, *, isolation: str) -> Mapping[str, list[Parts]]:
    """Every message of each topic of an environment, from its beginning to its end now, decompressed.

    `isolation`: `read_committed`, or `read_uncommitted` to see aborted transactions as well.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": f"raw-{environment}",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    known = consumer.list_topics(timeout=20).topics
    names = {name for name in known if name.startswith(f"{environment}.")}
    places = [TopicPartition(name, partition, 0) for name in names for partition in known[name].partitions]
    consumer.assign(places)
    found: dict[str, list[Parts]] = defaultdict(list)
    for message in _to_the_end(consumer, places):
        headers = [_bytes(part) for header in dict(message.headers() or ()).items() for part in header]
        found[str(message.topic())].append((_bytes(message.key()), _bytes(message.value()), *headers))
    consumer.close()
    return {name: found[name] for name in sorted(names)}


def _to_the_end(consumer: Consumer, places: Collection[TopicPartition]) -> Iterator[Message]:
    left = {(place.topic, place.partition) for place in places}
    read: list[Message] = []

    def ended() -> bool:
        for message in consumer.consume(10_000, 0.2):
            error = message.error()
            if error is None:
                read.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                left.discard((str(message.topic()), int(message.partition() or 0)))
            else:
                assert error.retriable(), error
        return not left

    wait_for(ended, f"the end of {len(places)} partitions", timeout_s=60, poll_s=0.0)
    yield from read


def _bytes(part: bytes | str | None) -> bytes:
    return part.encode() if isinstance(part, str) else part or b""
