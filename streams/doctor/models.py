"""Of each monitored model: what acts, who is told, whether it is judged, and whether its way back works."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import Mode, MonitorError, MonitorSpec
from kedge.schemas.records import Ack, Monitor
from kedge.schemas.report_json import iso_time
from kedge.streams.announce import Catalogued
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.guarding.sensing import blind_at
from kedge.streams.core.trusting import Verifier
from kedge.streams.doctor.finding import Finding, fail, ok, unknown, warn
from kedge.streams.people.freezes import freeze_of, freeze_words, resume_command
from kedge.streams.people.standing import Standing
from kedge.streams.worker.agents import checked_monitor

__all__ = ["Case", "back_to", "catalog_of", "models"]

_SILENT_MS: Final = 180_000
"""Three heartbeats of an actuator."""
_DAY_MS: Final = 86_400_000
_WEEK_MS: Final = 7 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Case:
    """One model: what acts now, and where it stands."""

    spec: MonitorSpec
    catalog: Catalog
    standing: Standing
    now_ms: int
    since_ms: int


def catalog_of(published: Catalogued, verifier: Verifier | None, now_ms: int) -> tuple[Catalog, list[Finding]]:
    """Return what a worker would act by, and what it would leave out; without a verifier no signature is checked."""
    catalog, found = Catalog(), list[Finding]()
    for monitor in sorted(published.monitors, key=lambda monitor: -monitor.effective_from):
        found.append(replace(_entered(catalog, monitor, verifier, now_ms), model=monitor.model))
    for baseline in published.baselines:
        try:
            catalog.put_baseline(baseline)
        except (ValueError, UndecodableError) as error:
            do = "fit it anew and publish it: `kedge baseline fit`, `kedge baseline publish`"
            found.append(replace(fail("baseline", f"left out: {error}", do), model=baseline.model))
    orphans = {baseline.model for baseline in published.baselines} - set(catalog.models())
    for model in sorted(orphans):
        told = warn("monitor", "a baseline, and no monitor that counts", "publish one: `kedge monitor publish FILE`")
        found.append(replace(told, model=model))
    return catalog, found


def _entered(catalog: Catalog, monitor: Monitor, verifier: Verifier | None, now_ms: int) -> Finding:
    """Enter a monitor; those that act later have been entered before."""
    since = iso_time(monitor.effective_from)
    named = f"{monitor.hash} from {since}"
    try:
        catalog.put_monitor(monitor if verifier is None else checked_monitor(monitor, verifier))
    except (MonitorError, ValueError) as error:
        if catalog.monitor_at(monitor.model, now_ms) is not None:
            do = f"nothing, or publish over it with --effective-from {since}"
            return warn("monitor", f"{named} is left out, and another acts since: {error}", do)
        return fail("monitor", f"{named} is left out: {error}", "publish it anew, signed by a trusted key")
    if verifier is None:
        return unknown("monitor", f"{named}; its signature was not checked", "set KEDGE_TRUSTED_KEYS as for the worker")
    return ok("monitor", named)


def back_to(catalog: Catalog, now_ms: int) -> int:
    """Return from when on to read: a model's last drill is found even on the day when the next is due."""
    acting = [active.spec for model in catalog.models() if (active := catalog.monitor_at(model, now_ms)) is not None]
    longest_ms = max((spec.drills.every_ms for spec in acting if _rehearses(spec)), default=0)
    return max(0, now_ms - max(_WEEK_MS, longest_ms + _DAY_MS))


def models(catalog: Catalog, standings: dict[str, Standing], now_ms: int, since_ms: int) -> Iterator[Finding]:
    """Yield every check of every model that a monitor acts for."""
    if not catalog.models():
        yield fail("monitor", "no model is monitored", "publish one: `kedge monitor publish FILE`")
    for model in catalog.models():
        active = catalog.monitor_at(model, now_ms)
        if active is None:
            yield replace(warn("monitor", "none acts yet", "wait until the first is effective"), model=model)
            continue
        case = Case(active.spec, catalog, standings.get(model, Standing(model)), now_ms, since_ms)
        for check in _CHECKS:
            yield replace(check(case), model=model)


def _people(case: Case) -> Finding:
    owner, escalation = case.spec.owner.strip(), case.spec.escalation
    if not owner:
        return fail("people", "nobody owns it", "set `owner` in the monitor file, and publish it")
    if not escalation:
        return warn("people", f"{owner}; nobody to escalate to", "set `escalation` in the monitor file, and publish it")
    return ok("people", f"{owner}, then {', '.join(escalation)}")


def _baseline(case: Case) -> Finding:
    versions = sorted({report.version for report in case.standing.windows()}) or [""]
    plans = {version: case.catalog.plan_at(case.spec.model, version, case.now_ms) for version in versions}
    without = [version or "every version" for version, plan in plans.items() if plan is None or not plan.hashes[1]]
    if without:
        do = "fit and publish one: `kedge baseline fit`, `kedge baseline publish`; features are not judged without"
        return fail("baseline", f"none acts for {', '.join(without)}", do)
    return ok("baseline", ", ".join(sorted({plan.hashes[1] for plan in plans.values() if plan is not None})))


def _windows(case: Case) -> Finding:
    newest = max(case.standing.windows(), key=lambda report: report.window_end, default=None)
    if newest is None:
        do = "see that predictions of it come (`kedge dlq`), and the lines tally and judge above"
        return fail("windows", f"none was reported; I looked back to {iso_time(case.since_ms)}", do)
    windows = case.spec.windows
    said = f"newest until {iso_time(newest.window_end)}, {newest.verdict.value}"
    if blind_at(windows.length_ms, newest.window_end + windows.grace_ms + windows.idle_timeout_ms) < case.now_ms:
        return fail("windows", said, "no traffic, or judging stands still: docs/runbooks/no_data.md")
    if not case.standing.judged():
        return warn("windows", f"{said}: {newest.reason}", "nothing is judged: docs/runbooks/sensing_degraded.md")
    return ok("windows", said)


def _incident(case: Case) -> Finding:
    state = "WARMUP" if case.standing.last is None else case.standing.last.state_after or "unknown"
    view = case.standing.open_incident()
    if state == "FAILED_ACTION":
        return fail("incident", "an action has failed, and automation stands still", "docs/runbooks/action_failed.md")
    if view is not None:
        return warn(
            "incident", f"open since {iso_time(view.opened_at)} ({state})", f"kedge incidents {case.spec.model}"
        )
    if case.standing.is_untold():
        do = f"kedge status {case.spec.model}; alerts are gone after their topic's retention: docs/topics.md"
        return warn("incident", f"open ({state}), and no alert of it is there any more", do)
    if case.standing.last is None:
        return unknown("incident", f"nothing is journalled since {iso_time(case.since_ms)}", "see the line guard above")
    return ok("incident", f"none is open ({state})")


def _freeze(case: Case) -> Finding:
    freeze = freeze_of(case.standing, case.now_ms)
    if freeze is None:
        return ok("freeze", "none stands")
    said = freeze_words(freeze, iso_time(freeze.command.expires_at))
    if not freeze.waits_for_a_person:
        return ok("freeze", said)
    do = f"once the version is mended or withdrawn: {resume_command(case.spec.model)}"
    return warn("freeze", said, f"{do} (docs/runbooks/resume_rollout.md)")


def _actuator(case: Case) -> Finding:
    armed = [name for name in case.spec.actions.__dataclass_fields__ if _needs_router(case.spec, name)]
    if not armed:
        return warn(
            "actuator", "no action that a router obeys is armed", "arm one once a drill has passed: docs/go-live.md"
        )
    acks = [ack for acks in case.standing.acks.values() for ack in acks]
    last: dict[str, Ack] = {ack.actuator_id: ack for ack in sorted(acks, key=lambda ack: ack.timestamp)}
    wanted = {name for action in armed for name in getattr(case.spec.actions, action).actuators}
    do = f"start `kedge actuator run --model {case.spec.model}` beside its router"
    # A freeze that nobody obeys stops no harm that is going on; a rollback that nobody obeys does.
    amiss = fail if "route_to_safe_path" in armed else warn
    if missing := sorted(wanted - last.keys()):
        return amiss("actuator", f"{', '.join(missing)} must answer and was never heard", do)
    if not last:
        return amiss(
            "actuator", f"{', '.join(armed)} armed, none was heard; I looked back to {iso_time(case.since_ms)}", do
        )
    counted = {name: last[name] for name in (wanted or last)}
    # Any one is enough where none is named.
    silent = (min if wanted else max)(counted.values(), key=lambda ack: ack.timestamp)
    said = f"{silent.actuator_id} was last heard {iso_time(silent.timestamp)}"
    return amiss("actuator", said, do) if silent.timestamp < case.now_ms - _SILENT_MS else ok("actuator", said)


def _needs_router(spec: MonitorSpec, action: str) -> bool:
    return action in _ROUTED and getattr(spec.actions, action).mode is Mode.ARMED


_ROUTED: Final = ("freeze_rollout", "route_to_safe_path", "resume_rollout")


def _drill(case: Case) -> Finding:
    every_ms = case.spec.drills.every_ms
    do = f"kedge drill {case.spec.model} --fault canary_errors --actor NAME --reason TEXT"
    if not _rehearses(case.spec):
        return ok("drill", "not asked for: route_to_safe_path is off")
    drilled = case.standing.drilled
    if drilled is None:
        return warn("drill", f"none is known; I looked back to {iso_time(case.since_ms)}", do)
    when = iso_time(drilled.at)
    if not drilled.passed:
        return fail("drill", f"the last one, {when}, failed: {drilled.words}", f"docs/runbooks/drill.md, then {do}")
    if drilled.at + every_ms < case.now_ms:
        return warn("drill", f"overdue: the last one passed {when}", do)
    return ok("drill", f"passed {when}")


def _rehearses(spec: MonitorSpec) -> bool:
    return spec.actions.route_to_safe_path.mode is not Mode.OFF


_CHECKS: Final[tuple[Callable[[Case], Finding], ...]] = (
    _people,
    _baseline,
    _windows,
    _incident,
    _freeze,
    _actuator,
    _drill,
)
