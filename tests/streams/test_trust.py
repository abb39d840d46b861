"""Keys: whose signatures count, and what is said when a key cannot be used."""

import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kedge.streams.settings import SettingsError
from kedge.streams.trust import KeyRing, SigningKey, TrustMode, trust_from_environment

DATA = b"kedge-Command-v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of public keys, empty."""
    path = tmp_path / "trusted"
    path.mkdir()
    return path


def _saved(path: Path, key: SigningKey) -> Path:
    path.write_bytes(key.private_pem())
    return path


def test_the_key_and_signature_of_rfc_8032_are_ours() -> None:
    # RFC 8032, 7.1, test 2; the key's name is what sha256sum says of its public key.
    private = Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    key = SigningKey(private)
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert key.key_id == "39f713d0a644253f"


def test_only_the_named_key_s_signature_of_these_bytes_counts() -> None:
    ours, other = SigningKey.generate(), SigningKey.generate()
    ring, signature = KeyRing([ours.public_pem()]), ours.sign(DATA)
    assert ring.accepts(ours.key_id, DATA, signature)
    assert not ring.accepts(ours.key_id, DATA + b"!", signature)
    assert not ring.accepts(ours.key_id, DATA, signature[:-1])
    assert not ring.accepts(ours.key_id, DATA, other.sign(DATA))
    assert not ring.accepts(other.key_id, DATA, other.sign(DATA))
    assert not ring.accepts("", DATA, b"")


def test_two_keys_count_at_once_until_the_old_one_is_removed(folder: Path) -> None:
    old, new = SigningKey.generate(), SigningKey.generate()
    for key in (old, new):
        (folder / f"{key.key_id}.pem").write_bytes(key.public_pem())
    both = KeyRing.load(folder)
    assert both.key_ids == tuple(sorted((old.key_id, new.key_id)))
    assert both.accepts(old.key_id, DATA, old.sign(DATA))
    assert both.accepts(new.key_id, DATA, new.sign(DATA))
    (folder / f"{old.key_id}.pem").unlink()
    assert not KeyRing.load(folder).accepts(old.key_id, DATA, old.sign(DATA))


def test_one_file_may_hold_several_public_keys(tmp_path: Path) -> None:
    pair = [SigningKey.generate(), SigningKey.generate()]
    path = tmp_path / "ring"
    path.write_bytes(b"# ours\n" + b"".join(key.public_pem() for key in pair))
    assert KeyRing.load(path).key_ids == tuple(sorted(key.key_id for key in pair))


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    key = SigningKey.generate()
    assert SigningKey.load(_saved(tmp_path / "k", key)).key_id == key.key_id


def test_no_secret_is_shown(tmp_path: Path) -> None:
    key = SigningKey.generate()
    trust = trust_from_environment(
        {"KEDGE_TRUST": "development", "KEDGE_SIGNING_KEY_FILE": str(_saved(tmp_path / "k", key))}
    )
    secret = key.private_pem().splitlines()[1].decode()
    assert repr(key) == f"SigningKey({key.key_id})"
    assert secret not in repr(trust) + repr(vars(key))


def _elliptic() -> bytes:
    private = elliptic(SECP256R1())
    return private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())


@pytest.mark.parametrize("data", [b"", b"no key", SigningKey.generate().public_pem(), _elliptic()])
def test_a_file_without_an_ed25519_private_key_is_refused_and_not_quoted(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "k"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"no Ed25519 private key.*kedge keys generate") as error:
        SigningKey.load(path)
    assert error.value.__context__ is None  # a library's message may quote the file
    with pytest.raises(SettingsError, match="KEDGE_SIGNING_KEY_FILE"):
        trust_from_environment({"KEDGE_SIGNING_KEY_FILE": str(path)})


@pytest.mark.parametrize(
    "data", [b"", b"no key", SigningKey.generate().private_pem(), SigningKey.generate().public_pem()[:60]]
)
def test_a_trusted_file_without_a_public_key_is_refused(folder: Path, data: bytes) -> None:
    (folder / "a.pem").write_bytes(SigningKey.generate().public_pem())
    (folder / "b.pem").write_bytes(data)
    with pytest.raises(SettingsError, match=r"KEDGE_TRUSTED_KEYS: .*public key"):
        trust_from_environment({"KEDGE_TRUSTED_KEYS": str(folder)})


def test_an_empty_folder_and_a_missing_path_are_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match="put at least one public key there"):
        KeyRing.load(folder)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        KeyRing.load(folder / "x")


def test_development_takes_what_is_unsigned_and_says_so_at_each_start(caplog: pytest.LogCaptureFixture) -> None:
    trust_from_environment({"KEDGE_TRUST": "development"})
    trust = trust_from_environment({"KEDGE_TRUST": "development"})
    assert [(record.levelno, "development" in record.message) for record in caplog.records] == [
        (logging.WARNING, True)
    ] * 2
    assert trust.mode is TrustMode.DEVELOPMENT
    assert trust.verifier.accepts("", DATA, b"")
    assert (trust.signer().key_id, trust.signer().sign(DATA)) == ("", b"")


def test_development_still_refuses_a_bad_signature_of_a_key_that_it_knows(folder: Path) -> None:
    key = SigningKey.generate()
    (folder / "a.pem").write_bytes(key.public_pem())
    verifier = trust_from_environment({"KEDGE_TRUST": "development", "KEDGE_TRUSTED_KEYS": str(folder)}).verifier
    assert verifier.accepts(key.key_id, DATA, key.sign(DATA))
    assert not verifier.accepts(key.key_id, DATA, key.sign(b"else"))
    assert verifier.accepts("0123456789abcdef", DATA, b"else")


def test_keys_take_nothing_unsigned(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = SigningKey.generate()
    (folder / "a.pem").write_bytes(key.public_pem())
    given = {"KEDGE_TRUSTED_KEYS": str(folder), "KEDGE_SIGNING_KEY_FILE": str(_saved(tmp_path / "k", key))}
    trust = trust_from_environment(given)  # the mode follows from the keys
    assert trust.mode is TrustMode.KEYS
    assert not trust.verifier.accepts("", DATA, b"")
    assert trust.verifier.accepts(trust.signer().key_id, DATA, trust.signer().sign(DATA))
    assert caplog.records == []


def test_what_is_missing_is_said_with_what_to_do(folder: Path) -> None:
    (folder / "a.pem").write_bytes(SigningKey.generate().public_pem())
    with pytest.raises(SettingsError, match=r"KEDGE_TRUST is not set: KEDGE_TRUST=keys .* KEDGE_TRUST=development"):
        trust_from_environment({})
    with pytest.raises(SettingsError, match="'key' is neither keys nor development"):
        trust_from_environment({"KEDGE_TRUST": "key"})
    with pytest.raises(SettingsError, match="KEDGE_TRUSTED_KEYS is not set"):
        trust_from_environment({"KEDGE_TRUST": "keys"})
    with pytest.raises(SettingsError, match=r"KEDGE_SIGNING_KEY_FILE is not set.*kedge keys generate"):
        trust_from_environment({"KEDGE_TRUSTED_KEYS": str(folder)}).signer()
