"""`python -m tests.stack`: from nothing to a rollback, a crash and exact counts; says how long each step took.

Exit code 0: all of it held. Whatever happens, engine, containers, networks and firewall rules are gone at the end.
"""

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import yaml

from kedge.schemas.records import Action, Command
from tests.stack.engine import Engine
from tests.stack.images import build_stand_ins
from tests.stack.stack import Stack
from tests.stack.tools import CACHE, ready
from tests.support.kafka import MissingToolError
from tests.support.repository import ROOT
from tests.support.waiting import T, wait_for

_STORY_S: Final = 420.0
"""Within which each step of the story must have come; on a machine with nothing else to do all of them take so long."""
_FILE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


class Walk:
    """Tells how far it is, in seconds since it began."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def say(self, what: str) -> None:
        """Print a line."""
        print(f"[{time.monotonic() - self._began_s:4.0f} s] {what}", flush=True)

    def until(self, what: str, condition: Callable[..., T | None], *given: str) -> T:
        """Wait for something, and say when it came; `given` is what the condition is asked with."""
        found = wait_for(lambda: condition(*given), what, timeout_s=_STORY_S, poll_s=1)
        assert found is not None
        self.say(what)
        return found


def main() -> int:
    """Do all of it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is taken down
    walk = Walk()
    try:
        ready()
        walk.say("Docker, Compose and what makes images are here")
        with Engine() as engine:
            build_stand_ins(_FILE)
            walk.say("upstream's images are stood in for")
            stack = Stack(engine.folder)
            try:
                stack.compose("build")
                walk.say("our image is built")
                _story(walk, stack)
                _crash(walk, stack)
                _counts(walk, stack)
            except BaseException:
                _keep_logs(stack)
                raise
            finally:
                stack.compose("down", "--volumes", "--timeout", "10")
                walk.say("everything is taken down")
    except MissingToolError as error:
        print(f"stack-test: {error}", file=sys.stderr)
        return 1
    walk.say("the engine is gone; all of it held")
    return 0


def _story(walk: Walk, stack: Stack) -> None:
    """From traffic to drift, page, freeze, rollback and its answer."""
    stack.compose("up", "--detach")
    walk.say("every service is started, each after those that it waits for")
    walk.until("version 1 answers", lambda: _answered(stack)["v1"] > 0)
    walk.until("Prometheus has a judged window", lambda: stack.asked('kedge_window_verdict{model="delay"} >= 2'))
    walk.until("Prometheus has a drifted one", lambda: stack.asked('kedge_window_verdict{model="delay"} == 4'))
    walk.until("the rollout is frozen at the router", lambda: stack.node().get("frozen"))
    [page] = walk.until("the webhook has the page of the drift", lambda: stack.pages("KedgeDriftPage"))[:1]
    assert (page["model"], page["severity"], page["status"]) == ("delay", "page", "firing"), page
    walk.until("the incident is over, and the rollout goes on", lambda: stack.node().get("frozen") is False)
    walk.until("version 2 answers three of ten", lambda: _answered(stack)["v2"] > 0)
    command = walk.until("a rollback is commanded", lambda: _rollback(stack))
    walk.until("the router has obeyed: its link leads to version 1", lambda: stack.node().get("current") == "v1")
    walk.until("and has answered", lambda: stack.acks(command) == ["ACKED"])
    before = _answered(stack)
    walk.until("200 requests more are answered", lambda: _answered(stack)["v1"] >= before["v1"] + 200)
    assert _answered(stack)["v2"] == before["v2"], "version 2 still answers"
    walk.until("the webhook has the page of the rollback", lambda: stack.pages("KedgeRollbackSent"))
    verified = json.loads(stack.kedge("verify-decision", command.command_id, "--json"))
    assert verified["stands"] is True, verified
    walk.say(f"kedge verify-decision: {command.command_id[:12]} follows from what the guard had taken in")
    stack.person("override", "force", "delay", "--action", "RESUME_ROLLOUT", "--actor", "ann", "--reason", "seen")
    walk.until("a person has resumed the rollout", lambda: stack.node().get("frozen") is False)
    stack.person("drill", "delay", "--fault", "canary_errors", "--actor", "ann", "--reason", "after the rollback")
    walk.say("a drill has passed: the router has acknowledged it")
    assert stack.node()["current"] == "v1", "the drill has moved traffic"


def _crash(walk: Walk, stack: Stack) -> None:
    """Both workers, one after the other: one of them holds the model."""
    for worker in ("worker-1", "worker-2"):
        stack.crash(worker)
        walk.until(f"{worker} was killed, and is started again", stack.restarts, worker)
        walk.until(f"{worker} is well", stack.healthy, worker)


def _counts(walk: Walk, stack: Stack) -> None:
    """What the publisher sent is what was counted, crashes or not."""
    stack.compose("stop", "serving")
    final = json.loads(stack.compose("logs", "--no-log-prefix", "serving").splitlines()[-1])
    assert final["sent"] == final["logged"], final
    answered = Counter(final["answered"])
    walk.until(f"tally has counted {dict(answered)}", lambda: _by_version(stack.counted()) == answered)
    panes, judged = stack.counted(), stack.judged()
    assert judged
    for (version, start, end), rows in judged.items():
        expected = sum(n for (of, pane), n in panes.items() if of == version and start <= pane < end)
        assert rows == expected, (version, start, rows, expected)
    walk.say(f"the reports of {len(judged)} windows hold exactly the rows of their panes")


def _answered(stack: Stack) -> Counter[str]:
    return Counter(stack.node().get("answered", {}))


def _rollback(stack: Stack) -> Command | None:
    found = [command for command in stack.commands() if command.action is Action.ROUTE_TO_SAFE_PATH]
    assert len(found) <= 1, found
    return found[0] if found else None


def _by_version(panes: Counter[tuple[str, int]]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for (version, _), number in panes.items():
        rows[version] += number
    return rows


def _keep_logs(stack: Stack) -> None:
    """Of a walk that failed: what every container said."""
    log = CACHE / "failed.log"
    said: list[Any] = [stack.compose("ps", "--all"), stack.compose("logs", "--timestamps")]
    log.write_text("\n".join(said))
    print(f"stack-test: what the containers said is in {log}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
