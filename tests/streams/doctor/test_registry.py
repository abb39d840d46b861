"""The schema registry: none is well, one that is away is not; its schemas are looked at on the real one."""

from kedge.schemas.registry_http import RegistryHttp
from kedge.streams.doctor.finding import Level
from kedge.streams.doctor.registry import registry
from tests.support.kafka import free_port


def test_no_registry_is_asked_for_and_one_that_is_away_fails() -> None:
    (none,) = registry(None)
    assert none.level is Level.OK
    (away,) = registry(RegistryHttp(f"http://127.0.0.1:{free_port()}", sleep=lambda _: None))
    assert (away.level, "does not answer" in away.said, bool(away.do)) == (Level.FAIL, True, True)
