"""What the publisher costs a serving node: `log()` in the calling thread, and how many rows its thread can move.

A prediction has 20 features. The cost is measured in the calling thread with a wall clock: at 1,000 predictions a
second (with the pauses of a server between requests), and in a tight loop, where the caller and the background
thread fight for the interpreter. Kafka is librdkafka's built-in cluster in the same process.
"""

import gc
import time
from collections.abc import Callable, Mapping
from threading import Event

import numpy as np

from kedge import Publisher, PublisherSettings
from tests.streams.publisher.mock_cluster import MockCluster

CALLS = 20_000
PACED_CALLS = 3_000
PACE_S = 0.001
BULK_ROWS = 200_000

NUMBERS: Mapping[str, object] = {f"number_{i}": i + 0.5 for i in range(20)}
MIXED: Mapping[str, object] = {
    **{f"number_{i}": i + 0.5 for i in range(12)},
    **{f"count_{i}": i for i in range(4)},
    **{f"text_{i}": f"category {i}" for i in range(4)},
}


def run() -> dict[str, float]:
    """Return microseconds a call, rows a second, and the ratio of `log` to copying the features."""
    cluster = MockCluster()
    figures: dict[str, float] = {}
    for name, features in (("20_numbers", NUMBERS), ("12_numbers_4_integers_4_texts", MIXED)):
        with _publisher(cluster) as publisher:
            busy = _measured(publisher, features, CALLS, pace_s=0)
            paced = _measured(publisher, features, PACED_CALLS, pace_s=PACE_S)
        for kind, times in (("tight", busy), ("1000_a_second", paced)):
            figures[f"log_{name}_{kind}_us_p50"] = float(np.percentile(times, 50))
            figures[f"log_{name}_{kind}_us_p99"] = float(np.percentile(times, 99))
    figures["ratio_of_log_to_a_dict_copy"] = figures["log_20_numbers_tight_us_p50"] / _dict_copy_us()
    figures |= _bulk(cluster)
    return figures


def _publisher(cluster: MockCluster) -> Publisher:
    return Publisher(settings=PublisherSettings(brokers=cluster.bootstrap, environment="test"))


def _measured(publisher: Publisher, features: Mapping[str, object], calls: int, *, pace_s: float) -> list[float]:
    times = []
    gc.collect()
    for call in range(calls):
        begun = time.perf_counter()
        publisher.log(f"request-{call}", model="delay", version="7", features=features, score=0.25)
        times.append(1e6 * (time.perf_counter() - begun))
        if pace_s:
            _pause(pace_s)
    return times


def _pause(seconds: float) -> None:
    """Give the interpreter away, as a server does that waits for a request."""
    Event().wait(seconds)


def _dict_copy_us() -> float:
    return min(_timed(lambda: dict(NUMBERS)) for _ in range(1_000)) * 1e6


def _timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def _bulk(cluster: MockCluster) -> dict[str, float]:
    columns = {f"number_{i}": np.random.default_rng(i).random(BULK_ROWS) for i in range(20)}
    keys = [f"request-{row}" for row in range(BULK_ROWS)]
    with _publisher(cluster) as publisher:
        begun = time.perf_counter()
        publisher.log_many(keys, model="delay", version="7", features=columns)
        returned_s = time.perf_counter() - begun
        stats = publisher.close()
        sent_s = time.perf_counter() - begun
    if stats.sent != BULK_ROWS:
        raise RuntimeError(f"the benchmark lost rows: {stats}")
    return {
        "log_many_rows_per_s": BULK_ROWS / returned_s,
        "log_many_to_acknowledged_rows_per_s": BULK_ROWS / sent_s,
        "log_to_acknowledged_rows_per_s": _rows(cluster),
    }


def _rows(cluster: MockCluster) -> float:
    """Rows a second through `log`, until Kafka has them."""
    with _publisher(cluster) as publisher:
        begun = time.perf_counter()
        for call in range(CALLS):
            publisher.log(f"request-{call}", model="delay", version="7", features=NUMBERS, score=0.25)
        publisher.close()
        return CALLS / (time.perf_counter() - begun)


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure}: {value:,.3f}")
