"""The running stack, as somebody beside it sees it: Compose, HTTP, Kafka."""

import json
import os
import signal
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import Ack, Command, JoinPartial, Partial, Progress, Report, VersionReport
from kedge.schemas.registry import ConfluentRegistry
from kedge.schemas.registry_http import RegistryHttp
from kedge.streams.names import Topics
from kedge.streams.reading import read_to_end
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import OWN_MESSAGE_BYTES_MAX
from tests.stack.tools import tool, tried
from tests.support.repository import ROOT

__all__ = ["Stack"]

_KAFKA: Final = KafkaSettings(brokers="localhost:29092", environment="dev")
_REGISTRY: Final = "http://localhost:8090/apis/ccompat/v7"
_OVERRIDE: Final = """
services:
  grafana: {profiles: [grafana]} # it alone cannot be stood in for
  kedge-init: {build: {network: host}} # the engine has no bridge of its own
"""


class Stack:
    """The Compose file of the repository, without Grafana."""

    def __init__(self, folder: Path) -> None:
        override = folder / "override.yml"
        override.write_text(_OVERRIDE)
        self._compose = ("docker", "compose", "--file", str(ROOT / "docker-compose.yml"), "--file", str(override))
        self._topics = Topics(_KAFKA.environment)
        self._codec = Codec(ConfluentRegistry(RegistryHttp(_REGISTRY)), bytes_max=OWN_MESSAGE_BYTES_MAX)

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`; returns what it printed."""
        return tool(*self._compose, *arguments)

    def kedge(self, *arguments: str) -> str:
        """Run the command line in a worker's container, where an exit code may also say that there was a drift."""
        return tried(*self._compose, "exec", "-T", "worker-2", "kedge", *arguments).stdout

    def person(self, *arguments: str) -> str:
        """Run the command line with the operator's key, as docs/stack.md says."""
        return self.compose("run", "--rm", "--no-deps", "--entrypoint", "kedge", "kedge-init", *arguments)

    # --- what is seen over HTTP

    def node(self) -> dict[str, Any]:
        """Where the serving node stands; empty while it does not answer."""
        return _get("http://localhost:8000/") or {}

    def pages(self, alert: str) -> list[dict[str, str]]:
        """What the webhook was sent of an alert, in order."""
        return [page for page in _get("http://localhost:5001/") or [] if page["alertname"] == alert]

    def asked(self, query: str) -> list[float]:
        """What Prometheus says to a query: the values of all series."""
        answer = _get(f"http://localhost:9090/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        return [float(series["value"][1]) for series in answer["data"]["result"]] if answer else []

    # --- containers

    def crash(self, service: str) -> None:
        """SIGKILL a container's process, as a kernel that is short of memory does.

        After `docker kill` the engine would take it for a person's wish, and would not start the container again.
        """
        os.kill(int(self._inspected(service, "{{.State.Pid}}")), signal.SIGKILL)

    def restarts(self, service: str) -> int:
        """How often the engine has started a container again."""
        return int(self._inspected(service, "{{.RestartCount}}"))

    def healthy(self, service: str) -> bool:
        """What its healthcheck says."""
        return self._inspected(service, "{{.State.Health.Status}}") == "healthy"

    def _inspected(self, service: str, form: str) -> str:
        [container] = self.compose("ps", "--all", "--quiet", service).split()
        return tool("docker", "inspect", "--format", form, container).strip()

    # --- what lies in Kafka

    def commands(self) -> list[Command]:
        """The different commands, in order; one that is sent again is the same."""
        found = [record for record in self._read("control", Command) if isinstance(record, Command)]
        return list(dict.fromkeys(found))

    def acks(self, command: Command) -> list[str]:
        """What was answered to a command."""
        answers = [record for record in self._read("acks", Ack) if isinstance(record, Ack)]
        return [ack.result.value for ack in answers if ack.command_id == command.command_id]

    def counted(self) -> Counter[tuple[str, int]]:
        """Rows by version and pane, as tally's newest counts of each source partition say."""
        newest: dict[tuple[object, ...], Partial] = {}
        for record in self._read("partials", JoinPartial, Partial, Progress):
            if isinstance(record, Partial) and not record.segment:
                newest[record.source, record.version, record.role, record.pane_start] = record
        rows: Counter[tuple[str, int]] = Counter()
        for partial in newest.values():
            assert (partial.lost, partial.flags) == (0, 0), partial
            rows[partial.version, partial.pane_start] += partial.requests
        return rows

    def judged(self) -> dict[tuple[str, int, int], int]:
        """Rows of each closed window, by version, start and end, as the last revision of its report says."""
        last: dict[tuple[str, int, int], Report] = {}
        for record in self._read("reports", Report, VersionReport):
            if isinstance(record, Report) and not record.segment:
                key = (record.version, record.window_start, record.window_end)
                assert key not in last or record.revision == last[key].revision + 1, (last[key], record)
                last[key] = record
        return {key: report.requests for key, report in last.items()}

    def _read(self, topic: str, *kinds: type) -> Iterator[object]:
        for message in read_to_end(_KAFKA, [self._topics.of(topic)]):
            yield self._codec.decode(message.value() or b"", kinds)


def _get(url: str) -> Any:
    """Return the JSON behind a URL; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - ours, on this machine
            return json.load(answer)
    except (OSError, ValueError):
        return None
