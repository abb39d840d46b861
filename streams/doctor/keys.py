"""Who signs here, whose signatures count here, and whether the secret is one."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from kedge.streams.core.trusting import Verifier
from kedge.streams.doctor.finding import Finding, fail, ok, unknown, warn
from kedge.streams.settings import SettingsError
from kedge.streams.trust import KeyRing, SigningKey, TrustMode, trust_from_environment, trust_mode
from kedge.streams.variables.kafka import KEY_FILE, KEY_PASSWORD_FILE, PASSWORD_FILE, REGISTRY_PASSWORD_FILE
from kedge.streams.variables.table import (
    CONSOLE_TOKEN_FILE,
    HASH_KEY_FILE,
    SIGNING_KEY_FILE,
    TRUST,
    TRUSTED_KEYS,
    WEBHOOK_SECRET_FILE,
)

__all__ = ["keys", "verifier_of"]

T = TypeVar("T")

_OTHERS: Final = 0o077
_SECRETS: Final = (
    *(SIGNING_KEY_FILE, HASH_KEY_FILE, WEBHOOK_SECRET_FILE),
    *(KEY_FILE, KEY_PASSWORD_FILE, PASSWORD_FILE, REGISTRY_PASSWORD_FILE, CONSOLE_TOKEN_FILE),
)


def keys(variables: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what the variables of this process say of trust. Nothing of a secret is told, its key's name aside."""
    yield _mode(variables)
    signing = _loaded(SigningKey.load, SIGNING_KEY_FILE.read(variables))
    if isinstance(signing, str):
        yield fail("signing key", signing, f"mend the file, or name another in {SIGNING_KEY_FILE.name}")
    elif signing is not None:
        yield ok("signing key", signing.key_id)
    else:
        do = f"run `kedge doctor` where the worker runs, with its {SIGNING_KEY_FILE.name}"
        yield unknown("signing key", "none is named here", do)
    yield from _ring(variables, None if isinstance(signing, str) else signing)
    for setting in _SECRETS:
        if path := setting.read(variables):
            yield from _permissions(setting.name, Path(path))


def verifier_of(variables: Mapping[str, str]) -> Verifier | None:
    """Return whose signatures count here; None: nobody has said, or what they said cannot be read."""
    try:
        return trust_from_environment(variables).verifier
    except SettingsError:
        return None


def _mode(variables: Mapping[str, str]) -> Finding:
    try:
        mode = trust_mode(variables)
    except SettingsError as error:
        if TRUST.read(variables):
            return fail("trust", str(error), f"set {TRUST.name}=keys")
        return unknown("trust", "nobody has chosen here", f"set {TRUST.name}=keys as for the worker")
    if mode is TrustMode.DEVELOPMENT:
        do = f"in production {TRUST.name}=keys: whoever may write to the topics commands otherwise"
        return warn("trust", "development: unsigned commands count", do)
    return ok("trust", "keys: only what a trusted key signed counts")


def _ring(variables: Mapping[str, str], signing: SigningKey | None) -> Iterator[Finding]:
    ring = _loaded(KeyRing.load, TRUSTED_KEYS.read(variables))
    if isinstance(ring, str):
        yield fail("trusted keys", ring, f"put the public keys that count in {TRUSTED_KEYS.name}")
    elif ring is None:
        do = f"run `kedge doctor` where the worker runs, with its {TRUSTED_KEYS.name}"
        yield unknown("trusted keys", "none are named here", do)
    elif signing is not None and signing.key_id not in ring.key_ids:
        do = f"put {signing.key_id}.pem with the trusted keys of workers and actuators, or sign with another"
        yield fail("trusted keys", f"{', '.join(ring.key_ids)}: what is signed by {signing.key_id} counts nowhere", do)
    else:
        yield ok("trusted keys", ", ".join(ring.key_ids))


def _permissions(variable: str, path: Path) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except OSError as error:
        yield fail(
            "secrets", f"{variable}: {path}: {error.strerror}", "make it readable for this user, and only for it"
        )
        return
    if mode & _OTHERS:
        do = f"chmod 600 {path}, and change the secret if others have been on this machine"
        yield warn("secrets", f"{variable}: {path} is open to others ({mode & 0o777:o})", do)
    else:
        yield ok("secrets", f"{variable}: {path} is closed to others")


def _loaded(load: Callable[[Path], T], path: str) -> T | str | None:
    """Return what a path holds, or in words why not; None: no path is named."""
    try:
        return load(Path(path)) if path else None
    except SettingsError as error:
        return str(error)
