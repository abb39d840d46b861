"""How many series a model has, at the most."""

from collections.abc import Iterator
from dataclasses import replace

from prometheus_client import CollectorRegistry

from kedge.schemas.records import Cause, FindingKind, HarmKind, OutcomeSection, PairSection, Report, Role, VersionReport
from kedge.streams.core.guarding.vetoes import VETOES
from kedge.streams.core.instructions import Observation
from kedge.streams.core.measures import Shown
from kedge.streams.names import Agent
from kedge.streams.worker.means import Seat
from kedge.streams.worker.telemetry import STREAMS_MAX, Telemetry
from tests.streams.core.made_guard import Desk, finding, harm, routed

FEATURES = 50
PARTITIONS = 4
SERIES_MAX = 400
FATES = ("counted", "late", "duplicate", "refused", "quarantined", "unmonitored", "probe")
JOINED = ("received", "joined", "labelled", "duplicate", "unsampled", "unmatched", "no_room", "refused")
VERDICTS = ("INVALID", "INSUFFICIENT", "STABLE", "WARNING", "DRIFTED")


def test_a_model_of_50_features_has_at_most_400_series_however_many_versions_come() -> None:
    registry = CollectorRegistry()
    telemetry, shown = Telemetry(registry, lambda: 0), Shown()
    for partition in range(PARTITIONS):
        telemetry.observed(Seat(Agent.TALLY, partition), list(of_tally()))
    desk = Desk()
    for number in range(STREAMS_MAX + 3):
        version = f"v{number}"
        stream = {"model": "m", "version": version, "role": "CANARY"}
        told = [Observation(name, stream, 1) for name in ("requests", "errors")]
        telemetry.observed(Seat(Agent.TALLY, 0), told)
        reports: list[Report | VersionReport] = [window(desk, version), *beside(desk, version)]
        for report in reports:
            telemetry.observed(Seat(Agent.JUDGE, 0), list(shown.of(report)))
    telemetry.observed(Seat(Agent.JUDGE, 0), list(of_judge()))
    telemetry.observed(Seat(Agent.GUARD, 0), list(of_guard()))
    series = [s for family in registry.collect() for s in family.samples if s.labels.get("model") == "m"]
    versions = {sample.labels["version"] for sample in series if "version" in sample.labels}
    assert len(versions) == STREAMS_MAX
    assert sum(sample.name == "kedge_psi_debiased" for sample in series) == STREAMS_MAX * (FEATURES + 3)
    assert len(series) <= SERIES_MAX, len(series)


def of_tally() -> Iterator[Observation]:
    for fate in FATES:
        yield Observation("rows", {"model": "m", "fate": fate}, 1)
    for why in ("dropped", "gap", "found"):
        yield Observation("missing", {"model": "m", "why": why}, 1)
    for fate in JOINED:
        yield Observation("outcomes", {"model": "m", "fate": fate}, 1)
    for fate in ("kept", "duplicate", "no_room"):
        yield Observation("join_answers", {"model": "m", "fate": fate}, 1)
    for name in ("watermark_ms", "last_row_ms", "join_facts"):
        yield Observation(name, {"model": "m"}, 1)


def of_judge() -> Iterator[Observation]:
    for name in ("reports", "version_reports"):
        for verdict in VERDICTS:
            yield Observation(name, {"model": "m", "verdict": verdict}, 1)
    for name in ("late_after_seal", "closed_through_ms", "model_watermark_ms"):
        yield Observation(name, {"model": "m"}, 1)


def of_guard() -> Iterator[Observation]:
    """An incident with a rollback that was answered, whatever has come before, and every veto."""
    desk = Desk('trained_at: "2023-01-02"\ncomparison: {}\nactions: {route_to_safe_path: {mode: armed}}\n')
    desk.calm()
    desk.calm()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    yield from desk.guard.drain()
    for veto in VETOES:
        yield Observation("vetoes", {"model": "m", "veto": veto.__name__}, 1)
    for event in ("UPDATED", "RESOLVED", "NOTICE"):
        yield Observation("alerts", {"model": "m", "event": event}, 1)


def window(desk: Desk, version: str) -> Report:
    signals = [(f"f{number}", FindingKind.FEATURE) for number in range(FEATURES)]
    signals += [("score", FindingKind.SCORE), ("label", FindingKind.LABEL), ("confidence", FindingKind.CONFIDENCE)]
    findings = tuple(finding(signal=signal, kind=kind, cause=Cause.NONE) for signal, kind in signals)
    told = desk.report(version, role=Role.CANARY, findings=findings, error_share=0.0)
    return replace(told, latency_p50_ms=9.0, latency_p95_ms=9.0, latency_p99_ms=9.0)


def beside(desk: Desk, version: str) -> Iterator[VersionReport]:
    harms = (
        harm(),
        harm(HarmKind.LATENCY, "slow_rate"),
        harm(HarmKind.DIVERGENCE, "divergence_rate"),
    )
    pairs = PairSection(
        n=9,
        sampled_share=1.0,
        unmatched_candidate=0,
        unmatched_control=0,
        join_rate=1.0,
        disagreements=1,
        disagreement_rate=0.1,
        flips=(),
        features=(),
    )
    told = desk.version_report(version=version, harms=harms, pairs=pairs, traffic_share=0.5)
    yield told
    outcome = OutcomeSection(
        outcome="click",
        n=9,
        predictions=9,
        coverage=1.0,
        mature=True,
        positive_rate=0.3,
        accuracy=0.9,
        brier=0.1,
        confusion=(),
    )
    worse = (harm(HarmKind.OUTCOME, "click.positive_rate"),)
    yield replace(told, revision=1, outcomes_due=True, harms=worse, outcomes=(outcome,))
