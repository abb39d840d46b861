"""The real cores under the worker, and a catalog that no publisher can break."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Baseline, Monitor, Provenance
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.fit import fit
from kedge.streams.names import Agent
from kedge.streams.settings import SettingsError
from kedge.streams.topics import TOPICS
from kedge.streams.trust import DevelopmentVerifier, KeyRing, SigningKey
from kedge.streams.worker.agents import CoreSettings, catalog_sink, make_agents
from tests.support.means import guard_means

CODEC = Codec()
DOCUMENT = to_document(parse_monitor("model: m\nowner: o", "test"))
MONITOR = Monitor(model="m", hash=monitor_hash(DOCUMENT), effective_from=0, document=DOCUMENT)


def baseline() -> Baseline:
    rows = Columns(
        model="m",
        version="",
        role="PRIMARY",
        timestamps=np.zeros(500, np.int64),
        numbers={"x": Numbers(np.arange(500.0))},
        strings={},
        segments={},
    )
    return fit(rows, Provenance(dataset="d", rows=500, created_at=0))


def test_what_is_published_makes_a_plan() -> None:
    catalog = Catalog()
    take = catalog_sink(catalog, CODEC, DevelopmentVerifier(), CollectorRegistry())
    take("monitors", b"m", CODEC.encode(MONITOR))
    take("baselines", b"m", CODEC.encode(baseline()))
    take("baselines", b"m", None)
    plan = catalog.plan_at("m", "v7", 1)
    assert plan is not None
    assert [signal.name for signal in plan.signals] == ["x"]


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("monitors", b"garbage"),
        ("monitors", CODEC.encode(replace(MONITOR, document='{"model": "m"}'))),
        ("baselines", CODEC.encode(MONITOR)),
        ("baselines", CODEC.encode(replace(baseline(), signals=(replace(baseline().signals[0], edges=(2.0, 1.0)),)))),
        ("baselines", CODEC.encode(replace(baseline(), signals=(replace(baseline().signals[0], low=None),)))),
    ],
)
def test_what_cannot_be_used_is_told_and_left_out(topic: str, value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    catalog, registry = Catalog(), CollectorRegistry()
    take = catalog_sink(catalog, CODEC, DevelopmentVerifier(), registry)
    with caplog.at_level(logging.ERROR):
        take(topic, b"the key", value)
    assert f"{topic}: 'the key' is left out" in caplog.text
    assert registry.get_sample_value("kedge_catalog_left_out_total", {"topic": topic}) == 1
    assert not catalog.models()
    take("monitors", b"m", CODEC.encode(MONITOR))
    plan = catalog.plan_at("m", "", 1)
    assert plan is not None
    assert plan.hashes[1] == ""


def test_with_keys_only_a_monitor_that_a_trusted_key_signed_is_used(caplog: pytest.LogCaptureFixture) -> None:
    ours, stranger = SigningKey.generate(), SigningKey.generate()
    catalog, registry = Catalog(), CollectorRegistry()
    take = catalog_sink(catalog, CODEC, KeyRing([ours.public_pem()]), registry)
    known = _signed(ours)
    forged = [
        MONITOR,
        _signed(stranger),
        replace(_signed(stranger), key_id=ours.key_id),
        replace(known, effective_from=60_000),
        replace(known, signature=None),
    ]
    for monitor in forged:
        take("monitors", b"m", CODEC.encode(monitor))
    assert not catalog.models()
    assert "it is unsigned, and no trusted key's signature is on it" in caplog.text
    assert f"it is signed by '{stranger.key_id}'" in caplog.text
    assert registry.get_sample_value("kedge_catalog_left_out_total", {"topic": "monitors"}) == len(forged)
    take("monitors", b"m", CODEC.encode(known))
    assert list(catalog.models()) == ["m"]


def _signed(key: SigningKey) -> Monitor:
    named = replace(MONITOR, key_id=key.key_id)
    return replace(named, signature=key.sign(signed_bytes(named)))


def test_each_agent_has_its_own_core() -> None:
    agents = make_agents(Catalog(), CODEC, "test", CoreSettings(hash_key=b"k"), guard_means())
    assert [agent.name for agent in agents] == list(Agent)
    for agent in agents:
        core = agent.make_core(0, {spec.name: 4 for spec in TOPICS})
        core.restored()
        assert core.committed == {}


def test_the_hash_key_comes_from_a_file_or_a_variable(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret\n")
    assert CoreSettings.from_environment({"KEDGE_HASH_KEY_FILE": str(path)}).hash_key == b"secret"
    assert CoreSettings.from_environment({"KEDGE_HASH_KEY": "other"}).hash_key == b"other"
    assert "secret" not in repr(CoreSettings(hash_key=b"secret"))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KEDGE_HASH_KEY_FILE": "/nowhere/key"}, "KEDGE_HASH_KEY_FILE: /nowhere/key: No such file"),
        ({"KEDGE_KEEP_PAYLOADS": "perhaps"}, "KEDGE_KEEP_PAYLOADS: 'perhaps' is not true or false"),
    ],
)
def test_bad_settings_are_named(variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        CoreSettings.from_environment(variables)
