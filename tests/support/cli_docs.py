"""The reference of docs/cli.md, written from the commands themselves."""

from collections.abc import Iterator

import click

from kedge.streams.cli.root import kedge

__all__ = ["cli_markdown"]


def cli_markdown() -> str:
    """Every command with its arguments, options and help."""
    return "\n".join(_told(kedge, ("kedge",))) + "\n"


def _told(group: click.Group, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(group, info_name=" ".join(path))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _told(command, (*path, name))
        elif command is not None:
            yield from _section(command, (*path, name))


def _section(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    yield from ("", f"### {' '.join(path)}", "", f"    {usage}", "", *_help(command))
    options = [parameter for parameter in command.get_params(context) if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context)) and "--help" not in record[0]]
    if rows:
        yield from ("| option | |", "|---|---|")
        yield from (f"| `{option}` | {_escaped(text)} |" for option, text in rows)


def _help(command: click.Command) -> Iterator[str]:
    for paragraph in (command.help or "").split("\n\n"):
        yield from (" ".join(paragraph.split()), "")
    if command.epilog:
        yield from (" ".join(command.epilog.split()), "")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").strip()
