"""A guard that says what the test wants, on librdkafka's built-in cluster: a thread that answers overrides."""

from collections.abc import Callable

from confluent_kafka import Producer

from kedge.schemas.codec import Codec
from kedge.schemas.partition import partition_for
from kedge.schemas.records import Journal, Monitor, Override
from kedge.streams.demo.cluster import PARTITIONS, BuiltInCluster
from kedge.streams.names import Topics
from kedge.streams.reading import ends, follow_from
from tests.schemas.samples import SAMPLES
from tests.streams.cli.beside import Beside

Says = Callable[[Override, int, int], Journal]
"""Given an override with its partition and offset: the entry."""


class Deployment:
    """The topics of one environment on a cluster of this process."""

    def __init__(self, environment: str = "test") -> None:
        self.cluster = BuiltInCluster(environment)
        self.topics = Topics(environment)
        self.codec = Codec()
        self.options = ("--brokers", self.cluster.settings.brokers, "--environment", environment)
        self._producer = Producer(self.cluster.settings.client())

    def put(self, topic: str, model: str, *records: object, key: bytes | None = None, at_ms: int = 0) -> None:
        """Write records of a model, where the service would; `key`: else the model's name, `at_ms`: else now."""
        partition = partition_for(model.encode(), PARTITIONS)
        for record in records:
            value = record if isinstance(record, bytes) else self.codec.encode(record)
            self._producer.produce(self.topics.of(topic), value, key or model.encode(), partition, timestamp=at_ms)
        assert self._producer.flush(20) == 0

    def end(self, topic: str, model: str) -> int:
        """Return where a model's partition of a topic ends."""
        log = (self.topics.of(topic), partition_for(model.encode(), PARTITIONS))
        return ends(self.cluster.settings, [log])[log]

    def watch(self, model: str) -> None:
        """Publish the least monitor of a model."""
        document = f'{{"model":"{model}","owner":"risk"}}'
        self.put("monitors", model, Monitor(model=model, hash="00" * 8, effective_from=0, document=document))


def entry(**parts: object) -> Journal:
    """Return a journal entry that says nothing but these parts."""
    sample = SAMPLES["Journal"]
    assert isinstance(sample, Journal)
    quiet = {"vetoes": (), "commands": (), "withheld": (), "alerts": (), "readings": (), "incident": None}
    names = sample.__dataclass_fields__
    return Journal(**{**{name: getattr(sample, name) for name in names}, **quiet, **parts})


def decides(decision: str, reason: str, state: str = "HUMAN_HOLD") -> Says:
    """Answer every override with this decision."""

    def says(override: Override, partition: int, offset: int) -> Journal:
        return entry(
            environment=override.environment,
            model=override.model,
            sequence=offset + 1,
            timestamp=override.issued_at,
            input_topic="overrides",
            input_partition=partition,
            input_offset=offset,
            decision=decision,
            reason=reason,
            state_after=state,
        )

    return says


class ScriptedGuard(Beside):
    """Reads overrides from their beginning and writes what `says` returns."""

    def __init__(self, deployment: Deployment, says: Says) -> None:
        super().__init__()
        self.taken: list[Override] = []
        self._deployment, self._says = deployment, says

    def _run(self) -> None:
        deployment = self._deployment
        starts = {(deployment.topics.overrides, number): 0 for number in range(PARTITIONS)}
        for message in follow_from(deployment.cluster.settings, starts):
            if self._stop.is_set():
                return
            if message is not None:
                override = deployment.codec.decode(message.value() or b"", Override)
                self.taken.append(override)
                said = self._says(override, message.partition() or 0, message.offset() or 0)
                deployment.put("journal", override.model, said)
