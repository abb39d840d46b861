"""`kedge override`: signed, sent, and answered."""

from pathlib import Path

import pytest

from kedge.schemas.records import Action, Monitor, OverrideAction
from kedge.schemas.signing import signed_bytes
from kedge.streams.reading import read_to_end
from kedge.streams.trust import KeyRing, SigningKey
from tests.streams.cli.scripted import Deployment, ScriptedGuard, decides
from tests.streams.cli.support import call, lines

WHO = ("--actor", "ana", "--reason", "bad labels since noon")
DEVELOPMENT = {"KEDGE_TRUST": "development"}
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    made = Deployment()
    made.watch("fraud")
    return made


def test_what_the_guard_takes_is_exit_0_with_its_id_end_and_state(deployment: Deployment) -> None:
    says = decides("override_pin", "ana: bad labels since noon")
    with ScriptedGuard(deployment, says) as guard:
        told = call("override", "pin", "fraud", "--version", "v1", "--for", "2h", *WHO, *deployment.options,
                    env=DEVELOPMENT)  # fmt: skip
    override = guard.taken[-1]
    assert told.exit_code == 0
    assert f"override {override.override_id}: PIN of fraud to v1, until 20" in told.stdout
    assert "taken (journal" in told.stdout
    assert "HUMAN_HOLD" in told.stdout
    assert (override.action, override.target_version) == (OverrideAction.PIN, "v1")
    assert (override.actor, override.reason) == WHO[1::2]
    assert override.expires_at - override.issued_at == 2 * HOUR_MS


def test_what_the_guard_refuses_is_exit_1_with_the_reason(deployment: Deployment) -> None:
    with ScriptedGuard(deployment, decides("refuse_override", "compliance: SUPPRESS by ana")):
        told = call("override", "suppress", "fraud", *WHO, "--json", *deployment.options, env=DEVELOPMENT)
    assert told.exit_code == 1, told.output
    (document,) = lines(told)
    assert (document["result"], document["reason"]) == ("refused", "compliance: SUPPRESS by ana")


def test_an_entry_that_does_not_name_it_as_taken_is_a_refusal(deployment: Deployment) -> None:
    with ScriptedGuard(deployment, decides("none", "no monitor is known for this model")):
        told = call("override", "release", "fraud", *WHO, *deployment.options, env=DEVELOPMENT)
    assert told.exit_code == 1
    assert "refused" in told.stdout
    assert "until" not in told.stdout


def test_silence_is_exit_1_and_says_what_it_means(deployment: Deployment) -> None:
    told = call("override", "disarm", "fraud", *WHO, "--timeout", "0.3", *deployment.options, env=DEVELOPMENT)
    assert told.exit_code == 1
    assert "sent, and the guard has not answered within 0.3 s: is a worker running?" in told.stderr


def test_it_is_signed_by_the_key_of_the_settings(deployment: Deployment, tmp_path: Path) -> None:
    key = SigningKey.generate()
    (tmp_path / "signing.key").write_bytes(key.private_pem())
    env = {"KEDGE_SIGNING_KEY_FILE": str(tmp_path / "signing.key"), "KEDGE_ACTOR": "bo"}
    force = ("override", "force", "fraud", "--action", "ROUTE_TO_SAFE_PATH", "--target", "v1", "--reason", "r")
    with ScriptedGuard(deployment, decides("override_force+stage", "forced")) as guard:
        told = call(*force, *deployment.options, env=env)
    assert told.exit_code == 0
    assert f": FORCE ROUTE_TO_SAFE_PATH of fraud to v1; signed by {key.key_id}\n" in told.stdout
    override = guard.taken[-1]
    assert (override.actor, override.forced, override.target_version) == ("bo", Action.ROUTE_TO_SAFE_PATH, "v1")
    assert KeyRing([key.public_pem()]).accepts(key.key_id, signed_bytes(override), override.signature)


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (("suppress", "fraud", *WHO, "--for", "25h"), DEVELOPMENT, 2, "at most 24 h"),
        (("suppress", "fraud", *WHO, "--for", "2 hours"), DEVELOPMENT, 2, "is no duration, such as 90s, 5m, 1h or 1d"),
        (
            ("suppress", "fraud", "--reason", "r"),
            DEVELOPMENT,
            2,
            "Missing option '--actor'. Say who wants it: --actor NAME, or export",
        ),
        (("suppress", "fraud", "--reason", "r"), DEVELOPMENT, 2, "KEDGE_ACTOR"),
        (("suppress", "fraud", "--actor", "ana"), DEVELOPMENT, 2, "Missing option '--reason'"),
        (("suppress", "fraud", "--actor", " ", "--reason", "r"), DEVELOPMENT, 1, "--actor is empty"),
        (("pin", "fraud", *WHO), DEVELOPMENT, 2, "Missing option '--version'"),
        (("force", "fraud", "--action", "ROUTE_TO_SAFE_PATH", *WHO), DEVELOPMENT, 2, "needs --target VERSION"),
        (("release", "fruad", *WHO), DEVELOPMENT, 1, "no monitor of 'fruad' is published"),
        (("release", "fraud", *WHO), {}, 1, "KEDGE_TRUST is not set"),
        (("release", "fraud", *WHO), {"KEDGE_TRUST": "keys"}, 1, "KEDGE_SIGNING_KEY_FILE is not set"),
    ],
)
def test_what_cannot_be_sent_is_refused_before(
    deployment: Deployment, arguments: tuple[str, ...], env: dict[str, str], code: int, said: str
) -> None:
    before = deployment.end("overrides", "fraud")
    refused = call("override", *arguments, "--timeout", "0", *deployment.options, env=env)
    assert (refused.exit_code, said in refused.stderr) == (code, True), refused.stderr
    assert deployment.end("overrides", "fraud") == before


def published(deployment: Deployment, model: str) -> list[Monitor]:
    messages = read_to_end(deployment.cluster.settings, [deployment.topics.monitors])
    found = [deployment.codec.decode(message.value() or b"", Monitor) for message in messages]
    return [monitor for monitor in found if monitor.model == model]


def test_a_monitor_is_published_again_once_there_is_a_key_to_sign_it_with(
    deployment: Deployment, tmp_path: Path
) -> None:
    file, key = tmp_path / "m.yaml", SigningKey.generate()
    file.write_text("model: flights\nowner: ops\n")
    (tmp_path / "signing.key").write_bytes(key.private_pem())
    publish = ("monitor", "publish", file, "--json", *deployment.options)
    assert lines(call(*publish, env=DEVELOPMENT))[0]["published"]
    assert [monitor.key_id for monitor in published(deployment, "flights")] == [None]
    env = {"KEDGE_SIGNING_KEY_FILE": str(tmp_path / "signing.key")}
    assert [lines(call(*publish, env=env))[0]["published"] for _ in range(2)] == [True, False]
    last = published(deployment, "flights")[-1]
    assert KeyRing([key.public_pem()]).accepts(key.key_id, signed_bytes(last), last.signature or b"")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "KEDGE_TRUST is not set: KEDGE_TRUST=keys with"),
        ({"KEDGE_TRUST": "keys"}, "KEDGE_SIGNING_KEY_FILE is not set"),
    ],
)
def test_an_unsigned_monitor_is_published_only_where_development_is_said(
    deployment: Deployment, tmp_path: Path, env: dict[str, str], said: str
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("model: unsigned\nowner: ops\n")
    refused = call("monitor", "publish", file, *deployment.options, env=env)
    assert (refused.exit_code, said in refused.stderr) == (1, True), refused.stderr
    assert published(deployment, "unsigned") == []
