"""The simulated log must itself behave like Kafka's, or the simulation proves nothing."""

import pytest

from tests.simulation.log import (
    TRANSACTION_TIMEOUT_MS,
    AbortRequiredError,
    Clock,
    Fault,
    FencedError,
    Log,
    Partition,
    TimedOutError,
)
from tests.simulation.producer import Producer


def _log(*faults: Fault) -> Log:
    waiting = list(faults)
    return Log({"t": 1, "u": 1}, Clock(1_000), lambda _operation: waiting.pop(0) if waiting else Fault.NONE)


def _producer(log: Log) -> Producer:
    producer = Producer(log, "id")
    producer.init()
    return producer


def _values(partition: Partition, position: int = 0) -> list[bytes | None]:
    return [entry.value for entry in partition.read(position, 100)[0]]


def _settle(log: Log) -> None:
    log.settle_some(lambda: True)


def test_an_open_transaction_is_hidden_and_holds_back_what_lies_behind_it() -> None:
    log = _log()
    [partition] = log.topics["t"]
    producer = _producer(log)
    partition.append(b"k", b"before")
    producer.begin()
    producer.produce("t", 0, b"k", b"inside")
    partition.append(b"k", b"behind")
    assert _values(partition) == [b"before"]
    assert [entry.value for entry in partition.read_uncommitted(0)] == [b"before", b"inside", b"behind"]
    producer.commit()
    assert _values(partition) == [b"before"], "decided, but the marker is not written yet"
    _settle(log)
    assert _values(partition) == [b"before", b"inside", b"behind"]
    assert partition.high == 4, "the marker takes an offset"
    assert partition.read(0, 100)[1] == 4


def test_an_aborted_transaction_is_never_seen_and_the_position_passes_it() -> None:
    log = _log()
    [partition] = log.topics["t"]
    producer = _producer(log)
    producer.begin()
    producer.produce("t", 0, b"k", b"gone")
    producer.abort()
    producer.begin()
    producer.produce("t", 0, b"k", b"kept")
    producer.commit()
    _settle(log)
    assert [(entry.offset, entry.value) for entry in partition.read(0, 100)[0]] == [(2, b"kept")]
    assert partition.read(0, 100)[1] == 4


def test_markers_reach_partitions_one_by_one_and_the_next_transaction_waits_for_them() -> None:
    log = _log()
    producer = _producer(log)
    producer.begin()
    producer.produce("t", 0, b"k", b"1")
    producer.produce("u", 0, b"k", b"1")
    producer.commit()
    answers = iter([True, False])
    log.settle_some(lambda: next(answers))
    assert (_values(log.topics["t"][0]), _values(log.topics["u"][0])) == ([b"1"], [])
    producer.begin()
    assert _values(log.topics["u"][0]) == [b"1"]


def test_a_new_owner_fences_the_old_one_and_aborts_what_it_left_open() -> None:
    log = _log()
    [partition] = log.topics["t"]
    zombie = _producer(log)
    zombie.begin()
    zombie.produce("t", 0, b"k", b"zombie")
    owner = _producer(log)
    assert partition.read(0, 100) == ([], partition.high), "its transaction is settled before the end is asked for"
    with pytest.raises(FencedError):
        zombie.commit()
    with pytest.raises(FencedError):
        zombie.produce("t", 0, b"k", b"zombie")
    owner.begin()
    owner.produce("t", 0, b"k", b"owner")
    owner.commit()
    _settle(log)
    assert _values(partition) == [b"owner"]


def test_a_new_owner_keeps_what_the_old_one_committed() -> None:
    log = _log(Fault.NONE, Fault.ANSWER_LOST)
    old = _producer(log)
    old.begin()
    old.produce("t", 0, b"k", b"committed")
    with pytest.raises(TimedOutError):
        old.commit()
    _producer(log)
    assert _values(log.topics["t"][0]) == [b"committed"]
    with pytest.raises(FencedError):
        old.commit()


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.ANSWER_LOST])
def test_a_commit_without_an_answer_is_called_again_and_happens_once(fault: Fault) -> None:
    log = _log(Fault.NONE, fault)
    producer = _producer(log)
    producer.begin()
    producer.produce("t", 0, b"k", b"once")
    with pytest.raises(TimedOutError):
        producer.commit()
    _settle(log)
    assert _values(log.topics["t"][0]) == ([b"once"] if fault is Fault.ANSWER_LOST else [])
    producer.commit()
    _settle(log)
    assert _values(log.topics["t"][0]) == [b"once"]


def test_a_transaction_that_must_be_aborted_leaves_nothing() -> None:
    log = _log(Fault.NONE, Fault.ABORT)
    producer = _producer(log)
    producer.begin()
    producer.produce("t", 0, b"k", b"gone")
    with pytest.raises(AbortRequiredError):
        producer.commit()
    producer.abort()
    _settle(log)
    assert _values(log.topics["t"][0]) == []


def test_a_transaction_left_open_is_aborted_after_its_time() -> None:
    log = _log()
    producer = _producer(log)
    producer.begin()
    producer.produce("t", 0, b"k", b"gone")
    log.clock.now += TRANSACTION_TIMEOUT_MS + 1
    log.expire()
    log.topics["t"][0].append(b"k", b"behind")
    assert _values(log.topics["t"][0]) == [b"behind"]
    with pytest.raises(FencedError):
        producer.commit()


def test_compaction_keeps_the_newest_of_each_key_where_it_lay() -> None:
    log = _log()
    [partition] = log.topics["t"]
    for key, value in [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (b"a", b"3")]:
        partition.append(key, value)
    partition.compact(4, drop_tombstones=False)
    assert [(entry.offset, entry.value) for entry in partition.read(0, 100)[0]] == [(2, b"2"), (3, None), (4, b"3")]
    partition.compact(4, drop_tombstones=True)
    assert [(entry.offset, entry.value) for entry in partition.read(0, 100)[0]] == [(2, b"2"), (4, b"3")]


def test_compaction_never_lets_an_aborted_record_stand_for_its_key() -> None:
    log = _log()
    [partition] = log.topics["t"]
    partition.append(b"a", b"kept")
    producer = _producer(log)
    producer.begin()
    producer.produce("t", 0, b"a", b"aborted")
    partition.compact(partition.high, drop_tombstones=False)
    producer.abort()
    _settle(log)
    partition.compact(partition.high, drop_tombstones=True)
    assert _values(partition) == [b"kept"]


def test_a_read_stops_at_its_limit_and_goes_on_from_there() -> None:
    log = _log()
    [partition] = log.topics["t"]
    for value in range(5):
        partition.append(None, bytes([value]))
    first, position = partition.read(0, 2)
    second, end = partition.read(position, 10)
    assert [entry.offset for entry in first + second] == [0, 1, 2, 3, 4]
    assert end == 5
