"""Keys: what is missing, unreadable, open to others or of no use is told, and nothing of a secret is."""

from pathlib import Path
from typing import Final

import pytest

from kedge.streams.doctor.finding import Level
from kedge.streams.doctor.keys import keys, verifier_of
from kedge.streams.trust import SigningKey
from kedge.streams.variables import SETTINGS, Text


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, str]:
    """A signing key, and the folder in which its public key is trusted."""
    key = SigningKey.generate()
    private, trusted = tmp_path / "signing.key", tmp_path / "trusted"
    trusted.mkdir()
    private.touch(0o600)
    private.write_bytes(key.private_pem())
    (trusted / "a.pem").write_bytes(key.public_pem())
    return {
        "KEDGE_TRUST": "keys",
        "KEDGE_SIGNING_KEY_FILE": str(private),
        "KEDGE_TRUSTED_KEYS": str(trusted),
    }


def levels(variables: dict[str, str]) -> dict[str, Level]:
    return {finding.check: finding.level for finding in keys(variables)}


def test_keys_that_fit_are_well(pair: dict[str, str]) -> None:
    assert set(levels(pair).values()) == {Level.OK}
    assert verifier_of(pair) is not None


def test_a_signing_key_that_nobody_trusts_fails(pair: dict[str, str]) -> None:
    other = SigningKey.generate()
    Path(pair["KEDGE_TRUSTED_KEYS"], "a.pem").write_bytes(other.public_pem())
    (finding,) = [found for found in keys(pair) if found.level is Level.FAIL]
    signing = SigningKey.load(Path(pair["KEDGE_SIGNING_KEY_FILE"])).key_id
    assert finding.check == "trusted keys"
    assert finding.said == f"{other.key_id}: what is signed by {signing} counts nowhere"


def test_a_secret_that_others_can_read_is_told(pair: dict[str, str]) -> None:
    Path(pair["KEDGE_SIGNING_KEY_FILE"]).chmod(0o640)
    (finding,) = [found for found in keys(pair) if found.level is not Level.OK]
    assert (finding.check, finding.level, "(640)" in finding.said) == ("secrets", Level.WARN, True)
    assert finding.do.startswith("chmod 600")


SECRET_FILES: Final = sorted(
    s.name for s in SETTINGS if isinstance(s, Text) and "secret" in s.kind and "file" in s.kind
)


@pytest.mark.parametrize("name", [*SECRET_FILES, "KEDGE_KAFKA_KEY_FILE"])
def test_every_file_that_holds_a_secret_is_looked_at(tmp_path: Path, name: str) -> None:
    path = tmp_path / "secret"
    path.write_text("planted-secret")
    path.chmod(0o644)
    told = [finding for finding in keys({name: str(path)}) if finding.check == "secrets"]
    assert [(finding.level, name in finding.said) for finding in told] == [(Level.WARN, True)]


def test_a_key_that_cannot_be_read_fails_and_is_not_quoted(pair: dict[str, str]) -> None:
    Path(pair["KEDGE_SIGNING_KEY_FILE"]).write_text("planted-secret")
    found = list(keys(pair))
    assert {finding.check for finding in found if finding.level is Level.FAIL} == {"signing key"}
    assert "planted-secret" not in str(found)


def test_files_that_are_not_there_fail(pair: dict[str, str]) -> None:
    away = {**pair, "KEDGE_HASH_KEY_FILE": "/nowhere/hash", "KEDGE_TRUSTED_KEYS": "/nowhere/keys"}
    assert {check for check, level in levels(away).items() if level is Level.FAIL} == {"secrets", "trusted keys"}
    assert verifier_of(away) is None


def test_development_is_a_warning_and_no_choice_is_not_known() -> None:
    assert levels({"KEDGE_TRUST": "development"})["trust"] is Level.WARN
    assert set(levels({}).values()) == {Level.UNKNOWN}
    assert levels({"KEDGE_TRUST": "perhaps"})["trust"] is Level.FAIL
