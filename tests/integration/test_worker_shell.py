"""The worker's shell on a real broker, with a core that only counts: whatever happens, each number once."""

import random
import re
import signal
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined] # it is the documented place

from kedge.streams.core.instructions import POSITION_KEY
from kedge.streams.names import Agent, Topics
from tests.support.counting import POISON
from tests.support.shell import PARTITIONS, Seen, ShellWorker
from tests.support.stage import Stage
from tests.support.waiting import wait_for


def test_every_number_is_counted_once_over_crashes_and_every_codec(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1")
    dice = random.Random(1)
    for codec in ("gzip", "lz4", "zstd", "snappy", "none"):
        source.send(20_000, codec=codec)
        seen.at_least(seen.total() + dice.randrange(1, 15_000))
        worker.process.send_signal(signal.SIGKILL)
        worker.start_again()
    seen.until(source.expected())
    seen.check_history()


def test_a_second_worker_takes_half_and_gives_it_back(stage: Stage) -> None:
    source, seen = stage.open()
    first = stage.worker("w1")
    source.send(50_000)
    first.says("counting 4 partitions")
    second = stage.worker("w2")
    source.send(50_000)
    second.says("counting 2 partitions")
    source.send(50_000)
    seen.until(source.expected())
    second.kill()
    source.send(50_000)
    seen.until(source.expected())
    seen.check_history()
    assert first.end() == 0


def test_a_zombie_is_fenced_says_so_and_nothing_of_it_is_seen(stage: Stage) -> None:
    source, seen = stage.open()
    zombie = stage.worker("w1", TEST_FILLER="3000", KEDGE_CHECKPOINT_SECONDS="0.05")
    zombie.says("counting 4 partitions")
    held = stage.stopped_inside_a_transaction(zombie, Agent.TALLY, source)
    heir = stage.worker("w2")
    heir.says("counting 4 partitions", timeout_s=60)
    source.send(10_000)
    seen.until(source.expected())
    zombie.process.send_signal(signal.SIGCONT)
    assert zombie.process.wait(60) == 70
    assert "fenced" in zombie.messages()[-1]
    assert held
    source.send(10_000)
    seen.until(source.expected())
    seen.check_history()


def test_a_broker_that_crashes_loses_nothing(own_stage: Stage) -> None:
    own_stage.broker.start()
    source, seen = own_stage.open()
    worker = own_stage.worker("w1", TEST_FILLER="2000").restarted()  # transactions are under way most of the time
    for _ in range(2):
        source.send(100_000)
        seen.at_least(seen.total() + 1_000)
        own_stage.broker.kill()
        known = len(worker.messages())
        worker.misses_its_broker(known)
        own_stage.broker.restart()
    source.send(50_000)
    seen.until(source.expected(), timeout_s=120)
    seen.check_history()
    _until_standing(seen)  # or windows of a quiet model would stay open
    assert worker.end() == 0


def _until_standing(seen: Seen) -> None:
    wait_for(lambda: seen.read() and all(of[-1]["at_end"] for of in seen.states.values()), "all to stand at the end")


def test_an_error_in_the_group_join_ends_the_worker_and_the_next_one_counts(stage: Stage, tmp_path: Path) -> None:
    source, seen = stage.open()
    source.send(1_000)
    worker = stage.worker("w1", TEST_JOIN_FAILS=str(tmp_path / "failed")).restarted()
    wait_for((tmp_path / "failed").exists, "the join to fail")
    seen.until(source.expected())
    assert worker.codes == [70]
    assert any("watchdog: the group coordination has failed" in line for line in worker.messages())
    assert worker.end() == 0


def test_sigterm_commits_what_was_folded_and_ends_with_0(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1", KEDGE_CHECKPOINT_SECONDS="5")
    worker.says("counting 4 partitions")
    wait_for(lambda: worker.get("/metrics")[1].count("kedge_checkpoint_timestamp_seconds{") == 4, "first checkpoints")
    source.send(10_000)
    wait_for(lambda: len(_uncommitted(worker)) == 4, "something folded in every partition", poll_s=0.2)
    assert not any(count for count, _, _ in seen.read().values())
    assert worker.end() == 0
    wait_for(lambda: all(count for count, _, _ in seen.read().values()), "what was folded")
    assert "retired 4 partitions after a last checkpoint" in worker.messages()
    assert worker.messages()[-1] == "stopped"
    worker.start_again()
    seen.until(source.expected())
    seen.check_history()


def _uncommitted(worker: ShellWorker) -> list[str]:
    return re.findall(r"^kedge_uncommitted_seconds{.*} (?!0\.0$).*$", worker.get("/metrics")[1], re.MULTILINE)


def test_sigterm_ends_a_worker_whose_broker_is_away(own_stage: Stage) -> None:
    own_stage.broker.start()
    source, seen = own_stage.open()
    worker = own_stage.worker("w1")
    source.send(1_000)
    seen.until(source.expected())
    own_stage.broker.kill()
    assert worker.end() == 0
    assert worker.messages()[-1].startswith("stopped")


def test_a_transaction_of_the_sender_is_counted_when_committed_and_its_marker_is_no_lag(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1")
    source.send(10, settings={"transactional.id": f"sender-{stage.environment}"})
    seen.until(source.expected())
    _until_standing(seen)
    wait_for(lambda: worker.get("/metrics")[1].count("kedge_lag_records{") == 8, "the lag of both sources")
    assert set(re.findall(r"^kedge_lag_records{.*} (.*)$", worker.get("/metrics")[1], re.MULTILINE)) == {"0.0"}


def test_what_was_aborted_is_neither_counted_nor_restored(stage: Stage) -> None:
    source, seen = stage.open()
    topics = Topics(stage.environment)
    source.send(100)
    aborting = Producer(
        {"bootstrap.servers": stage.broker.bootstrap, "transactional.id": f"aborting-{stage.environment}"}
    )
    aborting.init_transactions(20)
    aborting.begin_transaction()
    for partition in range(PARTITIONS):
        aborting.produce(topics.predictions, b"1000000", partition=partition)
        aborting.produce(topics.tally_state, b"not a state", POSITION_KEY, partition)
    assert aborting.flush(20) == 0
    aborting.abort_transaction(20)
    worker = stage.worker("w1")
    seen.until(source.expected())
    assert worker.says("tally 0: restored").startswith("tally 0: restored 0 records")
    assert worker.end() == 0


def test_a_core_that_breaks_ends_the_worker_and_commits_nothing(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1")
    source.send(1_000)
    seen.until(source.expected())
    producer = Producer({"bootstrap.servers": stage.broker.bootstrap})
    producer.produce(Topics(stage.environment).predictions, POISON, partition=0)
    assert producer.flush(20) == 0
    assert worker.process.wait(30) == 70
    assert "folding failed: RuntimeError('the core broke')" in worker.messages()[-1]
    seen.until(source.expected())


def test_a_worker_waits_for_a_broker_that_is_away_and_ends_quietly_meanwhile(own_stage: Stage) -> None:
    worker = own_stage.worker("w1")
    worker.says("does not answer")
    assert worker.get("/healthz")[0] == 200
    assert worker.get("/readyz") == (503, "waiting for Kafka\n")
    assert worker.end() == 0
    worker.start_again()
    own_stage.broker.start()
    source, seen = own_stage.open()
    source.send(1_000)
    worker = own_stage.worker("w2")
    seen.until(source.expected())


def test_missing_topics_end_the_worker_with_what_to_do(stage: Stage) -> None:
    worker = stage.worker("w1")
    assert worker.process.wait(30) == 1
    assert "run `kedge topics create` first" in worker.messages()[-1]


def test_a_state_for_another_partition_count_is_refused(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1")
    source.send(1_000)
    seen.until(source.expected())
    assert worker.end() == 0
    grown = [
        NewPartitions(Topics(stage.environment).of(name), PARTITIONS + 1)
        for name in ("predictions", "outcomes", "tally_state")
    ]
    admin = stage.broker.admin()
    for future in admin.create_partitions(grown).values():
        future.result(20)
    worker.start_again()
    assert worker.process.wait(30) == 1
    assert "made for 4 partitions of predictions, not 5" in worker.messages()[-1]


def test_a_source_that_was_made_anew_is_refused(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1")
    source.send(1_000)
    seen.until(source.expected())
    assert worker.end() == 0
    topic, admin = Topics(stage.environment).predictions, stage.broker.admin()
    admin.delete_topics([topic])[topic].result(20)
    wait_for(lambda: topic not in admin.list_topics(timeout=10).topics, "the topic to be gone")
    stage.create_topics()
    worker.start_again()
    assert worker.process.wait(30) == 1
    assert "the topic was made anew" in worker.messages()[-1]


def test_the_catalog_is_read_before_anything_is_folded_and_followed_after(stage: Stage) -> None:
    source, seen = stage.open()
    producer = Producer({"bootstrap.servers": stage.broker.bootstrap})
    topics = Topics(stage.environment)
    producer.produce(topics.monitors, b"m1", b"a")
    producer.produce(topics.baselines, b"b1", b"a")
    assert producer.flush(20) == 0
    worker = stage.worker("w1")
    worker.says("read 2 records of monitors and baselines")
    source.send(10)
    seen.until(source.expected())
    producer.produce(topics.monitors, b"m2", b"a")
    assert producer.flush(20) == 0
    wait_for(lambda: "catalog monitors b'a' b'm2'" in worker.log.read_text(), "the second monitor")
    text = worker.log.read_text()
    assert text.index("catalog monitors b'a' b'm1'") < text.index("assigned:")
    assert text.index("catalog baselines b'a' b'b1'") < text.index("assigned:")


def test_the_probes_and_the_metrics(stage: Stage) -> None:
    source, seen = stage.open()
    worker = stage.worker("w1")
    wait_for(lambda: worker.get("/readyz") == (200, "ok\n"), "ready")
    source.send(1_000)
    seen.until(source.expected())
    assert worker.get("/healthz") == (200, "ok\n")
    assert worker.get("/elsewhere")[0] == 404

    def metrics() -> str:
        return worker.get("/metrics")[1]

    wait_for(lambda: 'kedge_partitions{agent="tally"} 4.0' in metrics(), "the partitions")
    wait_for(lambda: 'kedge_rows_total{fate="counted",model="m"} 1000.0' in metrics(), "the rows")
    for name in ("kedge_checkpoints_total", "kedge_checkpoint_seconds_bucket", "kedge_restore_seconds"):
        assert name in metrics()
