"""What came of predictions goes the same way as they do, and is as little in anybody's way."""

import math

import numpy as np
import pytest

from kedge.schemas.partition import partition_for
from kedge.streams.publisher.admission import Admission, Refusal
from kedge.streams.publisher.outcome import OutcomeRow, Told, outcome_row
from kedge.streams.publisher.publisher import Publisher
from tests.streams.publisher.memory_link import MemoryLink
from tests.streams.publisher.test_pump import Rig


def row(request_id: object = "r", observed: object = 1, **changes: object) -> OutcomeRow:
    """Return an outcome as the queue holds it."""
    told = Told(request_id, "m", observed, "label", None, None, None, None, None, None)._replace(**changes)
    return outcome_row(Admission(), told, 7)


@pytest.mark.parametrize(
    ("given", "sent"), [(True, 1.0), (np.bool_(0), 0.0), (3, 3.0), (np.float32(0.5), 0.5), ("cat", "cat")]
)
def test_what_was_observed_is_a_number_or_a_class(given: object, sent: float | str) -> None:
    assert row(observed=given).record.observed == sent


def test_what_is_not_given_is_not_sent() -> None:
    record = row().record
    assert (record.timestamp, record.version, record.predicted_at) == (7, None, None)
    assert row(score=math.nan, label=3).record.score is None
    assert row(label=3).record.label == "3"


def test_outcomes_lie_beside_the_predictions_of_their_request() -> None:
    rig = Rig()
    rig.log(5)
    for number in range(20):
        rig.intake.offer(row(f"r{number}"))
    rig.log(5)
    rig.pump.finish(lambda: 0.0, 1.0)
    assert len(rig.ids()) == 10
    assert [record.request_id for *_, record in rig.link.outcomes] == [f"r{i}" for i in range(20)]
    for partition, key, record in rig.link.outcomes:
        assert key == record.request_id.encode()
        assert partition == partition_for(key, 3)
    stats = rig.intake.stats()
    assert (stats.logged, stats.sent, stats.queued) == (30, 30, 0)


def test_an_outcome_that_finds_no_room_is_counted_and_charged_to_no_stream() -> None:
    rig = Rig(rows_max=3)
    for number in range(5):
        rig.intake.offer(row(f"r{number}"))
    assert rig.intake.stats().dropped == 2
    assert rig.intake.drops() == {}
    rig.pump.finish(lambda: 0.0, 1.0)
    assert len(rig.link.outcomes) == 3


def test_an_outcome_that_kafka_refuses_is_undelivered() -> None:
    link = MemoryLink()
    link.fault = "no"
    rig = Rig(link)
    rig.intake.offer(row())
    rig.pump.finish(lambda: 0.0, 1.0)
    assert rig.intake.stats().undelivered == 1


def test_outcomes_wait_while_there_is_no_room_at_kafka() -> None:
    link = MemoryLink()
    link.room, link.acknowledges = 1, False
    rig = Rig(link)
    for number in range(3):
        rig.intake.offer(row(f"r{number}"))
    rig.pump.step(0.0)
    assert rig.intake.stats().queued == 3
    link.acknowledges = True
    rig.pump.finish(lambda: 0.0, 1.0)
    assert rig.intake.stats().sent == 3


def test_nothing_that_is_given_raises() -> None:
    publisher = Publisher(brokers="localhost:1", environment="test")
    try:
        refused: dict[Refusal, dict[str, object]] = {
            Refusal.REQUEST_ID: {"request_id": 7},
            Refusal.STREAM: {"model": ""},
            Refusal.KIND: {"kind": None},
            Refusal.OBSERVED: {"observed": math.inf},
            Refusal.TIMESTAMP: {"predicted_at": "yesterday"},
            Refusal.SEGMENT: {"segment": [1]},
        }
        for changes in refused.values():
            publisher.outcome(**{"request_id": "r", "model": "m", "observed": 1.0, **changes})  # type: ignore[arg-type]
        assert publisher.stats().rejections == dict.fromkeys(refused, 1)
        publisher.outcome("r", model="m", observed=True)
        assert publisher.stats().logged == 1
    finally:
        publisher.close(timeout_s=0)
