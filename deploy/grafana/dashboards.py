"""The dashboards, as code: `make dashboards` writes dashboards/*.json, which Grafana is given."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard, units
from panels import OPEN, STATES, VERDICTS, Panel, board, lines, number, rows, timeline


# A table: one panel after the other.
# fmt: off
def fleet() -> dashboard.Dashboard:
    """All models at once."""
    return board(
        "fleet",
        "All models: which of them needs somebody.",
        ("environment",),
        number("Models", "Models that have a monitor.", units.Number,
            "count(max by (environment, model) (kedge_model_info{<all>}))"),
        number("Open incidents", "Models with an open incident.", units.Number,
            "sum(max by (environment, model) (kedge_incident_open{<all>}))", bounds=(1,)),
        number("Pages", "Alerts that wake people.", units.Number,
            'count(ALERTS{alertstate="firing", severity="page"})', bounds=(1,)),
        number("Blind", "Models whose reports are missing, late or too incomplete.", units.Number,
            "sum(max by (environment, model) (kedge_sensing_degraded{<all>}))", bounds=(1,)),
        number("Stopped", "Models whose automation a failed action has stopped.", units.Number,
            "sum(max by (environment, model) (kedge_action_failed{<all>}))", bounds=(1,)),
        number("Drills overdue", "Models whose way back was not rehearsed in time.", units.Number,
            "sum(time() > bool max by (environment, model) (kedge_drill_due_timestamp_seconds{<all>}))", bounds=(1,)),
        rows("Models",
            "Where each model stands. Nothing is good because nothing came: look at the age of the newest prediction.",
            ("state", units.Number, "max by (model) (kedge_guard_state{<all>})", STATES),
            ("verdict", units.Number, 'max by (model) (kedge_window_verdict{<all>, role="PRIMARY"})', VERDICTS),
            ("completeness", units.PercentUnit,
             'min by (model) (kedge_window_completeness_ratio{<all>, role="PRIMARY"})', {}),
            ("predictions a second", units.RequestsPerSecond,
             'sum by (model) (rate(kedge_rows_total{<all>, fate="counted"}[5m]))', {}),
            ("newest prediction", units.Seconds, "time() - max by (model) (kedge_last_row_timestamp_seconds{<all>})",
             {}),
            ("watermark lag", units.Seconds,
             "max by (model) (environment_model:kedge_watermark_lag_seconds:max{<all>})", {})),
        timeline("State", "What the guard makes of each model.", STATES,
            ("max by (model) (kedge_guard_state{<all>})", "{{model}}")),
        timeline("Verdict", "The newest window of what serves.", VERDICTS,
            ('max by (model, version) (kedge_window_verdict{<all>, role="PRIMARY"})', "{{model}} {{version}}")),
        lines("Largest drift", "The largest debiased PSI of any signal of what serves; 0 is no drift.", units.Number,
            ('max by (model) (kedge_psi_debiased{<all>, role="PRIMARY"})', "{{model}}"), bounds=(0.1, 0.2)),
        lines("Predictions", "Counted predictions.", units.RequestsPerSecond,
            ('sum by (model) (rate(kedge_rows_total{<all>, fate="counted"}[$__rate_interval]))', "{{model}}")),
        lines("Errors", "Share of the answers that are errors, shadows apart.", units.PercentUnit,
            ('max by (model) (environment_model_version_role:kedge_request_errors:ratio_rate5m{<all>, role!="SHADOW"})',
             "{{model}}"), bounds=(0.05,)),
        lines("Latency", "P95 of the newest window, shadows apart.", units.Seconds,
            ('max by (model) (kedge_window_latency_seconds{<all>, role!="SHADOW", quantile="0.95"})', "{{model}}"),
            bounds=(0.2,)),
    )


def model() -> dashboard.Dashboard:
    """One model over weeks."""
    return board(
        "model",
        "One model: traffic, drift by signal, versions beside one another, and what came of it.",
        ("environment", "model", "version", "role", "segment"),
        timeline("State", "What the guard makes of the model.", STATES,
            ("max by (model) (kedge_guard_state{<model>})", "{{model}}")),
        timeline("Verdict", "The newest window of each version.", VERDICTS,
            ("max by (model, version, role) (kedge_window_verdict{<stream>})", "{{model}} {{version}} {{role}}")),
        lines("Drift by signal",
            "Debiased PSI against the baseline, 0 without drift; a signal that was not compared has a gap.",
            units.Number,
            ("max by (model, version, role, signal) (kedge_psi_debiased{<stream>})",
             "{{version}} {{role}} {{signal}}"), bounds=(0.1, 0.2), width=24),
        timeline("Verdict by segment", "The newest window of each segment that the monitor names.", VERDICTS,
            ("max by (model, version, role, segment) (kedge_segment_verdict{<segment>})", "{{version}} {{segment}}")),
        lines("Evidence of harm", "Log evidence by its threshold, for each measure: from 1 on harm is shown.",
            units.Number,
            ("max by (model, version, role, measure) (kedge_harm_evidence_ratio{<stream>})",
             "{{version}} {{measure}}"), bounds=(0.5, 1)),
        lines("Requests", "Counted predictions of each version.", units.RequestsPerSecond,
            ("sum by (model, version, role) (rate(kedge_requests_total{<stream>}[$__rate_interval]))",
             "{{version}} {{role}}")),
        lines("Share of the traffic", "Of what was served in five minutes; a shadow serves nobody.", units.PercentUnit,
            ("environment_model_version_role:kedge_requests:ratio_rate5m{<stream>}", "{{version}} {{role}}")),
        lines("Errors", "Share of the answers that are errors.", units.PercentUnit,
            ("environment_model_version_role:kedge_request_errors:ratio_rate5m{<stream>}", "{{version}} {{role}}"),
            bounds=(0.05,)),
        lines("Latency", "Quantiles of the newest window, and the model's SLO for P95.", units.Seconds,
            ("max by (version, role, quantile) (kedge_window_latency_seconds{<stream>})",
             "{{version}} {{role}} {{quantile}}"),
            ("max by (model) (kedge_model_latency_slo_seconds{<model>})", "SLO")),
        lines("Disagreement",
            "Share of the requests that a version and its control answer differently. No rate of it is harm by itself.",
            units.PercentUnit,
            ("max by (model, version, role) (kedge_disagreement_ratio{<stream>})", "{{version}} {{role}}"),
            ("max by (model, version, role) (kedge_join_ratio{<stream>})", "{{version}} joined")),
        lines("Outcomes", "What came of the answers: rate of positives, accuracy, Brier score, mean absolute error.",
            units.Number,
            ('max by (model, version, role, outcome, measure) (kedge_outcome{<stream>, measure!="coverage"})',
             "{{version}} {{outcome}} {{measure}}")),
        lines("Coverage of outcomes",
            "Share of the followed answers whose outcome has come. Early outcomes are not all.", units.PercentUnit,
            ('max by (model, version, role, outcome) (kedge_outcome{<stream>, measure="coverage"})',
             "{{version}} {{outcome}}")),
        lines("Completeness", "Share of a window's rows that are known to have come.", units.PercentUnit,
            ("min by (model, version, role) (kedge_window_completeness_ratio{<stream>})", "{{version}} {{role}}")),
        lines("Rows by fate", "What became of the rows that were read.", units.RequestsPerSecond,
            ("sum by (model, fate) (rate(kedge_rows_total{<model>}[$__rate_interval]))", "{{fate}}")),
        lines("Missing rows", "Dropped by publishers, or missing in their numbering; found: came later.",
            units.RequestsPerSecond,
            ("sum by (model, why) (rate(kedge_missing_rows_total{<model>}[$__rate_interval]))", "{{why}}")),
        number("Age of the model", "Since the training that its monitor names.", units.Seconds,
            "max(time() - kedge_model_trained_timestamp_seconds{<model>})", bounds=(90 * 86400,), none="not known"),
        number("Newest prediction", "Since the newest row that was counted was appended.", units.Seconds,
            "time() - max(kedge_last_row_timestamp_seconds{<model>})", bounds=(600,), none="never"),
        number("Newest window", "How long ago, in event time, the newest judged window ended.", units.Seconds,
            "time() - max(kedge_window_end_timestamp_seconds{<stream>})"),
    )


def incident() -> dashboard.Dashboard:
    """One incident."""
    return board(
        "incident",
        "What was measured when, which commands left, and what answered.",
        ("environment", "model", "version", "role"),
        rows("Open incidents", "Since when, of which subject, and whether it wakes anybody.",
            ("open since", units.DateTimeFromNow,
             "max by (model, incident, subject, severity) (kedge_incident_opened_timestamp_seconds{<model>}) * 1000",
             {}), width=12),
        rows("Commands that wait for an answer", "They are sent again until they are answered or expire.",
            ("waits for", units.Seconds,
             "time() - max by (model, incident, action, drill) (kedge_command_sent_timestamp_seconds{<model>})", {}),
            width=12),
        timeline("State", "What the guard makes of the model.", STATES,
            ("max by (model) (kedge_guard_state{<model>})", "{{model}}")),
        timeline("Incident", "Whether one is open.", OPEN,
            ("max by (model) (kedge_incident_open{<model>})", "{{model}}")),
        lines("Alerts", "Steps of the incident that people were told of.", units.Number,
            ("sum by (model, event) (increase(kedge_alerts_total{<model>}[$__rate_interval]))", "{{model}} {{event}}")),
        lines("Commands", "Commands that left.", units.Number,
            ("sum by (model, action) (increase(kedge_commands_total{<model>}[$__rate_interval]))",
             "{{model}} {{action}}")),
        lines("How commands ended", "All so far: acked, nacked, expired or superseded.", units.Number,
            ("sum by (model, action, end) (kedge_commands_ended_total{<model>})", "{{model}} {{action}} {{end}}")),
        lines("Vetoes", "All so far: what spoke against a rollback that the evidence asked for.", units.Number,
            ("sum by (model, veto) (kedge_vetoes_total{<model>})", "{{model}} {{veto}}")),
        lines("Evidence of harm", "Log evidence by its threshold, for each measure: from 1 on harm is shown.",
            units.Number,
            ("max by (model, version, role, measure) (kedge_harm_evidence_ratio{<stream>})",
             "{{version}} {{measure}}"), bounds=(0.5, 1)),
        lines("Drift by signal", "Debiased PSI against the baseline; 0 without drift.", units.Number,
            ("max by (model, version, role, signal) (kedge_psi_debiased{<stream>})",
             "{{version}} {{role}} {{signal}}"), bounds=(0.1, 0.2)),
        lines("Errors", "Share of the answers that are errors.", units.PercentUnit,
            ("environment_model_version_role:kedge_request_errors:ratio_rate5m{<stream>}", "{{version}} {{role}}"),
            bounds=(0.05,)),
        lines("Latency", "P95 of the newest window.", units.Seconds,
            ('max by (version, role) (kedge_window_latency_seconds{<stream>, quantile="0.95"})',
             "{{version}} {{role}}"), bounds=(0.2,)),
        lines("Outcomes", "What came of the answers, by version.", units.Number,
            ('max by (model, version, role, outcome, measure) (kedge_outcome{<stream>, measure!="coverage"})',
             "{{version}} {{outcome}} {{measure}}")),
        lines("Firing alerts", "Alerts of Prometheus that fire for the model.", units.Number,
            ('sum by (model, alertname) (ALERTS{<model>, alertstate="firing"})', "{{model}} {{alertname}}")),
    )


def pipeline() -> dashboard.Dashboard:
    """Kedge itself."""
    return board(
        "pipeline",
        "Kedge itself: lag, checkpoints, dead letters, delays, and its error budget.",
        ("environment",),
        *_standing(),
        *_delays(),
        *_work(),
    )


def _standing() -> Sequence[Panel]:
    """Whether it counts at all."""
    return (
        number("Workers", "Workers that answer.", units.Number, 'sum(up{<all>, job="kedge"})'),
        number("Uncounted partitions", "Partitions that no worker counts.", units.Number,
            "sum(max by (environment, agent) (kedge_partitions_all{<all>})) - sum(kedge_partitions{<all>})",
            bounds=(1,)),
        number("Starts in an hour", "How often workers began anew.", units.Number,
            'sum(changes(process_start_time_seconds{<all>, job="kedge"}[1h]))', bounds=(1,)),
        number("Oldest uncommitted work", "For how long work has waited for a checkpoint.", units.Seconds,
            "max(kedge_uncommitted_seconds{<all>})", bounds=(10, 30)),
        number("Left out", "Monitors and baselines that could not be used, or that no trusted key has signed.",
            units.Number, "sum(kedge_catalog_left_out_total{<all>}) or vector(0)", bounds=(1,)),
        number("Version", "Versions of Kedge that run side by side.", units.Number,
            "count(count by (version) (kedge_build_info{<all>}))", bounds=(2,)),
    )


def _delays() -> Sequence[Panel]:
    """How far it is behind, and how long its steps take."""
    return (
        lines("Watermark lag", "Event time between the newest prediction and what all partitions have come to.",
            units.Seconds,
            ("environment_model:kedge_watermark_lag_seconds:max{<all>}", "{{model}}"), bounds=(900,)),
        lines("Records behind", "Records that no checkpoint contains.", units.Number,
            ("sum by (agent, source) (kedge_lag_records{<all>})", "{{agent}} {{source}}")),
        lines("From row to report", "From the append of what closed a window to the window's report.", units.Seconds,
            ("histogram_quantile(0.5, sum by (le) (rate(kedge_report_delay_seconds_bucket{<all>}[5m])))", "P50"),
            ("histogram_quantile(0.99, sum by (le) (rate(kedge_report_delay_seconds_bucket{<all>}[5m])))", "P99"),
            bounds=(10,)),
        lines("From evidence to command", "From the append of what led to a command to the command's leaving.",
            units.Seconds,
            ("histogram_quantile(0.99, sum by (le) (increase(kedge_command_delay_seconds_bucket{<all>}[6h])))", "P99"),
            bounds=(2,)),
        lines("Checkpoint", "From the snapshot to its commit, P99.", units.Seconds,
            ("histogram_quantile(0.99, sum by (agent, le) (rate(kedge_checkpoint_seconds_bucket{<all>}[5m])))",
             "{{agent}}"), bounds=(2.5,)),
        lines("Age of the last checkpoint", "An idle partition makes none.", units.Seconds,
            ("max by (agent) (time() - kedge_checkpoint_timestamp_seconds{<all>})", "{{agent}}")),
        lines("Missed deadlines",
            "Share of the past hour's reports, commands and checkpoints that were late; the budget is 1 %.",
            units.PercentUnit,
            ("environment_slo:kedge_slo_missed:ratio_rate1h{<all>}", "{{slo}}"), bounds=(0.01, 0.144)),
        lines("Transactions done again", "Steps of transactions that had to be repeated.", units.RequestsPerSecond,
            ("sum by (agent, kind) (rate(kedge_transaction_retries_total{<all>}[$__rate_interval])) or vector(0)",
             "{{agent}} {{kind}}")),
    )


def _work() -> Sequence[Panel]:
    """What it is given, what it makes of that, and what that costs."""
    return (
        lines("Rows", "What became of the rows that were read.", units.RequestsPerSecond,
            ("sum by (fate) (rate(kedge_rows_total{<all>}[$__rate_interval]))", "{{fate}}")),
        lines("Outcomes", "What became of the outcomes that were read.", units.RequestsPerSecond,
            ("sum by (fate) (rate(kedge_outcomes_total{<all>}[$__rate_interval]))", "{{fate}}")),
        lines("Dead letters", "Refused records within ten minutes, by reason.", units.Number,
            ("environment_reason:kedge_dead_letters:increase10m{<all>}", "{{reason}}"), bounds=(10,)),
        lines("Held for joining", "Answers and outcomes in memory, and answers without room.", units.Number,
            ("sum by (model) (kedge_join_facts{<all>})", "{{model}} held"),
            ("sum by (model, fate) (rate(kedge_join_answers_total{<all>}[$__rate_interval]))",
             "{{model}} {{fate}} a second")),
        lines("Memory", "Of each worker.", units.BytesIEC,
            ('process_resident_memory_bytes{<all>, job="kedge"}', "{{instance}}")),
        lines("CPU", "Cores that each worker uses.", units.Number,
            ('rate(process_cpu_seconds_total{<all>, job="kedge"}[$__rate_interval])', "{{instance}}")),
        lines("Take-over", "How long the last restore of each partition took.", units.Seconds,
            ("max by (agent, partition) (kedge_restore_seconds{<all>})", "{{agent}} {{partition}}")),
        lines("Reports", "Reports by verdict.", units.RequestsPerSecond,
            ("sum by (verdict) (rate(kedge_reports_total{<all>}[$__rate_interval]))", "{{verdict}}")),
        lines("Waiting for the schema registry", "For how long each worker has waited for it.", units.Seconds,
            ("kedge_registry_waiting_seconds{<all>}", "{{instance}}"), bounds=(120,), width=24),
    )


def drills() -> dashboard.Dashboard:
    """Rehearsals."""
    return board(
        "drills",
        "When a rollback was last rehearsed, and what people told the guard.",
        ("environment", "model"),
        rows("Drills", "Since the last good drill, and until the next one is due (negative: overdue).",
            ("last good drill", units.Seconds, "max by (model) (kedge_drill_age_seconds{<model>})", {}),
            ("due in", units.Seconds, "max by (model) (kedge_drill_due_timestamp_seconds{<model>}) - time()", {})),
        lines("Since the last good drill", "It begins anew with each; a model without a line has had none.",
            units.Seconds,
            ("max by (model) (kedge_drill_age_seconds{<model>})", "{{model}}")),
        lines("Until the next drill", "Below zero it is overdue, and promotion is held.", units.Seconds,
            ("max by (model) (kedge_drill_due_timestamp_seconds{<model>}) - time()", "{{model}}")),
        lines("Overrides", "What people told the guard, all so far: drills, pins, silences, and what came of it.",
            units.Number,
            ("sum by (model, action, result) (kedge_overrides_total{<model>})", "{{model}} {{action}} {{result}}")),
        lines("Rollbacks that ended", "All so far, in drills and in earnest, by how they ended.", units.Number,
            ('sum by (model, end) (kedge_commands_ended_total{<model>, action="ROUTE_TO_SAFE_PATH"})',
             "{{model}} {{end}}")),
    )
# fmt: on


def boards() -> Iterator[tuple[str, str]]:
    """Yield each dashboard's file name and content."""
    for made in (fleet(), model(), incident(), pipeline(), drills()):
        yield f"{made.uid}.json", json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
    folder.mkdir(exist_ok=True)
    for name, content in boards():
        (folder / name).write_text(content)
