"""`kedge demo`, from nothing to the end: a Kafka, a model, a monitor, a worker, a router, six weeks of flights."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kedge.schemas.codec import Codec
from kedge.streams.announce import Place, announce_baseline, announce_monitor
from kedge.streams.clock import now_ms
from kedge.streams.demo.breaks import BREAKS
from kedge.streams.demo.cluster import BuiltInCluster
from kedge.streams.demo.faults import faults
from kedge.streams.demo.feed import Feed
from kedge.streams.demo.flights import load_flights
from kedge.streams.demo.rollout import VERSION_1
from kedge.streams.demo.screen import Screen
from kedge.streams.demo.setting import BREAK_AT, CLOSED, REFERENCE, REPAIR_AT, Setting, prepare
from kedge.streams.demo.site import Site
from kedge.streams.demo.story import Plot, Sent, Story, Summary
from kedge.streams.demo.watch import Outputs
from kedge.streams.demo.words import day
from kedge.streams.demo.worker import Worker, variables_of
from kedge.streams.settings import KafkaSettings

__all__ = ["Ending", "plot_of", "run"]

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
        broken: features that break on the way, names in `BREAKS`; none: nothing happens at all.
        screen: where it is shown.
        clock: seconds, monotonic.

    Raises:
        DataMissingError, BuiltInError, ReadingError, WorkerError: it cannot be run here; the message says why.
    """
    began_s = clock()
    cluster = BuiltInCluster(_ENVIRONMENT)
    screen.step(f"Kafka: librdkafka's built-in cluster, on {cluster.settings.brokers}")
    began_ms = now_ms()
    setting = prepare(load_flights(), broken, created_at=began_ms)
    screen.step(
        f"model and baselines: fitted to {setting.baselines[0].provenance.rows:,} flights from New York, "
        f"{day(REFERENCE[0])} to {day(REFERENCE[1] - 1)}"
    )
    story = Story(plot_of(setting, broken))
    with tempfile.TemporaryDirectory(prefix="kedge-demo-") as folder:
        site = Site(Path(folder))
        _announce(cluster.settings, setting, site, began_ms)
        for name in broken:
            screen.step(f"upstream, {day(BREAK_AT)} to {day(REPAIR_AT)}: {BREAKS[name].what}")
        if broken:
            screen.step(
                f"router: `current` leads to {VERSION_1}; an actuator obeys what key {site.key.key_id} has signed"
            )
        screen.step("worker: `kedge worker`, in a process of its own")
        worker = Worker(variables_of(cluster.settings, site.trust()), Path(folder) / "worker.log")
        site.obey(cluster.settings, setting.monitor.model)
        try:
            stage = _Stage(Feed(setting.season, cluster.settings, site), Outputs(cluster.settings), worker, screen)
            sent = _follow(stage, story, in_time=lambda: clock() < began_s + _LONGEST_S)
        finally:
            site.close()
    found = faults(story, sent)
    screen.end(story, sent, found)
    return Ending(story.summary(sent, clock() - began_s), found)


def plot_of(setting: Setting, broken: tuple[str, ...]) -> Plot:
    """Return what is put in; the last day is not complete."""
    *whole, _ = (day.start for day in setting.season.days())
    return Plot(starts=tuple(whole), broken=frozenset(broken), broken_at=BREAK_AT, repaired_at=REPAIR_AT, closed=CLOSED)


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is at work."""

    feed: Feed
    outputs: Outputs
    worker: Worker
    screen: Screen


def _announce(kafka: KafkaSettings, setting: Setting, site: Site, at_ms: int) -> None:
    place = Place(kafka=kafka, codec=Codec(), signer=site.key)
    announce_monitor(place, setting.monitor, now_ms=at_ms)
    for baseline in setting.baselines:
        announce_baseline(place, baseline, now_ms=at_ms)


def _follow(stage: _Stage, story: Story, *, in_time: Callable[[], bool]) -> Sent:
    """Send the season and follow what comes of it, to the end of the story or of the time that there is."""
    worker, screen, address = stage.worker, stage.screen, ""
    try:
        worker.start()
        screen.wait(story)
        while not story.is_over and in_time():
            stage.feed.send(story)
            for received in stage.outputs.read(_POLL_S):
                worker.moved()
                story.take(received)
                screen.show(story, received)
            if not address and (address := worker.address()):
                screen.step(f"console: {address}/, for as long as this runs")
            if worker.watch():
                screen.step("worker: it has ended, and is started again")
                address = ""
        if not story.is_over:
            screen.step(f"not over after {_LONGEST_S:.0f} s; the worker logged last:\n{worker.tail()}")
    finally:
        sent = stage.feed.close()
        worker.stop()
        stage.outputs.close()
    return sent
