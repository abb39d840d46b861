"""`kedge override`: pin, suppress, force, release, disarm."""

import json
import uuid
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import click

from kedge.schemas.records import Action, Override, OverrideAction
from kedge.schemas.report_json import iso_time
from kedge.streams.announce import Place
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import DurationType, SettingOption, as_json, codec, kafka_options, signing_key
from kedge.streams.clock import now_ms
from kedge.streams.people.overrides import HOLD_MS_MAX, Answer, Sent, Word, await_answer, send, signed
from kedge.streams.pictures import printable
from kedge.streams.settings import KafkaSettings
from kedge.streams.variables.table import ACTOR

__all__ = ["override", "timeout_option", "word_options"]

_HOUR_MS: Final = 3_600_000


class _Actor(click.types.StringParamType):
    """A person's name; who gives none is told how to."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """Return what to do."""
        del param, ctx
        return f"Say who wants it: --actor NAME, or export {ACTOR.name}=NAME once for every command of yours"


_MODEL = click.argument("model")
_ACTOR = click.option(
    "--actor",
    cls=SettingOption,
    envvar=ACTOR.name,
    type=_Actor(),
    required=True,
    metavar="NAME",
    help=f"Who wants it.  [env: {ACTOR.name}]",
)
_REASON = click.option("--reason", required=True, metavar="TEXT", help="Why; the journal keeps it.")
_FOR = click.option(
    "--for",
    "lasts_ms",
    type=DurationType(HOLD_MS_MAX),
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="How long it holds, such as 90s, 30m or 2h; at most 24 h.",
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the guard's answer.",
)


def word_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators
    """Give a command the model, who wants something of its guard, and why."""
    return reduce(lambda decorated, option: option(decorated), (_REASON, _ACTOR, _MODEL), command)


def _common(*, lasts: bool = True) -> Callable[[Any], Any]:
    options: list[Callable[[Any], Any]] = [kafka_options, as_json, timeout_option, *([_FOR] * lasts), word_options]
    return lambda command: reduce(lambda decorated, option: option(decorated), options, command)


@click.group(short_help="People's word: it wins over automation.")
def override() -> None:
    """Tell the guard of a model what people want; their word wins over automation until it expires.

    Each one is signed with KEDGE_SIGNING_KEY_FILE, kept in the journal with who and why, and answered: exit code 1
    says that the guard has refused it, or has not answered in time.
    """


@override.command("pin", short_help="Keep a model on a version.")
@click.option("--version", required=True, metavar="VERSION", help="The version that it stays on.")
@_common()
def pin(kafka: KafkaSettings, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Keep MODEL on a version: automation is held, and a command on its way is called back."""
    _tell(kafka, OverrideAction.PIN, given)


@override.command("suppress", short_help="No pages and no commands.")
@_common()
def suppress(kafka: KafkaSettings, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Send no page and no command for MODEL; everything is still decided and kept in the journal."""
    _tell(kafka, OverrideAction.SUPPRESS, given)


@override.command("force", short_help="Send an action now.")
@click.option(
    "--action",
    "forced",
    type=click.Choice([action.value for action in Action]),
    required=True,
    help="What to send; CANCEL calls the open command back.",
)
@click.option("--target", "version", metavar="VERSION", default="", help="Where ROUTE_TO_SAFE_PATH leads.")
@_common()
def force(kafka: KafkaSettings, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Send an action for MODEL now, whatever its mode and whoever holds."""
    given["forced"] = Action(given["forced"])
    if given["forced"] is Action.ROUTE_TO_SAFE_PATH and not given["version"]:
        raise click.UsageError("--action ROUTE_TO_SAFE_PATH needs --target VERSION: where traffic is to go")
    _tell(kafka, OverrideAction.FORCE, given)


@override.command("release", short_help="End what people hold.")
@_common(lasts=False)
def release(kafka: KafkaSettings, **given: Any) -> None:  # noqa: ANN401 - the options above
    """End every hold of MODEL, and a failed action: automation goes on."""
    _tell(kafka, OverrideAction.RELEASE, {**given, "lasts_ms": _HOUR_MS})


@override.command("disarm", short_help="Decide, and send nothing.")
@_common()
def disarm(kafka: KafkaSettings, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Treat every action of MODEL as in dry run: decided, kept in the journal, not sent."""
    _tell(kafka, OverrideAction.DISARM, given)


def _tell(kafka: KafkaSettings, action: OverrideAction, given: dict[str, Any]) -> None:
    word = Word(
        model=given["model"],
        action=action,
        actor=given["actor"],
        reason=given["reason"],
        lasts_ms=given["lasts_ms"],
        version=given.get("version", ""),
        forced=given.get("forced"),
    )
    signer = signing_key()
    record = signed(
        word,
        signer,
        environment=kafka.environment,
        override_id=uuid.uuid4().hex,
        now_ms=now_ms(),
    )
    place = Place(kafka=kafka, codec=codec())
    sent = send(place, record)
    if not given["as_json"]:
        signature = f"signed by {record.key_id}" if record.key_id else "not signed"
        click.echo(f"override {record.override_id}: {printable(_wanted(record))}; {signature}")
    answer = await_answer(place, sent, given["timeout_s"])
    _show(sent, answer, given)
    if answer is None or not answer.taken:
        raise click.exceptions.Exit(Exit.FAILED)


def _wanted(record: Override) -> str:
    """Return what is asked for; what is done once has no end."""
    what = " ".join(part.value for part in (record.action, record.forced) if part is not None)
    to = f" to {record.target_version}" if record.target_version else ""
    once = record.action in (OverrideAction.FORCE, OverrideAction.RELEASE)
    return f"{what} of {record.model}{to}" + ("" if once else f", until {iso_time(record.expires_at)}")


def _show(sent: Sent, answer: Answer | None, given: dict[str, Any]) -> None:
    record = sent.override
    result = "unanswered" if answer is None else "taken" if answer.taken else "refused"
    if given["as_json"]:
        told = {
            "override_id": record.override_id,
            "model": record.model,
            "action": record.action.value,
            "until": iso_time(record.expires_at),
            "key_id": record.key_id,
            "result": result,
            "reason": "" if answer is None else answer.entry.reason,
            "state": None if answer is None else answer.entry.state_after,
            "journal_sequence": None if answer is None else answer.entry.sequence,
            "commands": [] if answer is None else [*answer.entry.staged, *answer.entry.commands],
        }
        click.echo(json.dumps(told, ensure_ascii=False))
    elif answer is None:
        click.echo(
            f"kedge: sent, and the guard has not answered within {given['timeout_s']:g} s: is a worker running? It "
            "counts as soon as one reads it, if it has not expired by then",
            err=True,
        )
    else:
        entry = answer.entry
        told_reason = printable(entry.reason) or "no reason given"
        click.echo(f"{result} (journal {entry.sequence}, {entry.state_after or 'no state'}): {told_reason}")
