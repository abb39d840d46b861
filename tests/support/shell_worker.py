"""A worker process that counts (`python -m tests.support.shell_worker`), set by KEDGE_* as any worker.

`TEST_AGENT`: which of the agents (tally). `TEST_FILLER`: records of 1 kB in each checkpoint. `TEST_JOIN_FAILS`: a file
that is not there yet; the first join of the group fails with a fatal error, and makes it. Catalog records are printed.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiokafka import errors  # type: ignore[import-untyped]
from aiokafka.consumer.group_coordinator import GroupCoordinator  # type: ignore[import-untyped]

from kedge.schemas.codec import Codec
from kedge.streams.logs import configure_logs
from kedge.streams.names import SOURCES, Agent
from kedge.streams.settings import KafkaSettings, Settings, WorkerSettings
from kedge.streams.worker.app import AgentSpec, run_worker
from kedge.streams.worker.reader import CATALOG, Feed
from kedge.streams.worker.signals import noting_signals
from tests.support.counting import CountingCore


def main() -> int:
    """Run until a signal."""
    configure_logs(sys.stderr)
    marker = os.environ.get("TEST_JOIN_FAILS")
    if marker is not None and not Path(marker).exists():
        _break_first_join(Path(marker))
    filler, name = int(os.environ.get("TEST_FILLER", "0")), Agent(os.environ.get("TEST_AGENT", "tally"))

    def make_core(partition: int, partitions: Mapping[str, int]) -> CountingCore:
        return CountingCore(partition, partitions, agent=name, filler=filler)

    settings = Settings(
        kafka=KafkaSettings.from_environment(os.environ), worker=WorkerSettings.from_environment(os.environ)
    )
    agent = AgentSpec(name=name, sources=SOURCES[name], state=f"{name}_state", make_core=make_core)
    with noting_signals() as stopping:
        return run_worker(settings, [agent], [Feed(topics=CATALOG, sink=_print)], Codec(), stopping=stopping)


def _print(topic: str, key: bytes, value: bytes | None) -> None:
    print("catalog", topic, key, value, flush=True)  # noqa: T201 - the test reads it


def _break_first_join(marker: Path) -> None:
    """One fatal error in the join: aiokafka keeps it for a call that Faust never makes."""
    failed: list[bool] = []
    join = GroupCoordinator._do_rejoin_group  # noqa: SLF001 - what is broken is private

    async def broken(self: Any, subscription: Any) -> Any:
        if not failed:
            failed.append(True)
            marker.touch()  # noqa: ASYNC240 - an empty file
            raise errors.KafkaError("injected")
        return await join(self, subscription)

    GroupCoordinator._do_rejoin_group = broken  # noqa: SLF001 - the same


if __name__ == "__main__":
    sys.exit(main())
