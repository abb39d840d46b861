"""Where traffic would be led: which version is the safe path, and whether it can be trusted with it."""

from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import ControlKind, Role, VersionReport
from kedge.schemas.report_json import iso_time
from kedge.streams.core.guarding.evidence import RULES
from kedge.streams.core.guarding.model import ModelState

__all__ = ["HEARTBEAT_MS", "safe_path", "unfit"]

HEARTBEAT_MS: Final = 5 * 60_000
"""Wall time for which an actuator's word about its standby counts."""


def safe_path(model: ModelState, monitor: MonitorSpec, report: VersionReport) -> str:
    """Return the version to lead traffic to; empty: none is known.

    The monitor's, else the control that serves beside the candidate, else whatever served before it.
    """
    named = monitor.safe_path.version
    if named is not None:
        return named
    if report.control and report.control_kind is not ControlKind.NONE:
        return report.control
    served = [s for s in model.standings.values() if s.role is Role.PRIMARY and s.version != report.version]
    return max(served, key=lambda s: (s.window_end, s.version)).version if served else ""


def unfit(model: ModelState, monitor: MonitorSpec, report: VersionReport, target: str, now_ms: int) -> tuple[bool, str]:
    """Return whether a version must not be led to, and the evidence."""
    if not target:
        return True, "no safe path is known"
    if target == report.version:
        return True, f"{target} is the version in question"
    breach = _breach(model, target, shared=_shared(monitor, report, target))
    if breach:
        return True, f"{target} is in breach itself: {breach}"
    healthy = max((s.healthy_end for s in model.of_version(target) if s.healthy_end is not None), default=None)
    if healthy is not None and healthy > report.window_end - monitor.safe_path.standby_ms:
        return False, f"{target} was healthy in the window that ended {iso_time(healthy)}"
    for _, standby in sorted(model.standbys.items()):
        if target in standby.versions and standby.seen_at > now_ms - HEARTBEAT_MS:
            return False, f"{standby.actuator_id} has {target} standing by"
    hours = monitor.safe_path.standby_ms / 3_600_000
    return True, f"{target}: no healthy window within {hours:g} h, and no actuator vouches for it"


def _shared(monitor: MonitorSpec, report: VersionReport, target: str) -> bool:
    """Whether whatever has drifted on the live control has drifted on the version too: it is the traffic's doing."""
    if target != report.control or report.control_kind is not ControlKind.CONCURRENT:
        return False
    causes = {c.cause for c in report.contrasts if (c.control_psi_debiased or 0.0) >= monitor.policy.drift}
    return causes == {"traffic"}


def _breach(model: ModelState, target: str, *, shared: bool) -> str:
    """What the target's newest judged windows say against it; empty: nothing. `shared`: its drifts do not."""
    for standing in model.of_version(target):
        drifted = standing.verdict == Verdict.DRIFTED.name and (standing.broken or not shared)
        if standing.role is not Role.SHADOW and drifted:
            return f"drifted as {standing.role.value} in the window that ended {iso_time(standing.judged_end or 0)}"
    for key, track in model.history.of_version(target):
        if key.kind in RULES and track.windows[track.newest] is Verdict.DRIFTED:
            return f"{key.kind} {key.signal}"
    return ""
