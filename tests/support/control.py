"""A guard's side of the topics `control` and `acks`, for whoever tests an actuator."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import Producer

from kedge.schemas.codec import Codec
from kedge.schemas.records import Ack, Command
from kedge.streams.actuator.actuator import Actuator
from kedge.streams.names import Topics
from kedge.streams.reading import read_to_end
from kedge.streams.settings import KafkaSettings
from tests.support.waiting import wait_for

__all__ = ["Guard", "running"]

_CODEC = Codec()


class Guard:
    """Sends commands, and reads what is acked."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka, self.topics = kafka, Topics(kafka.environment)
        self.producer = Producer({**kafka.client(), "partitioner": "murmur2_random"})

    def send(self, *commands: Command | bytes) -> None:
        """Append commands, or whatever bytes, and wait until they lie there."""
        for command in commands:
            value = command if isinstance(command, bytes) else _CODEC.encode(command)
            key = b"delay" if isinstance(command, bytes) else command.model.encode()
            self.producer.produce(self.topics.control, value, key)
        assert self.producer.flush(20) == 0

    def records(self) -> list[tuple[bytes | None, int | None, Ack]]:
        """All that lies in `acks`: key, partition, ack; heartbeats too."""
        return [
            (message.key(), message.partition(), _CODEC.decode(message.value() or b"", Ack))
            for message in read_to_end(self.kafka, [self.topics.acks])
        ]

    def acks(self) -> list[Ack]:
        """What was answered to commands."""
        return [ack for _, _, ack in self.records() if ack.command_id]

    def beats(self) -> list[Ack]:
        """The signs of life."""
        return [ack for _, _, ack in self.records() if not ack.command_id]

    def wait_for(self, count: int) -> list[Ack]:
        """Wait until so many answers are there; return those."""
        return wait_for(lambda: acks if len(acks := self.acks()) >= count else [], f"{count} acks")

    def wait_until_alive(self, beats: int = 1) -> Sequence[Ack]:
        """Wait until an actuator has begun: so many heartbeats are there."""
        return wait_for(lambda: found if len(found := self.beats()) >= beats else [], f"{beats} heartbeats")


@contextmanager
def running(actuator: Actuator) -> Iterator[Actuator]:
    """One run on a thread of its own; what it raises is raised at the end of the block."""
    faults: list[Exception] = []

    def run() -> None:
        try:
            actuator.run()
        except Exception as fault:  # noqa: BLE001 - raised again where the block ends
            faults.append(fault)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield actuator
    finally:
        actuator.stop()
        thread.join(60)
    assert not thread.is_alive()
    if faults:
        raise faults[0]
