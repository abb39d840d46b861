"""Where the demo is shown: a calendar that fills up on a terminal, plain lines everywhere else."""

from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from kedge.schemas.records import Ack, Alert, Command, Report, Role, VersionReport
from kedge.streams.demo.rollout import VERSION_1
from kedge.streams.demo.story import Received, Sent, Story
from kedge.streams.demo.words import calendar, ending, version_line, window_line

__all__ = ["Mode", "Screen"]

_CALENDAR: Final = f"\nWindows of version {VERSION_1}, one a day"


class Mode(StrEnum):
    """How windows are shown."""

    LIVE = "live"
    """A calendar, drawn again as windows come."""
    LINES = "lines"
    """A line each."""
    STILL = "still"
    """The calendar once, at the end."""


class Screen:
    """Shows a story on a console; use it as a context."""

    def __init__(self, console: Console, mode: Mode | None = None) -> None:
        """Choose by the console where no `mode` is given."""
        self._console = console
        self._mode = mode or (Mode.LIVE if console.is_terminal else Mode.LINES)
        self._live: Live | None = None
        self._last = Text()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def step(self, text: str) -> None:
        """Say what is done now."""
        self._console.print(Text("• ", "cyan").append(text, "default"), soft_wrap=True)

    def wait(self, story: Story) -> None:
        """Nothing has come yet."""
        self._last = Text("waiting for the worker's first report", "dim")
        if self._mode is Mode.LIVE:
            self._draw(story)

    def show(self, story: Story, received: Received) -> None:
        """Show what has just come."""
        match received.record:
            case Report(role=Role.PRIMARY) as report:
                self._last = window_line(report)
                if self._mode is Mode.LINES:
                    self._print(self._last)
            case VersionReport() as report if (line := version_line(report)) is not None:
                self._last = line
                if self._mode is Mode.LINES:
                    self._print(line)
            case Alert() as alert:
                self._print(Text("alert    ", "yellow").append(alert.summary, "default"))
            case Command() as command:
                names = (command.action.value, command.from_version, command.target_version)
                self._print(Text(f"command  {' '.join(name for name in names if name)}", "bold red"))
            case Ack() as ack if ack.command_id:
                self._print(Text(f"ack      {ack.actuator_id}: {ack.result.value.lower()}", "green"))
        if self._mode is Mode.LIVE:
            self._draw(story)

    def end(self, story: Story, sent: Sent, faults: tuple[str, ...]) -> None:
        """Show how it ended."""
        self._stop()
        if self._mode is not Mode.LINES:
            self._console.print(Text(_CALENDAR), calendar(story), sep="\n")
        self._console.print(ending(story, sent, faults))

    def _print(self, text: Text) -> None:
        if self._mode is not Mode.STILL:
            self._console.print(text, soft_wrap=True)

    def _draw(self, story: Story) -> None:
        if self._live is None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=10)
            self._live.start()
        self._live.update(Group(Text(_CALENDAR), calendar(story), Text(), self._last))

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
