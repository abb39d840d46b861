"""What happened, in plain words: a sentence or two for each chapter of the story."""

from collections.abc import Iterator, Sequence
from typing import Final

from kedge.schemas.monitor import PolicySpec
from kedge.schemas.records import OutcomeSection, Role
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.rollout import DAY_MS, VERSION_1, VERSION_2
from kedge.streams.demo.story import Sent, Story

__all__ = ["chapters"]

_COMMON: Final = "common_cause"


def chapters(story: Story, sent: Sent) -> Iterator[str]:
    """Yield them in order, as far as they came."""
    yield from _amounts(story, sent)
    if not story.plot.broken:
        if story.first_breach is None:
            yield "Nothing was broken and nothing drifted: no alert, no command."
        return
    for chapter in (_break, _shadow, _world, _canary, _rollback):
        yield from chapter(story)


def _amounts(story: Story, sent: Sent) -> Iterator[str]:
    counted = sum(report.requests for kind in (story.windows, story.beside) for report in kind.values())
    policy = PolicySpec()  # the demo's monitor file leaves it as it is
    yield (
        f"{sent.logged:,} predictions and {sent.outcomes:,} outcomes went through publisher, Kafka and worker. "
        f"{counted:,} predictions lie in the windows of the {len(story.windows)} days that were reported, the rest in "
        "those still open."
    )
    yield (
        f"{'Where nothing was wrong' if story.plot.broken else 'All the time'} the largest debiased PSI of any signal "
        f"in any window was {story.largest_natural_psi():.2f}; a warning takes {policy.warn:g}, a drift "
        f"{policy.drift:g}, an incident {policy.breaches} drifted windows of {policy.windows}."
    )


def _break(story: Story) -> Iterator[str]:
    first = story.first_breach
    if first is None:
        return
    yield (
        f"Break: it came on {_minute(story.plot.broken_at)}. The first window that drifted is that of "
        f"{_day(first.window_start)}; the rollout was frozen after {_windows_until(story)}. Upstream was repaired on "
        f"{_minute(story.plot.repaired_at)}, and the rollout resumed."
    )
    if "score" not in story.worst():
        yield "The model's score did not drift with its inputs: who watches the score alone would not have known."


def _windows_until(story: Story) -> str:
    first = story.first_breach
    if first is None or not story.alerts:
        return "no window at all"
    windows = (story.alerts[0].window_start - first.window_start) // DAY_MS + 1
    return "one window" if windows == 1 else f"{windows} windows"


def _shadow(story: Story) -> Iterator[str]:
    pairs = [report.pairs for report in story.of_version(Role.SHADOW) if report.pairs is not None]
    both = sum(section.n for section in pairs)
    if both:
        apart = sum(section.disagreements for section in pairs) / both
        yield (
            f"Shadow: version {VERSION_2} answered {both:,} flights beside {VERSION_1} and disagreed on {apart:.0%} of "
            "them. That is no harm yet: nobody knows who is right before the flights have landed."
        )


def _world(story: Story) -> Iterator[str]:
    withheld = sum(any((n.name, n.result) == (_COMMON, "stands") for n in entry.vetoes) for entry in story.vetoed)
    if withheld:
        begin, end = story.plot.closed
        yield (
            f"World: {_day(begin)} to {_day(end - 1)} LaGuardia was closed, for both versions. More signals drifted "
            f"than the owner allows; {withheld} times a rollback of the canary was withheld, because {VERSION_1} shows "
            "the same shift."
        )


def _canary(story: Story) -> Iterator[str]:
    reports, harmful = story.of_version(Role.CANARY), story.harmful
    if harmful is None:
        return
    until = [report for report in reports if report.window_start <= harmful.window_start]
    ours = [section for report in until for section in report.outcomes]
    control = [section for report in until for section in report.control_outcomes]
    shown = max(harmful.harms, key=lambda harm: harm.log_evidence)
    yield (
        f"Canary: {VERSION_2} asks its model with departure hours in UTC. Its inputs looked as ever, its scores too; "
        f"but it was right on {_accuracy(ours):.0%} of {sum(s.n for s in ours):,} flights, {VERSION_1} on "
        f"{_accuracy(control):.0%} of its own on the same days. After {len(until)} days that was harm: evidence "
        f"{shown.log_evidence:.1f} of the {shown.log_threshold:.1f} that it takes."
    )


def _rollback(story: Story) -> Iterator[str]:
    seconds, contained = story.seconds_breach_to_ack, story.contained
    if seconds is None:
        return
    yield (
        f"Rollback: one signed ROUTE_TO_SAFE_PATH, and {seconds:.1f} s after the report of harm `current` led to "
        f"{VERSION_1} again."
    )
    if contained is not None:
        yield (
            f"With the healthy window of {_day(contained.window_start)} the model was {contained.state}. The rollout "
            f"stays frozen until a person resumes it: {VERSION_2} does not come again by itself."
        )


def _accuracy(sections: Sequence[OutcomeSection]) -> float:
    rows = sum(section.n for section in sections)
    return sum(section.n * (section.accuracy or 0.0) for section in sections) / rows if rows else 0.0


def _day(timestamp_ms: int) -> str:
    return iso_time(timestamp_ms)[:10]


def _minute(timestamp_ms: int) -> str:
    return f"{iso_time(timestamp_ms)[:16]}Z"
