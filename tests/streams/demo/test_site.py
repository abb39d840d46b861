"""Where the demo's model is served: a link that leads to a version, keys of this run alone, and a frozen rollout."""

from pathlib import Path

from kedge.streams.actuator import SymlinkRouter
from kedge.streams.demo.rollout import VERSION_1, VERSION_2
from kedge.streams.demo.site import Site
from kedge.streams.trust import trust_from_environment
from tests.streams.actuator.made import command


def _router(folder: Path) -> SymlinkRouter:
    return SymlinkRouter(folder / "current", folder / "versions")


def test_version_1_serves_until_somebody_deploys_version_2_and_the_router_leads_back(tmp_path: Path) -> None:
    site, router = Site(tmp_path), _router(tmp_path)
    assert site.current == VERSION_1
    site.start_canary()
    observed = router.observe()
    assert (site.current, observed.version, observed.standby) == (VERSION_2, VERSION_2, (VERSION_1,))
    router.switch(command(from_version=VERSION_2, target_version=VERSION_1), observed.generation)
    assert site.current == VERSION_1


def test_a_rollout_is_frozen_until_it_is_resumed(tmp_path: Path) -> None:
    site, router = Site(tmp_path), _router(tmp_path)
    router.freeze(command(drill=True))
    assert not site.frozen
    router.freeze(command())
    router.resume(command(drill=True))
    assert site.frozen
    router.resume(command())
    router.resume(command())
    assert not site.frozen


def test_what_one_run_signs_no_other_trusts_and_its_key_is_nobody_else_s_to_read(tmp_path: Path) -> None:
    sites = [Site(tmp_path / name) for name in ("a", "b")]
    mine, others = (trust_from_environment(site.trust()) for site in sites)
    signed = mine.signer().sign(b"route")
    assert mine.verifier.accepts(sites[0].key.key_id, b"route", signed)
    assert not others.verifier.accepts(sites[0].key.key_id, b"route", signed)
    assert (tmp_path / "a" / "signing.key").stat().st_mode & 0o077 == 0
