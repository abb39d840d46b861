"""`kedge schemas publish` and `kedge schemas check`."""

import json
from collections.abc import Sequence

import click

from kedge.schemas.contracts import current
from kedge.schemas.subjects import Subject, SubjectError, Subjects
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, registry_http

__all__ = ["schemas"]


@click.group(short_help="The schemas in the registry.")
def schemas() -> None:
    """Register what Kedge writes in the schema registry that KEDGE_REGISTRY_URL names (docs/registry.md)."""


@schemas.command("publish", short_help="Register every record's schema.")
@as_json
@click.pass_context
def publish(ctx: click.Context, *, as_json: bool) -> None:
    """Register every record's schema and let the registry refuse what could not read the older ones.

    Run it before a new release is started; to run it again changes nothing. Exit code 1: the registry has refused a
    schema; those before and after it are registered.
    """
    subjects = Subjects(registry_http())
    refused = [told for record in current() if (told := _published(subjects, record)) is not None]
    for told in refused:
        click.echo(f"kedge: {told}", err=True)
    _show([subjects.check(record) for record in current()], as_json=as_json)
    ctx.exit(Exit.FAILED if refused else Exit.WELL)


@schemas.command("check", short_help="Whether all schemas are there, and as they should be.")
@as_json
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Say of every record whether its schema is registered, resolvable by its id, compatible, and kept so.

    Changes nothing. Exit code 1: something is not as it should be.
    """
    subjects = Subjects(registry_http())
    found = [subjects.check(record) for record in current()]
    _show(found, as_json=as_json)
    ctx.exit(Exit.FAILED if any(subject.problems for subject in found) else Exit.WELL)


def _published(subjects: Subjects, record: str) -> str | None:
    """Publish; return what the registry has against it."""
    try:
        subjects.publish(record)
    except SubjectError as error:
        return str(error)
    return None


def _show(found: Sequence[Subject], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_document(subject) for subject in found]))
        return
    width = max(len(subject.subject) for subject in found)
    for subject in found:
        number = "-" if subject.schema_id is None else f"id {subject.schema_id}"
        click.echo(f"{subject.subject:{width}}  {number:8}  {'; '.join(subject.problems) or 'well'}")


def _document(subject: Subject) -> dict[str, object]:
    return {
        "record": subject.record,
        "subject": subject.subject,
        "id": subject.schema_id,
        "versions": list(subject.versions),
        "compatibility": subject.level,
        "problems": list(subject.problems),
    }
