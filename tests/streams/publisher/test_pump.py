"""From the queue to Kafka, whatever Kafka does; time is a parameter."""

from itertools import count

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import text_of
from kedge.schemas.errors import RegistryUnavailableError
from kedge.schemas.hashing import id_hash
from kedge.schemas.partition import partition_for
from kedge.streams.publisher.admission import Admission
from kedge.streams.publisher.batcher import Limits
from kedge.streams.publisher.bulk import Given, bulk_of
from kedge.streams.publisher.intake import Intake
from kedge.streams.publisher.link import Link
from kedge.streams.publisher.pump import ASK_PAUSE_S_MAX, PARTITIONS_KEPT_S, REGISTRY_PAUSE_S, Pump
from tests.streams.publisher.memory_link import MemoryLink
from tests.streams.publisher.readback import STREAM, make_row, read_back

LIMITS = Limits(rows_max=10, bytes_max=100_000, age_s=1.0)


class Rig:
    """A pump and both of its ends."""

    def __init__(self, link: MemoryLink | None = None, *, rows_max: int = 10_000, codec: Codec | None = None) -> None:
        self.link = link or MemoryLink()
        self.intake = Intake(rows_max, 2**30)
        as_link: Link = self.link
        self.pump = Pump(self.intake, as_link, codec or Codec(), LIMITS, "me")
        self._serial = count()

    def log(self, rows: int) -> None:
        for _ in range(rows):
            self.intake.offer(make_row(f"r{next(self._serial)}"))

    def ids(self) -> list[int]:
        """Hashes of the rows that arrived."""
        return [row["id"] for _, batch in self.link.arrived for row in read_back(batch)]

    def lost_downstream(self) -> tuple[int, int]:
        """What a worker makes of it: rows missing in gaps, and rows reported as dropped."""
        gaps, dropped = 0, {}
        for partition in {partition for partition, _ in self.link.arrived}:
            through = 0
            for batch in sorted((b for p, b in self.link.arrived if p == partition), key=lambda b: b.sequence):
                gaps += batch.rows_before - through
                through = batch.rows_before + batch.rows
                dropped[partition] = batch.dropped
        return gaps, sum(dropped.values())


def test_rows_lie_where_kafka_would_put_their_request_id() -> None:
    rig = Rig()
    rig.log(40)
    bulk = bulk_of(Admission(), STREAM, Given(request_ids=[f"b{i}" for i in range(40)], features={}), 0)
    rig.intake.offer(bulk)
    rig.pump.finish(lambda: 0.0, 1.0)
    keys = [f"r{i}" for i in range(40)] + [f"b{i}" for i in range(40)]
    home = {id_hash(key): partition_for(key.encode(), 3) for key in keys}
    assert sorted(rig.ids()) == sorted(home)
    for partition, batch in rig.link.arrived:
        assert {home[row["id"]] for row in read_back(batch)} == {partition}


def test_batches_leave_when_they_are_full_or_old() -> None:
    rig = Rig(MemoryLink(count=1))
    rig.log(13)
    rig.pump.step(0.0)
    assert [batch.rows for _, batch in rig.link.arrived] == [10]
    rig.pump.step(0.9)
    assert len(rig.link.arrived) == 1
    rig.pump.step(1.0)
    assert [batch.rows for _, batch in rig.link.arrived] == [10, 3]
    assert not rig.pump.busy
    assert rig.intake.stats().sent == 13


def test_a_flush_does_not_wait_for_the_age() -> None:
    rig = Rig()
    rig.log(3)
    rig.pump.step(0.0)
    rig.pump.flush(0.0)
    rig.pump.step(0.0)
    assert rig.intake.stats().sent == 3


def test_a_flush_says_when_rows_had_to_stay() -> None:
    rig = Rig(MemoryLink(count=None))
    rig.log(3)
    rig.pump.step(0.0)
    assert not rig.pump.flush(0.0)
    rig.link.count = 3
    rig.pump.step(1.0)
    assert rig.pump.flush(1.0)


def test_rows_wait_while_the_topic_is_unknown_and_it_is_asked_for_ever_less_often() -> None:
    rig = Rig(MemoryLink(count=None))
    rig.log(5)
    for tick in range(600):
        rig.pump.step(tick * 0.1)
    assert rig.intake.stats().queued == 5
    assert 60 / ASK_PAUSE_S_MAX <= rig.link.asked <= 60 / ASK_PAUSE_S_MAX + 5
    rig.link.count = 3
    rig.pump.step(60 + ASK_PAUSE_S_MAX)
    rig.pump.flush(63.0)
    rig.pump.step(63.0)
    assert rig.intake.stats().sent == 5


def test_a_widened_topic_is_noticed() -> None:
    rig = Rig(MemoryLink(count=1))
    rig.log(1)
    rig.pump.step(0.0)
    rig.link.count = 8
    rig.log(40)
    rig.pump.step(PARTITIONS_KEPT_S - 1)
    rig.pump.flush(PARTITIONS_KEPT_S - 1)
    rig.pump.step(PARTITIONS_KEPT_S - 1)
    assert {partition for partition, _ in rig.link.arrived} == {0}
    rig.log(40)
    rig.pump.step(PARTITIONS_KEPT_S)
    rig.pump.finish(lambda: PARTITIONS_KEPT_S, PARTITIONS_KEPT_S + 1)
    assert len({partition for partition, _ in rig.link.arrived}) > 1


def test_a_known_partition_count_outlives_a_broker_that_is_away() -> None:
    rig = Rig()
    rig.log(1)
    rig.pump.step(0.0)
    rig.link.count = None
    rig.log(9)
    rig.pump.step(PARTITIONS_KEPT_S + 1)
    rig.pump.flush(PARTITIONS_KEPT_S + 2)
    rig.pump.step(PARTITIONS_KEPT_S + 2)
    assert rig.intake.stats().sent == 10


def test_a_full_client_keeps_the_order() -> None:
    rig = Rig(MemoryLink(count=1))
    rig.link.room, rig.link.acknowledges = 1, False
    rig.log(40)
    for tick in range(10):
        rig.pump.step(tick)
    assert rig.intake.stats().queued == 40
    rig.link.acknowledges = True
    for tick in range(10, 20):
        rig.pump.step(tick)
    assert rig.ids() == [id_hash(f"r{i}") for i in range(40)]
    assert [batch.sequence for _, batch in rig.link.arrived] == [0, 1, 2, 3]


def test_drops_are_charged_once_to_one_partition() -> None:
    rig = Rig(rows_max=50)
    rig.log(80)
    rig.pump.step(0.0)
    rig.pump.step(1.0)
    rig.log(30)
    rig.pump.finish(lambda: 2.0, 3.0)
    stats = rig.intake.stats()
    assert (stats.logged, stats.sent, stats.dropped, stats.queued) == (110, 80, 30, 0)
    assert rig.lost_downstream() == (0, 30)


def test_an_undelivered_batch_is_a_gap_and_no_drop() -> None:
    rig = Rig(MemoryLink(count=1))
    rig.log(10)
    rig.link.fault = "timed out"
    rig.pump.step(0.0)
    rig.link.fault = None
    rig.log(10)
    rig.pump.step(1.0)
    stats = rig.intake.stats()
    assert (stats.sent, stats.undelivered, stats.dropped, stats.queued) == (10, 10, 0, 0)
    assert rig.lost_downstream() == (10, 0), "each missing row is missed once"


def test_an_undelivered_batch_takes_no_charge_with_it() -> None:
    rig = Rig(MemoryLink(count=1), rows_max=10)
    rig.log(15)
    rig.link.fault = "timed out"
    rig.pump.step(0.0)  # its batch says 5 dropped, and is lost
    rig.link.fault = None
    rig.log(10)
    rig.pump.step(1.0)
    assert rig.lost_downstream() == (10, 5)


def test_an_end_without_kafka_counts_every_row() -> None:
    rig = Rig(MemoryLink(count=None))
    rig.log(25)
    clock = count()
    rig.pump.finish(lambda: float(next(clock)), 3.0)
    stats = rig.intake.stats()
    assert (stats.queued, stats.dropped, stats.undelivered) == (0, 25, 0), "never numbered: dropped"


def test_an_end_without_answers_counts_every_row() -> None:
    rig = Rig(MemoryLink(count=1))
    rig.link.acknowledges = False
    rig.link.room = 1
    rig.log(25)
    clock = count()
    rig.pump.finish(lambda: float(next(clock)), 3.0)
    stats = rig.intake.stats()
    assert (stats.queued, stats.dropped, stats.undelivered) == (0, 0, 25), "numbered: a gap"


def test_memory_is_given_back() -> None:
    row = make_row("r0")
    rig = Rig()
    rig.intake = Intake(10_000, 20 * row.cost)
    rig.pump = Pump(rig.intake, rig.link, Codec(), LIMITS, "me")
    for turn in range(20):
        rig.log(20)
        rig.pump.step(turn)
        rig.pump.step(turn + 0.99)
        rig.pump.flush(turn + 0.999)
        rig.pump.step(turn + 0.999)
    stats = rig.intake.stats()
    assert (stats.sent, stats.dropped) == (400, 0)


def test_rows_that_no_message_can_hold_are_dropped_and_counted() -> None:
    rig = Rig(MemoryLink(count=1))
    rig.intake.offer(make_row(features={f"f{i}": "x" * 1_000 for i in range(200)}))
    rig.log(1)
    rig.pump.finish(lambda: 0.0, 1.0)
    stats = rig.intake.stats()
    assert (stats.sent, stats.dropped, stats.queued) == (1, 1, 0)
    assert rig.lost_downstream() == (0, 1)


class MovingRegistry:
    """A registry that is away at first."""

    def __init__(self) -> None:
        self.away = True

    def schema(self, schema_id: int) -> str:
        assert schema_id == 7
        return text_of("PredictionBatch")

    def schema_id(self, subject: str, schema: str) -> int:
        if self.away:
            raise RegistryUnavailableError("connection refused")
        assert (subject, schema) == ("kedge.PredictionBatch", text_of("PredictionBatch"))
        return 7


def test_rows_wait_for_a_schema_registry_that_is_away() -> None:
    registry = MovingRegistry()
    link = MemoryLink(count=1)
    rig = Rig(link, codec=Codec(registry))
    rig.log(10)
    link.acknowledges = False
    rig.pump.step(0.0)
    assert rig.intake.stats().queued == 10
    assert rig.pump.trouble == "schema registry: connection refused"
    registry.away = False
    rig.pump.step(REGISTRY_PAUSE_S - 0.1)
    assert rig.pump.trouble, "it is not asked all the time"
    rig.pump.step(REGISTRY_PAUSE_S)
    assert rig.pump.trouble is None
    assert link._pending[0][2][:5] == b"\0\0\0\0\x07"  # noqa: SLF001 - the test's own link
