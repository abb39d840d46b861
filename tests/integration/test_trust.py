"""A worker that trusts keys only, on a real broker."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Action, Command, Monitor
from kedge.schemas.signing import signed_bytes
from kedge.streams.trust import SigningKey
from tests.schemas.samples import SAMPLES
from tests.support import rides
from tests.support.kafka import Broker
from tests.support.service import CODEC, Service
from tests.support.waiting import wait_for


@pytest.fixture
def service(kafka: Broker, environment: str, tmp_path: Path) -> Iterator[Service]:
    made = Service(kafka, environment, tmp_path)
    yield made
    made.end()


def unsigned(model: str) -> Monitor:
    document = to_document(parse_monitor(rides.TEXT.replace(rides.MODEL, model), "monitor.yaml"))
    return Monitor(model=model, hash=monitor_hash(document), effective_from=0, document=document)


def signed(monitor: Monitor, key: SigningKey) -> Monitor:
    named = replace(monitor, key_id=key.key_id)
    return replace(named, signature=key.sign(signed_bytes(named)))


def forged_rollback() -> Command:
    sample = SAMPLES["Command"]
    assert isinstance(sample, Command)
    return replace(sample, model="elsewhere", action=Action.ROUTE_TO_SAFE_PATH, drill=False)


def test_it_counts_by_signed_monitors_and_leaves_out_the_others(service: Service, tmp_path: Path) -> None:
    key, signing, trusted = SigningKey.generate(), tmp_path / "signing.key", tmp_path / "trusted.pem"
    signing.write_bytes(key.private_pem())
    trusted.write_bytes(key.public_pem())
    service.open(signed(rides.monitor(), key), rides.baseline())
    producer = service.producer()
    for other in (unsigned("bare"), signed(unsigned("forged"), SigningKey.generate())):
        producer.produce(service.topics.monitors, CODEC.encode(other), key=other.model)
    producer.produce(service.topics.control, CODEC.encode(forged_rollback()), key="elsewhere")
    assert producer.flush(20) == 0
    worker = service.worker(
        "w1", KEDGE_TRUST="keys", KEDGE_TRUSTED_KEYS=str(trusted), KEDGE_SIGNING_KEY_FILE=str(signing)
    )
    worker.says("control: 'elsewhere' is left out: the signature of a rollback counts for nothing here")
    worker.says("monitors: 'bare' is left out: it is unsigned")
    worker.says("monitors: 'forged' is left out: it is signed by")
    traffic = rides.Traffic()
    service.send(traffic.minutes(0, 2, 400))
    counted = f'kedge_rows_total{{fate="counted",model="{rides.MODEL}"}} {traffic.rows}.0'
    wait_for(lambda: counted in worker.get("/metrics")[1], "the rows")
    assert 'kedge_catalog_left_out_total{topic="monitors"} 2.0' in worker.get("/metrics")[1]
    assert not any("KEDGE_TRUST=development" in line for line in worker.messages())


def test_in_development_every_start_says_so(service: Service) -> None:
    service.open(rides.monitor(), None)
    worker = service.worker("w1")
    worker.says("KEDGE_TRUST=development: commands, overrides and monitors count without a signature")
    assert worker.end() == 0
