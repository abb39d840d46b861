"""`kedge demo`, from nothing to the end: a Kafka, a model, a monitor, a worker, eight weeks of flights."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kedge.schemas.codec import Codec
from kedge.streams.announce import Place, announce_baseline, announce_monitor
from kedge.streams.demo.breaks import BREAKS
from kedge.streams.demo.cluster import BuiltInCluster
from kedge.streams.demo.feed import Feed
from kedge.streams.demo.flights import load_flights
from kedge.streams.demo.screen import Screen
from kedge.streams.demo.setting import BREAK_AT, REFERENCE, STREAM, Setting, prepare
from kedge.streams.demo.story import Plot, Sent, Story, Summary
from kedge.streams.demo.watch import Outputs
from kedge.streams.demo.words import day
from kedge.streams.demo.worker import Worker
from kedge.streams.settings import KafkaSettings

__all__ = ["Ending", "run"]

_ENVIRONMENT: Final = "demo"
_LONGEST_S: Final = 110.0
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Ending:
    """How it went; no faults: the story held."""

    summary: Summary
    faults: tuple[str, ...]


def run(broken: tuple[str, ...], screen: Screen, *, clock: Callable[[], float] = time.monotonic) -> Ending:
    """Run the whole system once.

    Args:
        broken: features that break on the way, names in `BREAKS`.
        screen: where it is shown.
        clock: seconds, monotonic.

    Raises:
        DataMissingError, BuiltInError, ReadingError, WorkerError: it cannot be run here; the message says why.
    """
    began_s = clock()
    cluster = BuiltInCluster(_ENVIRONMENT)
    screen.step(f"Kafka: librdkafka's built-in cluster, on {cluster.settings.brokers}")
    now_ms = time.time_ns() // 1_000_000
    setting = prepare(load_flights(), broken, created_at=now_ms)
    screen.step(
        f"model and baseline: fitted to {setting.baseline.provenance.rows:,} flights from New York, "
        f"{day(REFERENCE[0])} to {day(REFERENCE[1] - 1)}"
    )
    place = Place(kafka=cluster.settings, codec=Codec())
    announce_monitor(place, setting.monitor, now_ms=now_ms)
    announce_baseline(place, setting.baseline, now_ms=now_ms)
    for name in broken:
        screen.step(f"upstream, from {day(BREAK_AT)} on: {BREAKS[name].what}")
    screen.step("worker: `kedge worker`, in a process of its own")
    story = Story(Plot(expected=setting.expected(), broken=frozenset(broken), broken_at=BREAK_AT))
    sent = _follow(cluster.settings, setting, story, screen, in_time=lambda: clock() < began_s + _LONGEST_S)
    faults = story.faults(sent)
    screen.end(story, sent, faults)
    return Ending(story.summary(sent, clock() - began_s), faults)


def _follow(
    kafka: KafkaSettings, setting: Setting, story: Story, screen: Screen, *, in_time: Callable[[], bool]
) -> Sent:
    """Send the stream and follow what comes of it, to the end of the story or of the time that there is."""
    feed, outputs = Feed(setting.stream, kafka), Outputs(kafka)
    with tempfile.TemporaryDirectory(prefix="kedge-demo-") as folder:
        worker = Worker(kafka, Path(folder) / "worker.log")
        try:
            worker.start()
            screen.wait(story)
            while not story.is_over and in_time():
                feed.send(max(STREAM[0], story.reported_ms))
                for received in outputs.read(_POLL_S):
                    worker.moved()
                    story.take(received)
                    screen.show(story, received)
                if worker.watch():
                    screen.step("worker: it has ended, and is started again")
            if not story.is_over:
                screen.step(f"not over after {_LONGEST_S:.0f} s; the worker logged last:\n{worker.tail()}")
        finally:
            sent = feed.close()
            worker.stop()
            outputs.close()
    return sent
