"""The link: one version at any time, and a generation for each change."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kedge.streams.actuator.router import ConflictError, RouterError
from kedge.streams.actuator.symlink import SymlinkRouter
from tests.streams.actuator.made import command

V1, V2 = command(target_version="v1"), command(target_version="v2", from_version="v1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("v1", "v2", ".hidden"):
        (tmp_path / "versions" / name).mkdir(parents=True)
        (tmp_path / "versions" / name / "name").write_text(name)
    (tmp_path / "versions" / "notes.txt").write_text("no version")
    (tmp_path / "current").symlink_to("versions/v2")
    return tmp_path


@pytest.fixture
def router(folder: Path) -> SymlinkRouter:
    return SymlinkRouter(folder / "current", folder / "versions")


def _by_hand(folder: Path, version: str) -> None:
    subprocess.run(["ln", "-sfn", f"versions/{version}", "current"], cwd=folder, check=True)  # noqa: S607 - the real tool


def test_it_says_which_version_is_in_service_and_which_could_be(router: SymlinkRouter) -> None:
    observed = router.observe()
    assert (observed.version, observed.standby) == ("v2", ("v1",))
    assert observed.since is not None


def test_a_switch_is_conditional_on_the_generation(router: SymlinkRouter, folder: Path) -> None:
    before = router.observe()
    after = router.switch(V1, before.generation)
    assert (after.version, after.standby, (folder / "current" / "name").read_text()) == ("v1", ("v2",), "v1")
    assert after.generation != before.generation
    with pytest.raises(ConflictError):
        router.switch(V2, before.generation)
    assert router.observe() == after


def test_a_version_that_came_back_by_hand_is_another_generation(router: SymlinkRouter, folder: Path) -> None:
    seen = [router.observe().generation]
    for version in ("v1", "v2", "v1", "v2"):
        _by_hand(folder, version)
        seen.append(router.observe().generation)
    assert len(set(seen)) == len(seen)
    with pytest.raises(ConflictError):
        router.switch(V1, seen[0])


def test_a_drill_compares_and_changes_nothing(router: SymlinkRouter) -> None:
    before = router.observe()
    assert router.switch(command(drill=True), before.generation) == before
    with pytest.raises(ConflictError):
        router.switch(command(drill=True), "else")


@pytest.mark.parametrize("name", ["v9", "", ".", "..", "../..", "v1/..", ".hidden", "notes.txt", "/etc"])
def test_only_a_version_s_own_folder_can_be_pointed_to(router: SymlinkRouter, name: str) -> None:
    before = router.observe()
    with pytest.raises(RouterError, match="no version"):
        router.switch(command(target_version=name), before.generation)
    assert router.observe() == before


def test_a_link_that_leads_elsewhere_is_no_version(router: SymlinkRouter, folder: Path) -> None:
    for place in ("v1", "elsewhere/v1"):  # the name of a version, in another place
        (folder / place).mkdir(parents=True)
        (folder / "current").unlink()
        (folder / "current").symlink_to(place)
        assert router.observe().version == str(folder / place)


def test_what_is_no_link_is_an_error(router: SymlinkRouter, folder: Path) -> None:
    (folder / "current").unlink()
    with pytest.raises(RouterError, match="no symbolic link"):
        router.observe()
    (folder / "current").mkdir()
    with pytest.raises(RouterError, match="no symbolic link"):
        router.observe()


def _may_deploy(folder: Path) -> bool:
    """What docs/actuator.md tells a deploy to do, in this folder."""
    page = Path(__file__).resolve().parents[3].joinpath("docs", "actuator.md").read_text(encoding="utf-8")
    line = next(line.strip() for line in page.splitlines() if line.strip().startswith("flock .current.lock"))
    return subprocess.run(line, shell=True, cwd=folder, check=False).returncode == 0  # noqa: S602 - our own page


def test_a_freeze_holds_a_deploy_back_until_it_is_resumed_or_expires(router: SymlinkRouter, folder: Path) -> None:
    (folder / "versions" / "v3").mkdir()
    router.freeze(command(drill=True))
    assert _may_deploy(folder)
    router.switch(V2, router.observe().generation)
    router.freeze(command())
    router.resume(command(drill=True))
    assert not _may_deploy(folder)
    assert router.observe().version == "v2"
    router.freeze(command(expires_at=1_000))
    assert _may_deploy(folder)
    router.freeze(command())
    assert router.switch(V1, router.observe().generation).version == "v1"  # the way back is never frozen
    for _ in range(2):
        router.resume(command())
    assert _may_deploy(folder)


def test_what_a_crash_left_behind_is_no_hindrance(router: SymlinkRouter, folder: Path) -> None:
    (folder / ".current.new").symlink_to("versions/v2")
    assert router.switch(V1, router.observe().generation).version == "v1"


_READER = """
import os, sys
reads, seen = 0, set()
print("ready", flush=True)
while not os.path.exists(sys.argv[2]):
    seen.add(open(sys.argv[1] + "/name").read())
    reads += 1
print(reads, *sorted(seen))
"""


def test_a_reader_finds_one_version_or_the_other_and_never_none(router: SymlinkRouter, folder: Path) -> None:
    argv = [sys.executable, "-c", _READER, str(folder / "current"), str(folder / "stop")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for number in range(400):
            router.switch((V1, V2)[number % 2], router.observe().generation)
        (folder / "stop").touch()
        said, faults = reader.communicate(timeout=60)
    assert faults == ""
    assert said.split()[1:] == ["v1", "v2"]


def test_two_switches_at_once_are_one_switch(router: SymlinkRouter, folder: Path) -> None:
    generation, outcomes = router.observe().generation, []
    start = threading.Barrier(4)

    def switch() -> None:
        start.wait()
        try:
            outcomes.append(SymlinkRouter(folder / "current", folder / "versions").switch(V1, generation).version)
        except ConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=switch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 3 + ["v1"]


def test_the_link_is_relative_wherever_the_process_stands(
    router: SymlinkRouter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    relative = SymlinkRouter(Path("current"), Path("versions"))
    relative.switch(V1, router.observe().generation)
    assert (folder / "current").readlink() == Path("versions/v1")
