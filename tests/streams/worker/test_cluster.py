"""Asking a cluster where logs end: a leader that is only just being found is waited for, nothing else is."""

from collections.abc import Sequence

import pytest
from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition

from kedge.streams.settings import KafkaSettings
from kedge.streams.worker import cluster
from kedge.streams.worker.cluster import Cluster, ClusterError
from tests.streams.publisher.mock_cluster import MockCluster

LOG = TopicPartition("dev.reports", 0)


class Refusing(Cluster):
    """A cluster that refuses so many times to say where a log ends."""

    def __init__(self, mock: MockCluster, times: int, code: int) -> None:
        super().__init__(KafkaSettings(brokers=mock.bootstrap, environment="dev"))
        self.mock, self.times, self.code = mock, times, code

    def _asked_ends(self, logs: Sequence[TopicPartition], isolation: IsolationLevel) -> dict[tuple[str, int], int]:
        del isolation
        self.times -= 1
        if self.times >= 0:
            raise KafkaException(KafkaError(self.code))
        return {(log.topic, log.partition): 7 for log in logs}


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LEADER_PAUSES_S", (0.0, 0.001, 0.001, 0.001))


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    ],
)
def test_a_topic_that_was_just_created_is_waited_for(code: int) -> None:
    refusing = Refusing(MockCluster(), 4, code)
    assert refusing.ends([LOG]) == {("dev.reports", 0): 7}


def test_a_leader_that_never_comes_is_an_error_in_the_end() -> None:
    with pytest.raises(ClusterError, match=r"the end of dev\.reports 0 is not known"):
        Refusing(MockCluster(), 5, KafkaError.LEADER_NOT_AVAILABLE).stable_ends([LOG])


def test_what_waiting_does_not_mend_is_asked_once_more_only() -> None:
    assert Refusing(MockCluster(), 1, KafkaError.INVALID_REQUEST).ends([LOG]) == {("dev.reports", 0): 7}
    with pytest.raises(ClusterError):
        Refusing(MockCluster(), 2, KafkaError.INVALID_REQUEST).ends([LOG])


class Metadata:
    """An admin client whose brokers are away: all that is asked of it is written down."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def list_topics(self, *, timeout: float) -> None:
        assert timeout > 0
        self.asked.append("topics")
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN))  # noqa: SLF001 - its name


def test_the_metadata_are_read_anew_after_each_refusal_though_that_may_fail_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing, metadata = Refusing(MockCluster(), 2, KafkaError.FENCED_LEADER_EPOCH), Metadata()
    monkeypatch.setattr(refusing, "_admin", metadata)
    assert refusing.ends([LOG]) == {("dev.reports", 0): 7}
    assert metadata.asked == ["topics", "topics"]
