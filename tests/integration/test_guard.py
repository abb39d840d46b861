"""The whole loop on a real broker: signed monitors, a worker that trusts keys, and an actuator that obeys.

`make guard-soak` plays the same incidents again and again.
"""

import signal
from pathlib import Path

from kedge.schemas.records import OverrideAction
from tests.streams.cli.support import call, lines
from tests.support.incidents import Day, Scene, bad_canary, traffic_drift
from tests.support.kafka import Broker
from tests.support.waiting import wait_for

NAMES = ("first", "second", "third")


def test_a_drift_of_all_traffic_is_vetoed_and_a_bad_canary_led_away_once(
    kafka: Broker, environment: str, tmp_path: Path
) -> None:
    drifting, canaries = [f"drift-{name}" for name in NAMES], [f"canary-{name}" for name in NAMES]
    with Scene(kafka, environment, tmp_path, [*drifting, *canaries]).opened() as scene:
        traffic_drift(scene, *drifting)
        bad_canary(scene, *canaries)
        where = ("--brokers", kafka.bootstrap, "--environment", environment)
        for model in canaries:
            [command] = scene.commands(model)
            told = call("verify-decision", command.command_id, "--json", *where)
            assert told.exit_code == 0, told.output
            assert lines(told)[0]["stands"] is True


def test_a_guard_that_is_killed_before_the_answer_goes_on_with_it_and_unsigned_words_change_nothing(
    kafka: Broker, environment: str, tmp_path: Path
) -> None:
    with Scene(kafka, environment, tmp_path, ["m"]).opened() as scene:
        scene.play(Day(), "m")
        scene.tell("overrides", scene.override("m", OverrideAction.PIN))
        wait_for(lambda: [e for e in scene.journal("m") if e.decision == "refuse_override"], "the refusal")
        refused = 'kedge_guard_refusals_total{input="overrides",model="m",reason="untrusted"} 1.0'
        assert refused in scene.worker.get("/metrics")[1]
        crashed = crash_before_the_switch(scene)
        bad_canary(scene, "m")
        assert crashed == [-signal.SIGKILL]


def crash_before_the_switch(scene: Scene) -> list[int]:
    """The router does nothing before the guard is gone: its answer finds nobody. The list is the worker's end."""
    router, worker = scene.routers["m"], scene.worker.restarted()

    def crash() -> None:
        router.before = lambda: None
        worker.process.kill()
        wait_for(lambda: worker.codes, "the guard's end")

    router.before = crash
    return worker.codes
