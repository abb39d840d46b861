"""Whether the story that came out is the one that should have been told: what did not hold, in words."""

from collections.abc import Iterator, Sequence
from typing import Final

from kedge.schemas.records import AckResult, Action, AlertEvent, Report, Role, Verdict
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.rollout import DAY_MS, VERSION_1, VERSION_2
from kedge.streams.demo.story import Sent, Story

__all__ = ["faults"]

_COMMANDS: Final = (
    *(Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT),  # the break, and its repair
    *(Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT),  # LaGuardia
    *(Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT),  # version 2, until a person resumes
)
_INCIDENTS: Final = 3
_DAYS_AFTER: Final = 1
"""Days of a canary that were on their way when the rollback came."""


def faults(story: Story, sent: Sent) -> tuple[str, ...]:
    """Return what did not hold; nothing: the story held."""
    told = (_break, _world, _canary, _said) if story.plot.broken else (_quiet,)
    return (*_counts(story, sent), *(fault for chapter in told for fault in chapter(story)))


def _counts(story: Story, sent: Sent) -> Iterator[str]:
    if sent.delivered != sent.logged:
        yield f"{sent.logged:,} predictions were logged, {sent.delivered:,} delivered"
    absent = [start for start in story.plot.starts if not story.is_final(start)]
    if absent:
        yield f"{len(absent)} windows were not reported and finished, from {iso_time(absent[0])} on"
    for stream, rows in sorted(story.expected.items()):
        primary = stream.role == Role.PRIMARY
        report: Report | None = story.windows.get(stream.start) if primary else story.beside.get(stream)
        if report is not None and report.requests != rows:
            yield f"window {iso_time(stream.start)} counts {report.requests:,} predictions of {rows:,}"
    for start in sorted(story.windows.keys() - set(story.plot.starts)):
        yield f"window {iso_time(start)} was reported, which is not complete"


def _quiet(story: Story) -> Iterator[str]:
    for name in story.drifted():
        yield f"{name} drifted, and nothing was broken"
    if story.alerts or story.commands:
        yield f"{len(story.alerts)} alerts and {len(story.commands)} commands, and nothing was broken"


def _break(story: Story) -> Iterator[str]:
    plot = story.plot
    if set(story.drifted()) != plot.broken:
        yield f"{_listed(story.drifted())} drifted; broken: {_listed(sorted(plot.broken))}"
    for start, report in sorted(story.windows.items()):
        if report.verdict is Verdict.DRIFTED and not plot.during_break(start) and not plot.while_closed(start):
            yield f"window {iso_time(start)} drifted, when nothing was broken or closed"


def _world(story: Story) -> Iterator[str]:
    closed = [start for start in story.plot.starts if story.plot.while_closed(start)]
    whole = [start for start in closed if start in story.windows]
    calm = [start for start in whole if story.windows[start].verdict is not Verdict.DRIFTED]
    if calm:
        yield f"{len(calm)} of {len(closed)} windows without LaGuardia did not drift"
    causes = {
        contrast.cause
        for report in story.of_version(Role.CANARY)
        if story.plot.while_closed(report.window_start)
        for contrast in report.contrasts
        if contrast.signal == "origin"
    }
    if causes != {"traffic"}:
        yield f"the canary's shift of origin while LaGuardia is closed is laid to: {_listed(sorted(causes))}"
    common = [entry for entry in story.vetoed for note in entry.vetoes if _stands(note.name, note.result)]
    if not common:
        yield "no rollback was withheld because version 1 moves too"


def _canary(story: Story) -> Iterator[str]:
    shadow = [report.pairs for report in story.of_version(Role.SHADOW) if report.pairs is not None]
    if not any(pairs.disagreements for pairs in shadow):
        yield "the shadow never disagreed with version 1"
    harmful = story.harmful
    if harmful is None:
        yield "the canary's harm was not shown"
        return
    routes = [(c.from_version, c.target_version) for c in story.rollbacks]
    if routes != [(VERSION_2, VERSION_1)]:
        yield f"rollbacks: {_listed([f'{a} to {b}' for a, b in routes])}, not one to {VERSION_1}"
    last = max(stream.start for stream in story.expected if stream.role == Role.CANARY)
    if last > harmful.window_start + _DAYS_AFTER * DAY_MS:
        yield f"the canary had flights until {iso_time(last)[:10]}: the link was not obeyed"
    contained = story.contained
    if contained is None:
        yield "it was never contained"
    elif contained.state != "CONTAINED":
        yield f"contained, and the model's state is {contained.state}"


def _said(story: Story) -> Iterator[str]:
    opened = [alert.event for alert in story.alerts].count(AlertEvent.OPENED)
    if opened != _INCIDENTS:
        yield f"{opened} incidents were opened, not {_INCIDENTS}"
    commands = [command.action for command in sorted(story.commands.values(), key=lambda c: c.sequence)]
    if tuple(commands) != _COMMANDS:
        yield f"the commands are {_listed(commands)}, not {_listed(_COMMANDS)}"
    refused = [command for command in story.commands if not _is_done(story, command)]
    if refused:
        yield f"{len(refused)} commands were not acknowledged"


def _is_done(story: Story, command: str) -> bool:
    ack = story.acks.get(command)
    return ack is not None and ack.result is AckResult.ACKED


def _stands(name: str, result: str) -> bool:
    return (name, result) == ("common_cause", "stands")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
