"""The demo's story, told by the pipeline instead of by Kafka and a worker."""

from functools import lru_cache

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.records import Journal, Report
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.pipeline import Pipeline
from kedge.streams.demo.flights import Flights, load_flights
from kedge.streams.demo.setting import BREAK_AT, DAY_MS, prepare
from kedge.streams.demo.story import Output, Plot, Received, Sent, Story


@lru_cache(maxsize=1)
def flights() -> Flights:
    """All of them, read once."""
    return load_flights()


@lru_cache
def told(*broken: str) -> tuple[Story, Sent]:
    """The whole story with these features broken on the way."""
    setting = prepare(flights(), broken, created_at=1)
    catalog = Catalog()
    catalog.put_monitor(setting.monitor)
    catalog.put_baseline(setting.baseline)
    pipeline = Pipeline(catalog, Codec(), environment="test", clock_ms=1_800_000_000_000)
    story = Story(Plot(expected=setting.expected(), broken=frozenset(broken), broken_at=BREAK_AT))
    days = setting.stream.timestamps // DAY_MS
    outputs = (output for day in np.unique(days) for output in pipeline.count(setting.stream.take(days == day)))
    for offset, output in enumerate(outputs):
        story.take(Received(output, 0, offset))
        if isinstance(output, Report):
            story.take(Received(entry(offset), 0, offset))
    return story, Sent(logged=setting.stream.rows, delivered=setting.stream.rows)


def entry(offset: int, decision: str = "none", command_id: str | None = None) -> Output:
    """What the guard's journal says of the report at an offset."""
    return Journal(
        environment="test",
        model="flight-delay",
        sequence=offset,
        timestamp=0,
        input_topic="reports",
        input_partition=0,
        input_offset=offset,
        input_digest="",
        decision=decision,
        reason="",
        readings=(),
        state_before="",
        state_after="",
        vetoes=(),
        commands=() if command_id is None else (command_id,),
        withheld=(),
        alerts=(),
        state_digest="",
    )
