"""One record of each kind; the golden bytes are theirs.

Those that leave the system look as real ones might. The agents' own state is filled in field by field from its schema:
nobody reads it but the agent that wrote it.
"""

from collections.abc import Mapping
from typing import Any

from kedge.schemas import records as r
from kedge.schemas.contracts import current
from kedge.schemas.schema import Array, Enum, Map, Primitive, Record, Schema, Union
from tests.schemas.guard_samples import GUARD_SAMPLES, PANE, START

NAN = bytes.fromhex("000000000000f87f")
COLUMN = r.Packed(values=bytes.fromhex("000000000000f03f") + NAN + bytes(8), validity=b"\x03")
CODES = r.Coded(dictionary=("EWR", "Zürich"), codes=bytes.fromhex("010000000000000000000000"), validity=b"\x05")

_FINDING = r.Finding(
    signal="distance",
    kind=r.FindingKind.FEATURE,
    verdict=r.Verdict.DRIFTED,
    cause=r.Cause.PIPELINE,
    reason="psi_debiased 0.81 is at least 0.2",
    n=950,
    n_eff=475.0,
    psi=0.83,
    psi_debiased=0.81,
    kl_current_reference=0.4,
    kl_reference_current=0.43,
    js_distance=0.3,
    ks=0.35,
    ks_error=0.01,
    ks_p_value=0.0,
    chi_square=310.5,
    g_p_value=1e-60,
    wasserstein=812.25,
    missing=3,
    invalid=1,
    unseen=0,
    out_of_range=40,
    detectable_psi=0.05,
    unseen_categories=(r.UnseenShare(name="ua", count=41),),
    bins=(r.Bin(label="below 187", reference=0.1, current=0.25, contribution=0.137),),
)

_REAL: Mapping[str, object] = {
    **GUARD_SAMPLES,
    "Alert": r.Alert(
        alert_id="a-1",
        environment="prod",
        model="delay",
        incident="i-1",
        event=r.AlertEvent.RESOLVED,
        subject="drift",
        state="HEALTHY",
        severity=r.Severity.PAGE,
        timestamp=START,
        version="v1",
        role=r.Role.PRIMARY,
        segment="origin=JFK",
        window_start=START,
        window_end=START + 5 * PANE,
        summary="distance drifted in 2 of 3 windows",
        signals=(
            r.Evidence(
                signal="distance",
                kind="feature",
                verdict="DRIFTED",
                cause="PIPELINE",
                reason="psi_debiased 0.81 is at least 0.2",
                psi_debiased=0.81,
                bins=(r.EvidenceBin(label="below 187", reference=0.1, current=0.25, contribution=0.137),),
            ),
        ),
        owner="ops",
        escalation=("lead", "head"),
        runbook_url="https://example.com/runbook",
        command_id="ab" * 32,
        freeze_stands_until=START + 86_400_000,
    ),
    "Baseline": r.Baseline(
        model="delay",
        version="",
        hash="0123456789abcdef",
        effective_from=START,
        provenance=r.Provenance(dataset="flights", rows=336_776, created_at=START, git_commit="abc"),
        signals=(
            r.SignalBaseline(
                name="distance",
                kind=r.SignalKind.FEATURE,
                grid=r.GridKind.QUANTILES,
                edges=(187.0, 502.0, 1389.0),
                low=80.0,
                high=4983.0,
                decision_edges=(0, 2),
                categories=(),
                rare=b"",
                mean=1039.9,
                std=733.2,
            ),
            r.SignalBaseline(
                name="carrier",
                kind=r.SignalKind.FEATURE,
                grid=r.GridKind.CATEGORIES,
                edges=(),
                decision_edges=(),
                categories=("UA", "B6"),
                rare=bytes(range(8)),
            ),
        ),
        counts=(r.SegmentCounts(segment="", rows=336_776, counts=b"\x01\x05\x00\x00\x01"),),
    ),
    "Command": r.Command(
        command_id="ab" * 32,
        environment="prod",
        model="delay",
        incident="i-1",
        action=r.Action.FREEZE_ROLLOUT,
        from_version="v1",
        target_version="",
        attempt=1,
        cancels="",
        sequence=7,
        issued_at=START,
        expires_at=START + 86_400_000,
        drill=False,
        evidence_digest="cd" * 32,
        policy_version="0123456789abcdef",
        baseline="fedcba9876543210",
        journal_sequence=12,
        owner="ops",
        escalation=("lead",),
        runbook_url=None,
        key_id="",
        signature=b"",
    ),
    "DeadLetter": r.DeadLetter(
        topic="prod.kedge.predictions",
        partition=3,
        offset=2**40,
        timestamp=START,
        reason="undecodable",
        detail="ends too early",
        rows=0,
        payload_hash="0f" * 16,
        payload=b"\xff\x00",
    ),
    "Journal": r.Journal(
        environment="prod",
        model="delay",
        sequence=12,
        timestamp=START,
        input_topic="prod.kedge.reports",
        input_partition=0,
        input_offset=99,
        input_digest="ef" * 32,
        readings=(r.Reading(name="overrides_end", source="prod.kedge.overrides/0", value="17"),),
        decision="open_incident",
        reason="2 of 3 windows",
        state_before="SUSPECT",
        state_after="INCIDENT",
        vetoes=(r.Note(name="common_cause", result="clear", evidence="the control is stable"),),
        commands=("ab" * 32,),
        withheld=(),
        alerts=("a-1",),
        incident="i-1",
        state_digest="12" * 32,
    ),
    "Monitor": r.Monitor(
        model="delay", hash="0123456789abcdef", effective_from=START, document='{"model":"delay","owner":"ops"}'
    ),
    "Partial": r.Partial(
        source=3,
        model="delay",
        version="v1",
        role=r.Role.CANARY,
        segment="",
        monitor="0123456789abcdef",
        baseline="fedcba9876543210",
        pane_start=START,
        pane_ms=PANE,
        through=12_345,
        requests=950,
        errors=2,
        unexpected=1,
        lost=4,
        bins=55,
        counts=b"\x00\x01\x02",
        latency=b"\x00",
        unseen=(r.UnseenCategory(signal=1, hash=-5, count=41, name="ua"),),
        flags=1,
    ),
    "Position": r.Position(
        agent="tally",
        environment="prod",
        topology={"prod.kedge.predictions": 4},
        committed={"prod.kedge.predictions": 12_345},
        detail=b"\x01\x02",
    ),
    "Prediction": r.Prediction(
        event_id="e-1",
        request_id="r-1",
        model="delay",
        version="v1",
        role=r.Role.SHADOW,
        timestamp=START,
        segment={"origin": "JFK"},
        features={"distance": 1089.5, "hour": 10, "carrier": "UA", "weekend": True, "tailnum": None},
        score=0.25,
        label="late",
        class_scores={"late": 0.25},
        latency_ms=1.5,
        error="timeout",
        probe=True,
        shadows=(r.ShadowAnswer(version="v2", score=0.5),),
    ),
    "PredictionBatch": r.PredictionBatch(
        model="delay",
        version="v1",
        role=r.Role.PRIMARY,
        producer="host-1",
        sequence=4,
        rows_before=1_500,
        dropped=2,
        rows=3,
        timestamps=bytes(24),
        request_ids=bytes(range(24)),
        numbers={"distance": COLUMN},
        strings={"origin": CODES},
        segments={"origin": CODES},
        score=COLUMN,
        label=CODES,
        class_scores={"late": COLUMN},
        latency_ms=COLUMN,
        error=CODES,
        probe=b"\x04",
    ),
    "Report": r.Report(
        model="delay",
        version="v1",
        role=r.Role.PRIMARY,
        segment="",
        window_start=START,
        window_end=START + 5 * PANE,
        revision=1,
        final=True,
        requests=1_000,
        error_share=0.002,
        latency_p50_ms=1.5,
        latency_p95_ms=4.0,
        latency_p99_ms=9.25,
        n=950,
        n_eff=475.0,
        design_effect=2.0,
        design_effect_assumed=False,
        completeness=0.99,
        verdict=r.Verdict.DRIFTED,
        reason="1 of 1 signals drifted",
        baseline="fedcba9876543210",
        monitor="0123456789abcdef",
        findings=(_FINDING,),
    ),
}

_FILLING: Mapping[str, object] = {
    "null": None,
    "boolean": True,
    "int": 300,
    "long": -START,
    "float": 0.5,
    "double": 0.1,
    "bytes": b"\x00\xff",
    "string": "Zürich",
}


def _filled(schema: Schema) -> Any:
    match schema:
        case Primitive(name):
            return _FILLING[name]
        case Enum(name, symbols):
            return getattr(r, name.rpartition(".")[2])(symbols[-1])
        case Array(items):
            return (_filled(items),)
        case Map(values):
            return {"key": _filled(values)}
        case Union(branches):
            return _filled(branches[-1])
        case Record(_name, fields):
            return getattr(r, schema.short_name)(**{field.name: _filled(field.type) for field in fields})
    raise AssertionError(schema)


SAMPLES: Mapping[str, object] = {name: _REAL.get(name) or _filled(schema) for name, schema in current().items()}
