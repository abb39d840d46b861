"""The real guard at a desk that reads and writes the built-in cluster, and a router beside it that may answer."""

from collections.abc import Sequence
from typing import Final

from kedge.schemas.partition import partition_for
from kedge.schemas.records import AckResult, Command
from kedge.streams.clock import now_ms
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.demo.cluster import PARTITIONS
from kedge.streams.reading import follow_from
from kedge.streams.trust import DevelopmentVerifier
from tests.streams.cli.beside import Beside
from tests.streams.cli.scripted import Deployment
from tests.streams.core.made_guard import CODEC, LENGTH, SOURCES, Desk
from tests.support.means import HashSigner, ToldRollbacks

MODEL: Final = next(name for name in (f"m{i}" for i in range(100)) if partition_for(name.encode(), PARTITIONS) == 0)
"""The desk's guard owns partition 0."""


class TodaysDesk(Desk):
    """A desk whose clock shows the wall's, and whose guard takes unsigned overrides."""

    def _new(self) -> Guard:
        topology = {**dict.fromkeys((*SOURCES, "control"), 1)}
        config = CoreConfig(environment="test", partition=0, topology=topology, hash_key=b"secret")
        means = GuardMeans(rollbacks=ToldRollbacks(), signer=HashSigner(), verifier=DevelopmentVerifier())
        return Guard(config, self.catalog, CODEC, means)


def todays_desk() -> TodaysDesk:
    """Return a desk with two calm windows of two versions."""
    now = now_ms()
    window = now - now % LENGTH - 3 * LENGTH
    desk = TodaysDesk(model=MODEL, now=window, window=window)
    for _ in range(2):
        desk.calm()
    desk.now = now
    return desk


def lay_down(deployment: Deployment, desk: Desk) -> None:
    """Write all that the desk was told, and all that it has written, where the service would."""
    deployment.put("monitors", desk.model, desk.monitor)
    for (topic, _), value in sorted(desk.told.items()):
        deployment.put(topic, desk.model, value)
    hand_out(deployment, desk, 0)


def hand_out(deployment: Deployment, desk: Desk, done: int) -> int:
    """Write what the desk has written since; returns how much that is by now."""
    for write in desk.written[done:]:
        if write.topic in ("journal", "alerts", "control") and write.value is not None:
            deployment.put(write.topic, desk.model, write.value)
    return len(desk.written)


class LiveGuard(Beside):
    """Reads overrides and acknowledgements and lets the desk take them in; `answers`: the router's, in turn."""

    def __init__(self, deployment: Deployment, desk: Desk, answers: Sequence[AckResult] = ()) -> None:
        super().__init__()
        self._deployment, self._desk, self._answers = deployment, desk, list(answers)
        self._done = len(desk.written)

    def _run(self) -> None:
        topics, desk = self._deployment.topics, self._desk
        starts = {(topics.of(name), 0): desk.ends[name] for name in ("overrides", "acks")}
        for message in follow_from(self._deployment.cluster.settings, starts):
            if self._stop.is_set():
                return
            desk.now = now_ms()
            if message is not None:
                source = (message.topic() or "").rpartition(".")[2]
                sent = desk.tell(source, message.value() or b"")
                self._done = hand_out(self._deployment, desk, self._done)
                self._route([command for command in sent if isinstance(command, Command)])

    def _route(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if self._answers:
                self._deployment.put("acks", command.model, self._desk.ack(command, self._answers.pop(0)))
