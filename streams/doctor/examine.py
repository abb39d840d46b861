"""All checks, in the order in which one rests on another."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException

from kedge.schemas.registry_http import RegistryHttp
from kedge.streams.access import AccessError
from kedge.streams.announce import Place, read_catalog
from kedge.streams.doctor import cluster, models, progress
from kedge.streams.doctor.finding import Finding, fail, unknown
from kedge.streams.doctor.keys import keys, verifier_of
from kedge.streams.doctor.registry import registry
from kedge.streams.people.gather import gather
from kedge.streams.reading import ReadingError
from kedge.streams.topics import TOPICS

__all__ = ["Examination", "examine"]

_BELOW: Final = ("workers", "tally", "judge", "guard", "clock", "monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What to examine: a place, by these variables, reading the journal back to `since_ms` (None: as drills ask)."""

    place: Place
    variables: Mapping[str, str]
    registry: RegistryHttp | None
    now_ms: int
    since_ms: int | None
    listen_s: float = progress.LISTEN_S


def examine(case: Examination) -> Iterator[Finding]:
    """Yield each finding as it is made; what rests on something that is amiss is said to be not known."""
    yield from keys(case.variables)
    yield from registry(case.registry)
    kafka = case.place.kafka
    try:
        view = cluster.look(kafka)
    except (AccessError, KafkaException) as error:
        if isinstance(error, AccessError):
            yield fail("brokers", str(error), "set what it names")
        else:
            do = "see that they run and can be reached from here, KEDGE_BROKERS and KEDGE_KAFKA_SECURITY_PROTOCOL"
            yield fail("brokers", f"{kafka.brokers} does not answer: {error.args[0].str()}", do)
        for check in ("topics", *_BELOW):
            yield unknown(check, "the brokers do not answer", "mend that first")
        return
    yield from cluster.brokers(kafka, view)
    yield from cluster.topics(kafka.environment, view)
    if len(view.parts) < len(TOPICS):
        for check in _BELOW:
            yield unknown(check, "topics are missing", "mend that first")
        return
    yield from _told("workers", lambda: progress.workers(case.place))
    yield from _told("tally, judge, guard", lambda: progress.agents(case.place, case.now_ms))
    yield from _told("clock", lambda: (progress.clock(case.place, listen_s=case.listen_s),))
    yield from _told("monitor", lambda: _models(case))


def _models(case: Examination) -> Iterator[Finding]:
    catalog, found = models.catalog_of(read_catalog(case.place), verifier_of(case.variables), case.now_ms)
    yield from found
    since_ms = models.back_to(catalog, case.now_ms) if case.since_ms is None else case.since_ms
    standings = gather(case.place, None, since_ms)
    yield from models.models(catalog, standings, case.now_ms, since_ms)


def _told(check: str, make: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from make()
    except (AccessError, KafkaException, ReadingError, TimeoutError) as error:
        said = error.args[0].str() if isinstance(error, KafkaException) else str(error) or "no answer in time"
        yield unknown(check, said, "ask again; if it stays so, see the brokers' logs and this user's rights")
