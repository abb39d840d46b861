"""From the end of a canary's bad window to the command, and to the answer, on a real broker.

The clock starts before the first event behind the window is sent, so that publishing, counting, judging, deciding and
the look at what people say are all in it, each with a worker's usual checkpoints. It stops when a `read_committed`
reader has the command, and when it has the answer of an actuator in this process. Three models at a time have their
incident in one environment: with more the guard would look for another cause.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from kedge.schemas.records import Ack, Action, Command, Verdict
from tests.streams.core.made_guard import ARMED, DAWN, LENGTH, Desk, finding
from tests.support.incidents import MOST_WINDOWS, Day, Scene
from tests.support.kafka import Broker
from tests.support.service import CODEC, MODELS
from tests.support.waiting import wait_for

ENVIRONMENTS: Final = 8
MODELS_AT_ONCE: Final = ("one", "two", "three")
_TAKEN: Final = (("kedge_rows_total", "counted"), ("kedge_outcomes_total", "received"))
FEATURES: Final = 50
SEGMENTS: Final = 60
WINDOWS: Final = 4
USUAL: Final = {"KEDGE_CHECKPOINT_SECONDS": "1"}


def run() -> dict[str, float]:
    """Return seconds over all incidents, and milliseconds of one decision."""
    commands: list[float] = []
    answers: list[float] = []
    logging.getLogger("kedge.actuator").setLevel(logging.ERROR)  # it says of each new store that it is new
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder, "kafka")) as broker:
        for number in range(ENVIRONMENTS):
            place = Path(folder, str(number))
            place.mkdir()
            scene = Scene(broker, f"bench-guard-{number}", place, MODELS_AT_ONCE)
            with scene.opened(**USUAL), watching(scene) as seen:
                for commanded, answered in _incidents(scene, seen):
                    commands.append(commanded)
                    answers.append(answered)
    return {
        "incidents": len(commands),
        "close_to_command_p50_s": float(np.percentile(commands, 50)),
        "close_to_command_p99_s": float(np.percentile(commands, 99)),
        "close_to_ack_p50_s": float(np.percentile(answers, 50)),
        "close_to_ack_p99_s": float(np.percentile(answers, 99)),
        "decision_of_3000_tracks_ms": _decision_ms(Verdict.STABLE),
        "decision_of_3000_drifted_ms": _decision_ms(Verdict.DRIFTED),
    }


def _decision_ms(verdict: Verdict) -> float:
    """Median time of one report, from its bytes to the journal's, once all tracks have windows."""
    desk = Desk(ARMED + "policy: {breaches: 1, windows: 3}\n")
    findings = tuple(finding(verdict, signal=f"feature_{number:02}") for number in range(FEATURES))
    took = []
    for window in range(WINDOWS):
        desk.now = DAWN + (window + 1) * LENGTH
        for segment in range(SEGMENTS):
            desk.append("reports", desk.report(segment=f"area={segment:02}", findings=findings, verdict=verdict))
            began = time.perf_counter()
            desk.read("reports")
            took.append(time.perf_counter() - began)
        desk.round()
        desk.window += LENGTH
    return float(np.median(took[SEGMENTS:])) * 1_000


def _incidents(scene: Scene, seen: "Seen") -> Iterator[tuple[float, float]]:
    """Let every model have its incident; yields how long command and answer took."""
    for _ in range(3):
        scene.play(Day(), *MODELS_AT_ONCE)
    left = list(MODELS_AT_ONCE)
    for _ in range(MOST_WINDOWS):
        scene.send(Day(clicks=0.1), *left)
        wait_for(lambda: _counted(scene), "what was sent to be counted", poll_s=0.2)
        closed = time.monotonic()
        scene.close(*left)
        for model in left:
            scene.judged(model, scene.sent[model] - 1)
        for model in [model for model in left if scene.commands(model)]:
            scene.answered(model)
            [command] = scene.commands(model)
            left.remove(model)
            yield seen.command[command.command_id] - closed, seen.answer[command.command_id] - closed
        if not left:
            return
    raise AssertionError(f"no incident of {left}")


def _counted(scene: Scene) -> bool:
    """Whether the tally has every row and every outcome."""
    _, text = scene.worker.get("/metrics")
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    taken = sum(s.value for s in samples if (s.name, s.labels.get("fate")) in _TAKEN)
    return taken == scene.published


class Seen:
    """When a reader had the first copy of each command and answer, in this process's seconds."""

    def __init__(self, scene: Scene) -> None:
        self.command: dict[str, float] = {}
        self.answer: dict[str, float] = {}
        self._topics = scene.service.topics
        options = {"group.id": "bench", "isolation.level": "read_committed", "enable.auto.commit": False}
        self._consumer = Consumer({**scene.kafka.client(), **options, "fetch.wait.max.ms": 10})
        names = (self._topics.control, self._topics.acks)
        self._consumer.assign([TopicPartition(name, number, 0) for name in names for number in range(MODELS)])

    def read(self, stopping: threading.Event) -> None:
        """Read until the end."""
        while not stopping.is_set():
            message = self._consumer.poll(0.05)
            if message is None or message.error() is not None:
                continue
            now = time.monotonic()
            if message.topic() == self._topics.acks:
                self.answer.setdefault(CODEC.decode(message.value() or b"", Ack).command_id, now)
                continue
            command = CODEC.decode(message.value() or b"", Command)
            if command.action is Action.ROUTE_TO_SAFE_PATH:
                self.command.setdefault(command.command_id, now)
        self._consumer.close()


@contextmanager
def watching(scene: Scene) -> Iterator[Seen]:
    """Read on a thread of its own within the block."""
    seen, stopping = Seen(scene), threading.Event()
    thread = threading.Thread(target=seen.read, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join(20)


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:30} {value:10.3f}")
