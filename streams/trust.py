"""Who may command: Ed25519 keys (RFC 8032) in PEM files, and whether unsigned records count.

A command reroutes traffic and an override silences the guard, so that write access to a topic must not be enough for
either. Guard and people sign with a private key each; guard, catalog and actuators know the public keys that count.
Several count at once, so that keys change without a gap: add the new public key everywhere, sign with the new private
key, and remove the old public key once nothing signed by it can still be in force.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kedge.streams.core.trusting import Signer, Verifier
from kedge.streams.events import SETTING
from kedge.streams.settings import SettingsError
from kedge.streams.variables.table import SIGNING_KEY_FILE, TRUST, TRUSTED_KEYS

__all__ = [
    "DevelopmentVerifier",
    "KeyRing",
    "SigningKey",
    "Trust",
    "TrustMode",
    "Unsigned",
    "trust_from_environment",
    "trust_mode",
]

T = TypeVar("T")

LOG: Final = logging.getLogger("kedge.trust")

_MODE, _SIGNING, _TRUSTED = TRUST.name, SIGNING_KEY_FILE.name, TRUSTED_KEYS.name
_BEGIN: Final = b"-----BEGIN "
_FILE_BYTES_MAX: Final = 1 << 20
_DEVELOPMENT: Final = (
    f"{_MODE}=development: commands, overrides and monitors count without a signature. Whoever can write to the topics "
    f"can reroute traffic: set {_MODE}=keys in production."
)


class TrustMode(StrEnum):
    """Whose records count."""

    KEYS = "keys"
    """Those signed by a trusted key."""
    DEVELOPMENT = "development"
    """Unsigned ones too."""


class SigningKey:
    """A private key; its `repr` shows the name alone.

    >>> key = SigningKey.generate()
    >>> ring = KeyRing([key.public_pem()])
    >>> signature = key.sign(b"freeze")
    >>> ring.accepts(key.key_id, b"freeze", signature), ring.accepts(key.key_id, b"resume", signature)
    (True, False)
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._key_id = _key_id(private.public_key())

    @classmethod
    def generate(cls) -> Self:
        """Return a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the key of a PEM file (PKCS 8, no password).

        Raises:
            SettingsError: the file cannot be read or holds no such key; the message quotes nothing of it.
        """
        data = _read(path)
        try:
            private: object = pem.load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None  # what the library says of it may quote it
        if not isinstance(private, Ed25519PrivateKey):
            raise SettingsError(
                f"{path} is no Ed25519 private key in PEM (PKCS 8, without a password): make one with "
                "`kedge keys generate DIR`"
            )
        return cls(private)

    @property
    def key_id(self) -> str:
        """The first 16 hex digits of SHA-256 over the raw public key."""
        return self._key_id

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(data)

    def public_pem(self) -> bytes:
        """Return the public key as PEM: what others trust."""
        public = self._private.public_key()
        return public.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)

    def private_pem(self) -> bytes:
        """Return the private key as PEM (PKCS 8, no password): a secret."""
        return self._private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())

    def __repr__(self) -> str:
        return f"SigningKey({self._key_id})"


class KeyRing:
    """The public keys that count, by name.

    Args:
        pems: one public key each.

    Raises:
        SettingsError: one of them is no Ed25519 public key.
    """

    def __init__(self, pems: Sequence[bytes]) -> None:
        self._keys = {_key_id(key): key for key in map(_public, pems)}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the keys of a PEM file, which may hold several, or of every `*.pem` in a folder.

        Raises:
            SettingsError: nothing is there, or something else than Ed25519 public keys.
        """
        files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        pems: list[bytes] = []
        for file in files:
            found = _split(_read(file))
            if not found:
                raise SettingsError(f"{file} holds no public key in PEM: remove it, or put one there")
            pems += found
        if not pems:
            raise SettingsError(f"{path} holds no *.pem: put at least one public key there")
        try:
            return cls(pems)
        except SettingsError as error:
            raise SettingsError(f"{path}: {error}") from error

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(sorted(self._keys))

    def accepts(self, key_id: str, data: bytes, signature: bytes) -> bool:
        """Return whether `signature` is the named key's signature of `data`, and that key is trusted."""
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.key_ids)})"


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Signs nothing: the signer of development."""

    @property
    def key_id(self) -> str:
        """Empty."""
        return ""

    def sign(self, data: bytes) -> bytes:
        """Return nothing."""
        del data
        return b""


@dataclass(frozen=True, slots=True)
class DevelopmentVerifier:
    """Accepts whatever is unsigned, or signed by a key that is not known; a known key's bad signature is a mistake."""

    ring: KeyRing | None = None

    def accepts(self, key_id: str, data: bytes, signature: bytes) -> bool:
        """See the class."""
        if self.ring is None or key_id not in self.ring.key_ids:
            return True
        return self.ring.accepts(key_id, data, signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who signs here, and whose signatures count."""

    mode: TrustMode
    verifier: Verifier
    signing: Signer | None = None
    """None: there is no key here to sign with, as beside a router."""

    def signer(self) -> Signer:
        """Return what signs.

        Raises:
            SettingsError: there is no signing key.
        """
        if self.signing is None:
            raise SettingsError(
                f"{_SIGNING} is not set, and {_MODE}=keys: give the file of an Ed25519 private key (make one with "
                "`kedge keys generate DIR`)"
            )
        return self.signing


def trust_from_environment(variables: Mapping[str, str], *, checks: bool = True) -> Trust:
    """Read `KEDGE_TRUST`, `KEDGE_SIGNING_KEY_FILE` and `KEDGE_TRUSTED_KEYS`; development is said in the log.

    `checks` False: here something is only signed, which needs no trusted keys. Where a key file is named, `KEDGE_TRUST`
    is `keys` unless it says otherwise. Without any of them there is no answer.

    Raises:
        SettingsError: the mode is not known or was never chosen, or a key cannot be read.
    """
    given = {setting.name: setting.read(variables) for setting in (TRUST, SIGNING_KEY_FILE, TRUSTED_KEYS)}
    mode = trust_mode(variables)
    signing = _loaded(SigningKey.load, _SIGNING, given)
    ring = _loaded(KeyRing.load, _TRUSTED, given)
    if mode is TrustMode.DEVELOPMENT:
        SETTING.tell(LOG, _DEVELOPMENT, setting=TRUST.name)
        return Trust(mode=mode, verifier=DevelopmentVerifier(ring), signing=signing or Unsigned())
    if ring is None and checks:
        raise SettingsError(
            f"{_TRUSTED} is not set, and {_MODE}=keys: give a folder or file of the public keys (PEM) whose commands "
            "and overrides count"
        )
    return Trust(mode=mode, verifier=ring or KeyRing(()), signing=signing)


def trust_mode(variables: Mapping[str, str]) -> TrustMode:
    """Return whose records count.

    Raises:
        SettingsError: the mode is not known, or was never chosen.
    """
    given = TRUST.read(variables)
    if not given:
        if SIGNING_KEY_FILE.read(variables) or TRUSTED_KEYS.read(variables):
            return TrustMode.KEYS
        raise SettingsError(
            f"{_MODE} is not set: {_MODE}=keys with {_TRUSTED}=PATH (and {_SIGNING}=FILE where something is signed), "
            f"or {_MODE}=development on a machine of your own, where unsigned commands count"
        )
    try:
        return TrustMode(given.lower())
    except ValueError:
        raise SettingsError(f"{_MODE}: {given!r} is neither keys nor development") from None


def _loaded(load: Callable[[Path], T], variable: str, given: Mapping[str, str]) -> T | None:
    try:
        return load(Path(given[variable])) if given[variable] else None
    except SettingsError as error:
        raise SettingsError(f"{variable}: {error}") from error


def _key_id(public: Ed25519PublicKey) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def _public(text: bytes) -> Ed25519PublicKey:
    try:
        public: object = pem.load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise SettingsError("this is no Ed25519 public key in PEM: only public keys of that kind can be trusted")
    return public


def _split(data: bytes) -> list[bytes]:
    """Return each PEM block; one that is not a public key's runs on to what refuses it."""
    return [_BEGIN + block for block in data.split(_BEGIN)[1:]]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
