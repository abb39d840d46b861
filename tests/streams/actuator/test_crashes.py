"""A killed actuator that is started again has one effect or says that it has none, never two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kedge.streams.actuator.symlink import SymlinkRouter
from tests.streams.actuator.life import KILLED, POINTS
from tests.streams.actuator.made import CODEC, KEY, NOW, Given, command
from tests.support.repository import ROOT


class Place:
    """A folder with a link and a log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("log", "versions/v1", "versions/v2", "versions/v3"):
            (folder / part).mkdir(parents=True)
        (folder / "trusted.pem").write_bytes(KEY.public_pem())
        (folder / "log" / "0").write_bytes(CODEC.encode(command()))
        self.point_by_hand("v2")

    def point_by_hand(self, version: str) -> None:
        """What `ln -sfn` does."""
        (self.folder / "current").unlink(missing_ok=True)
        (self.folder / "current").symlink_to(f"versions/{version}")

    def live(self, point: str) -> int:
        """One life; the exit code."""
        argv = [sys.executable, "-m", "tests.streams.actuator.life", str(self.folder), point]
        return subprocess.run(argv, cwd=ROOT, env=os.environ, check=False, timeout=60).returncode

    def said(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_it_ends_the_command_with_one_effect(place: Place, point: str) -> None:
    assert place.live(point) == KILLED
    assert place.said("acks") == []
    assert place.live("never") == 0
    assert place.live("never") == 0
    assert (place.said("effects"), place.said("acks")) == (["v1"], ["acked", "acked"])
    assert (place.folder / "current").readlink().name == "v1"


@pytest.mark.parametrize("point", POINTS)
def test_killed_again_and_again_it_has_one_effect_at_most(place: Place, point: str) -> None:
    for _ in range(3):
        assert place.live(point) in {KILLED, 0}
    assert place.live("never") == 0
    assert place.said("effects") == ["v1"]
    assert set(place.said("acks")) == {"acked"}


@pytest.mark.parametrize(
    ("point", "outcome"),
    [("before the switch", "conflict"), ("after the switch", "conflict"), ("before the ack", "acked")],
)
def test_what_people_deployed_meanwhile_is_left_alone(place: Place, point: str, outcome: str) -> None:
    assert place.live(point) == KILLED
    effects = place.said("effects")
    for version in ("v1", "v2"):  # back where it was before the command, by name
        place.point_by_hand(version)
    assert place.live("never") == 0
    assert (place.said("effects"), place.said("acks")) == (effects, [outcome])
    assert (place.folder / "current").readlink().name == "v2"


def test_killed_before_the_switch_and_started_again_too_late_it_refuses(place: Place) -> None:
    assert place.live("before the switch") == KILLED
    router = SymlinkRouter(place.folder / "current", place.folder / "versions")
    given = Given(store=place.folder / "store", router=router, now_ms=NOW + 300_000)
    [ack] = given.obey(command())
    assert ack is not None
    assert (ack.reason, ack.observed_version) == ("expired", "v2")
