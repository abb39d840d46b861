"""Kafka as the pump sees it, in memory: a topic, and what may go wrong with it."""

from collections import deque

from kedge.schemas.codec import Codec
from kedge.schemas.records import Outcome, PredictionBatch
from kedge.streams.publisher.link import Receipt


class MemoryLink:
    """Acknowledges what it was sent at the next `poll`."""

    def __init__(self, count: int | None = 3) -> None:
        self.count = count
        self.asked = 0
        self.room = 10**9
        self.fault: str | None = None
        self.acknowledges = True
        self.arrived: list[tuple[int, PredictionBatch]] = []
        self.outcomes: list[tuple[int, bytes, Outcome]] = []
        self.trouble: str | None = None
        self._pending = deque[tuple[int, bytes | None, bytes, Receipt]]()

    def partitions(self, timeout_s: float) -> int | None:
        assert timeout_s <= 1, "an end of the process would have to wait for it"
        self.asked += 1
        return self.count

    def send(self, partition: int, message: bytes, receipt: Receipt) -> bool:
        return self._take(partition, None, message, receipt)

    def send_outcome(self, partition: int, key: bytes, message: bytes, receipt: Receipt) -> bool:
        return self._take(partition, key, message, receipt)

    def poll(self, _timeout_s: float) -> None:
        while self.acknowledges and self._pending:
            partition, key, message, receipt = self._pending.popleft()
            if self.fault is None and key is not None:
                self.outcomes.append((partition, key, Codec().decode(message, Outcome)))
            elif self.fault is None:
                self.arrived.append((partition, Codec().decode(message, PredictionBatch)))
            receipt(self.fault)

    def purge(self) -> None:
        while self._pending:
            self._pending.popleft()[-1]("purged")

    def _take(self, partition: int, key: bytes | None, message: bytes, receipt: Receipt) -> bool:
        if len(self._pending) >= self.room:
            return False
        self._pending.append((partition, key, message, receipt))
        return True
