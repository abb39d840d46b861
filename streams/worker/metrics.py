"""Every metric of a worker, in one table: name, kind, labels, meaning. `docs/metrics.md` is made from it.

`CORE_METRICS` are what observations of cores become, by the observation's name; `WORKER_METRICS` what the worker itself
sees. Labels come from monitors, never from what a sender wrote, but for versions, of which few are shown at a time.
"""

from collections.abc import Mapping
from typing import Final

from kedge.streams.worker.metric import Kind, Metric, counter, current, gauge, histogram

__all__ = ["CORE_METRICS", "WORKER_METRICS", "metrics_table_markdown"]

_MODEL: Final = ("model",)
_STREAM: Final = ("model", "version", "role")
_OWNED: Final = ("agent", "partition")

_TALLY: Final[Mapping[str, Metric]] = {
    "rows": counter(
        "kedge_rows",
        "Predictions by what became of them; those of models without a monitor have no name.",
        "model",
        "fate",
    ),
    "requests": counter("kedge_requests", "Predictions counted.", *_STREAM),
    "errors": counter("kedge_request_errors", "Predictions counted that were answered with an error.", *_STREAM),
    "missing": counter(
        "kedge_missing_rows",
        "Rows that were logged and did not come: dropped by the publisher, a gap in its sequence; found: came later.",
        "model",
        "why",
    ),
    "dead_letters": counter("kedge_dead_letters", "Records, or parts of one, that were refused.", "reason"),
    "watermark_ms": gauge(
        "kedge_watermark_timestamp_seconds",
        "Event time up to which a source partition is complete for a model; its lag is time() minus this.",
        "model",
        scale=1e-3,
        partition=True,
    ),
    "last_row_ms": gauge(
        "kedge_last_row_timestamp_seconds",
        "When the newest prediction that was counted had been appended.",
        "model",
        scale=1e-3,
        partition=True,
    ),
    "outcomes": counter(
        "kedge_outcomes",
        "Outcomes by what became of them; received less the others is what waits for its prediction.",
        "model",
        "fate",
    ),
    "join_answers": counter(
        "kedge_join_answers", "Answers chosen for joining: kept, duplicate, or no_room for them.", "model", "fate"
    ),
    "join_facts": gauge("kedge_join_facts", "Answers and outcomes held for joining.", "model", partition=True),
}

_JUDGE: Final[Mapping[str, Metric]] = {
    "reports": counter("kedge_reports", "Reports of closed and amended windows.", "model", "verdict"),
    "version_reports": counter(
        "kedge_version_reports", "Reports of versions beside their control.", "model", "verdict"
    ),
    "report_delay_ms": histogram(
        "kedge_report_delay_seconds",
        "From the append of the row that closed a window (or the end of waiting for one) to the window's first report.",
        scale=1e-3,
    ),
    "late_after_seal": counter("kedge_late_after_seal", "Predictions that came for a pane already sealed.", "model"),
    "closed_through_ms": gauge(
        "kedge_closed_through_timestamp_seconds",
        "Event time up to which a model's windows are closed.",
        "model",
        scale=1e-3,
    ),
    "model_watermark_ms": gauge(
        "kedge_model_watermark_timestamp_seconds",
        "Event time up to which all source partitions are complete, or excused, for a model.",
        "model",
        scale=1e-3,
    ),
    "window_verdict": gauge(
        "kedge_window_verdict",
        "Newest window: 0 INVALID, 1 INSUFFICIENT, 2 STABLE, 3 WARNING, 4 DRIFTED.",
        *_STREAM,
    ),
    "segment_verdict": gauge(
        "kedge_segment_verdict",
        "Newest window of a segment that the monitor names: numbers as of kedge_window_verdict.",
        *_STREAM,
        "segment",
    ),
    "window_end_ms": gauge("kedge_window_end_timestamp_seconds", "Newest window: its end.", *_STREAM, scale=1e-3),
    "window_completeness": gauge("kedge_window_completeness_ratio", "Newest window: completeness.", *_STREAM),
    "window_requests": gauge("kedge_window_requests", "Newest window: predictions.", *_STREAM),
    "window_error_share": gauge("kedge_window_error_ratio", "Newest window: share answered with an error.", *_STREAM),
    "window_latency_ms": gauge(
        "kedge_window_latency_seconds", "Newest window: latency quantiles.", *_STREAM, "quantile", scale=1e-3
    ),
    "psi_debiased": gauge(
        "kedge_psi_debiased", "Newest window: debiased PSI of each signal.", *_STREAM, "kind", "signal"
    ),
    "traffic_share": gauge("kedge_traffic_ratio", "Newest decision window: share of the served traffic.", *_STREAM),
    "disagreement": gauge(
        "kedge_disagreement_ratio",
        "Newest decision window: share of pairs in which it and its control differ.",
        *_STREAM,
    ),
    "join_rate": gauge(
        "kedge_join_ratio",
        "Newest decision window: share of its followed answers that found their control's.",
        *_STREAM,
    ),
    "harm_evidence": gauge(
        "kedge_harm_evidence_ratio",
        "Newest decision window: log evidence of harm by its threshold, for each measure; from 1 on it is harm.",
        *_STREAM,
        "measure",
    ),
    "outcome": gauge(
        "kedge_outcome",
        "Newest decision window whose outcomes are due: coverage, positive_rate, accuracy, brier, mae.",
        *_STREAM,
        "outcome",
        "measure",
    ),
}

_GUARD: Final[Mapping[str, Metric]] = {
    "alerts": counter("kedge_alerts", "Steps of incidents told to people.", "model", "event"),
    "commands": counter("kedge_commands", "Commands sent.", "model", "action"),
    "commands_ended": counter(
        "kedge_commands_ended", "Commands that ended: acked, nacked, expired or superseded.", "model", "action", "end"
    ),
    "command_delay_ms": histogram(
        "kedge_command_delay_seconds", "From the append of what led to a command to the command's leaving.", scale=1e-3
    ),
    "vetoes": counter(
        "kedge_vetoes", "Rollbacks that the evidence asked for, by the vetoes that stood.", "model", "veto"
    ),
    "overrides": counter(
        "kedge_overrides", "What people told the guard: accepted, or why not.", "model", "action", "result"
    ),
    "refusals": counter("kedge_guard_refusals", "Overrides and answers that do not count.", "model", "input", "reason"),
    "model_info": current(
        "kedge_model_info", "1 for each monitored model; whom its alerts are for.", "model", "owner", "escalation"
    ),
    "window_length_ms": current(
        "kedge_model_window_seconds", "Length of a decision window, as the monitor says.", *_MODEL, scale=1e-3
    ),
    "latency_slo_ms": current(
        "kedge_model_latency_slo_seconds", "Slower answers are slow, as the monitor says.", *_MODEL, scale=1e-3
    ),
    "trained_ms": current(
        "kedge_model_trained_timestamp_seconds", "The monitor's trained_at; absent: it has none.", *_MODEL, scale=1e-3
    ),
    "incident_open": current("kedge_incident_open", "1 while the model has an open incident.", *_MODEL),
    "incident_opened_ms": current(
        "kedge_incident_opened_timestamp_seconds",
        "The open incident: since when; severity is page, ticket, or none where nobody was told.",
        "model",
        "incident",
        "subject",
        "severity",
        scale=1e-3,
    ),
    "rollback_sent_ms": current(
        "kedge_rollback_sent_timestamp_seconds",
        "The last rollback of the past 24 hours, drills apart.",
        "model",
        "incident",
        scale=1e-3,
    ),
    "command_sent_ms": current(
        "kedge_command_sent_timestamp_seconds",
        "The command that waits for an answer: when it first left.",
        "model",
        "incident",
        "action",
        "drill",
        scale=1e-3,
    ),
    "action_failed": current("kedge_action_failed", "1 while a failed action stops automation.", *_MODEL),
    "sensing_degraded": current(
        "kedge_sensing_degraded", "1 while reports are missing, late or too incomplete.", *_MODEL
    ),
    "guard_state": current(
        "kedge_guard_state",
        "0 WARMUP, 1 HEALTHY, 2 SUSPECT, 3 DEGRADED_SENSING, 4 INCIDENT, 5 AWAIT_ACK, 6 CONTAINED, 7 COOLDOWN, "
        "8 HUMAN_HOLD, 9 FAILED_ACTION.",
        *_MODEL,
    ),
    "drill_age_ms": current("kedge_drill_age_seconds", "Since the last good drill.", *_MODEL, scale=1e-3),
    "drill_due_ms": current(
        "kedge_drill_due_timestamp_seconds",
        "When the next drill is due; absent while rollbacks are switched off.",
        *_MODEL,
        scale=1e-3,
    ),
}

CORE_METRICS: Final[Mapping[str, Metric]] = {**_TALLY, **_JUDGE, **_GUARD}

WORKER_METRICS: Final[Mapping[str, Metric]] = {
    "build": Metric(kind=Kind.INFO, name="kedge_build", doc="Version of Kedge and of Python.", labels=()),
    "partitions": gauge("kedge_partitions", "Partitions restored and counting.", "agent"),
    "partitions_all": gauge(
        "kedge_partitions_all", "Partitions that the workers of the environment must own together.", "agent"
    ),
    "checkpoints": counter("kedge_checkpoints", "Transactions committed.", "agent"),
    "checkpoint": histogram(
        "kedge_checkpoint_seconds",
        "From the snapshot to its commit.",
        "agent",
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    ),
    "retries": counter("kedge_transaction_retries", "Steps of a transaction done again.", "agent", "kind"),
    "success": gauge("kedge_checkpoint_timestamp_seconds", "When the last checkpoint was committed.", *_OWNED),
    "restore": gauge("kedge_restore_seconds", "How long the last take-over of the partition took.", *_OWNED),
    "uncommitted": gauge("kedge_uncommitted_seconds", "Age of the oldest work without a checkpoint.", *_OWNED),
    "lag": gauge("kedge_lag_records", "Records that no checkpoint contains.", *_OWNED, "source"),
    "console_faults": counter(
        "kedge_console_faults", "Faults of the console: reading, or making a page; nothing else suffers.", "part"
    ),
    "console_heard": gauge("kedge_console_heard_timestamp_seconds", "When Kafka last answered the console."),
    "registry_waiting": gauge(
        "kedge_registry_waiting_seconds", "For how long a worker has waited for the schema registry; 0: it does not."
    ),
    "left_out": counter("kedge_catalog_left_out", "Monitors and baselines left out.", "topic"),
}


def metrics_table_markdown() -> str:
    """Return all metrics as a table, in the order of the names."""
    metrics = sorted((*CORE_METRICS.values(), *WORKER_METRICS.values()), key=lambda metric: metric.exposed)
    rows = (
        f"| `{m.exposed}` | {m.kind} | {', '.join(f'`{label}`' for label in m.all_labels)} | {m.doc} |" for m in metrics
    )
    return "\n".join(["| name | kind | labels | meaning |", "|---|---|---|---|", *rows, ""])
