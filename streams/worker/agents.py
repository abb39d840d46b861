"""The three agents with their real cores, and the catalog that these share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import MonitorError, MonitorSpec, monitor_hash
from kedge.schemas.records import Baseline, Monitor
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.core.instructions import Core
from kedge.streams.core.judge import Judge
from kedge.streams.core.plan import make_plan
from kedge.streams.core.tally import Tally
from kedge.streams.core.trusting import Verifier
from kedge.streams.events import CATALOG_LEFT_OUT
from kedge.streams.names import SOURCES, Agent
from kedge.streams.settings import SettingsError
from kedge.streams.variables.table import HASH_KEY, HASH_KEY_FILE, KEEP_PAYLOADS
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.means import AgentSpec
from kedge.streams.worker.metric import as_counter
from kedge.streams.worker.metrics import WORKER_METRICS
from kedge.streams.worker.reader import Sink

__all__ = ["CoreSettings", "catalog_sink", "checked_monitor", "make_agents"]

_MONITORS: Final = "monitors"
_TOPOLOGY: Final[Mapping[Agent, tuple[str, ...]]] = {
    Agent.TALLY: (*SOURCES[Agent.TALLY], "partials"),
    Agent.JUDGE: ("predictions", *SOURCES[Agent.JUDGE], "reports"),
    Agent.GUARD: (*SOURCES[Agent.GUARD], "control"),
}
"""The topics whose partition counts an agent's state is made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSettings:
    """What the cores of all workers of an environment have in common."""

    hash_key: bytes = field(repr=False)
    """Ties the hashes of refused payloads and unseen categories to this deployment; empty: anyone can try values."""
    keep_payloads: bool = False
    """Dead letters hold what was refused, for whoever may read that topic."""

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "CoreSettings":
        """Read `KEDGE_HASH_KEY`, or the file that `KEDGE_HASH_KEY_FILE` names, and `KEDGE_KEEP_PAYLOADS`.

        Raises:
            SettingsError: one of them is bad.
        """
        return cls(hash_key=_hash_key(variables), keep_payloads=KEEP_PAYLOADS.read(variables))


def make_agents(
    catalog: Catalog, codec: Codec, environment: str, settings: CoreSettings, means: GuardMeans
) -> Sequence[AgentSpec]:
    """Return tally, judge and guard; all cores of a process share the catalog, and the guards what is read outside."""

    def guard(config: CoreConfig, catalog: Catalog, codec: Codec) -> Core:
        return Guard(config, catalog, codec, means)

    def spec(
        agent: Agent, make: Callable[[CoreConfig, Catalog, Codec], Core], *, beside: tuple[str, ...] = ()
    ) -> AgentSpec:
        def core(partition: int, partitions: Mapping[str, int]) -> Core:
            config = CoreConfig(
                environment=environment,
                partition=partition,
                topology={topic: partitions[topic] for topic in _TOPOLOGY[agent]},
                hash_key=settings.hash_key,
                keep_payloads=settings.keep_payloads,
            )
            return make(config, catalog, codec)

        return AgentSpec(name=agent, sources=SOURCES[agent], state=f"{agent}_state", beside=beside, make_core=core)

    return [
        spec(Agent.TALLY, Tally),
        spec(Agent.JUDGE, Judge),
        spec(Agent.GUARD, guard, beside=("control",)),
    ]


def catalog_sink(catalog: Catalog, codec: Codec, verifier: Verifier, registry: CollectorRegistry) -> Sink:
    """Return what enters published monitors and baselines; one that cannot be used is told of and left out.

    A monitor counts only with a signature that `verifier` accepts: it says what a guard may command. What is left out
    is counted in `registry`.
    """
    left_out = as_counter(WORKER_METRICS["left_out"], registry)

    def take(topic: str, key: bytes, value: bytes | None) -> None:
        if value is None:
            return
        try:
            if topic == _MONITORS:
                catalog.put_monitor(checked_monitor(codec.decode(value, Monitor), verifier))
                return
            baseline = codec.decode(value, Baseline)
            # Tried here: a baseline that makes no plan would stop every worker at its first row.
            make_plan(MonitorSpec(model=baseline.model, owner=""), ("", baseline.hash), baseline)
            catalog.put_baseline(baseline)
        except (UndecodableError, MonitorError, ValueError) as error:
            name = key.decode(errors="replace")
            CATALOG_LEFT_OUT.tell(LOG, f"{topic}: {name!r} is left out: {error}", topic=topic, key=name)
            left_out.labels(topic).inc()

    return take


def checked_monitor(monitor: Monitor, verifier: Verifier) -> Monitor:
    """Return a monitor that counts.

    Raises:
        ValueError: its hash is not its document's, or no signature that `verifier` accepts is on it.
    """
    if monitor.hash != monitor_hash(monitor.document):
        # It would take another's place in every cell that was counted under that one.
        raise ValueError("its hash is not its document's")
    if not verifier.accepts(monitor.key_id or "", signed_bytes(monitor), monitor.signature or b""):
        signed = f"signed by {monitor.key_id!r}" if monitor.key_id else "unsigned"
        raise ValueError(f"it is {signed}, and no trusted key's signature is on it (KEDGE_TRUSTED_KEYS)")
    return monitor


def _hash_key(variables: Mapping[str, str]) -> bytes:
    path = HASH_KEY_FILE.read(variables)
    if not path:
        return HASH_KEY.read(variables).encode()
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{HASH_KEY_FILE.name}: {path}: {error.strerror}") from error
    if not key:
        raise SettingsError(f"{HASH_KEY_FILE.name}: {path} is empty")
    return key
