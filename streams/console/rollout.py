"""Whether the rollout is frozen, and what a person has to do about it."""

from kedge.streams.console.situation import Need, Plight, Situation
from kedge.streams.people.freezes import freeze_of, freeze_words, resume_command

__all__ = ["frozen", "resume_words", "rollout_words"]


def rollout_words(situation: Situation) -> str:
    """Say until when, or until whom, the rollout is frozen; empty: it is not."""
    freeze = freeze_of(situation.board.standing, situation.now_ms)
    if freeze is None:
        return ""
    said = freeze_words(freeze, situation.at(freeze.command.expires_at), "frozen")
    return said if freeze.stands else f"a freeze was sent: {said}"


def resume_words(situation: Situation) -> tuple[str, ...]:
    """Say how a person resumes; nothing where the rollout does not wait for one."""
    freeze = freeze_of(situation.board.standing, situation.now_ms)
    if freeze is None or not freeze.waits_for_a_person:
        return ()
    return (f"Once the version is mended or withdrawn, resume: {resume_command(situation.board.model)}",)


def frozen(situation: Situation) -> Plight | None:
    """Return where a model stands that is well but for its rollout."""
    todo = resume_words(situation)
    if not todo:
        return None
    return Plight(
        need=Need.WATCH,
        wrong="What serves is stable; the rollout stays frozen until a person resumes it, because of a rollback.",
        todo=todo,
        runbook="resume_rollout",
    )
