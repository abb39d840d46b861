"""`kedge keys`: generate, show."""

import json
import os
from pathlib import Path
from typing import Final

import click

from kedge.streams.cli.boundary import UserError
from kedge.streams.cli.options import as_json
from kedge.streams.settings import SettingsError
from kedge.streams.trust import KeyRing, SigningKey
from kedge.streams.variables import all_variables
from kedge.streams.variables.table import SIGNING_KEY_FILE, TRUSTED_KEYS

__all__ = ["keys"]

_PRIVATE: Final = "signing.key"


@click.group(short_help="Who may command.")
def keys() -> None:
    """Make and look at the keys that sign commands, overrides and monitors (Ed25519)."""


@keys.command("generate", short_help="Make a key pair.")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@as_json
def generate(*, directory: Path, as_json: bool) -> None:
    """Make a key pair in DIR: signing.key, which is secret, and its public key, KEY_ID.pem.

    Give signing.key to whoever signs (KEDGE_SIGNING_KEY_FILE), and the public key to everybody who checks (a folder of
    public keys, KEDGE_TRUSTED_KEYS). What is there already is never overwritten.
    """
    key = SigningKey.generate()
    private, public = directory / _PRIVATE, directory / f"{key.key_id}.pem"
    directory.mkdir(parents=True, exist_ok=True)
    _write_new(private, key.private_pem(), 0o600)
    _write_new(public, key.public_pem(), 0o644)  # copied with its mode, it must be readable to whoever checks
    if as_json:
        click.echo(json.dumps({"key_id": key.key_id, "private": str(private), "public": str(public)}))
        return
    click.echo(f"{private}: private key {key.key_id}; a secret, for KEDGE_SIGNING_KEY_FILE where something is signed")
    click.echo(f"{public}: its public key; for the folder that KEDGE_TRUSTED_KEYS names where signatures are checked")


@keys.command("show", short_help="Which keys are there.")
@click.argument("path", metavar="[PATH]", required=False, type=click.Path(exists=True, path_type=Path))
@as_json
def show(*, path: Path | None, as_json: bool) -> None:
    """Show the names of the keys in PATH (a private key, a public key, a folder of public keys).

    Without PATH: of those that KEDGE_SIGNING_KEY_FILE and KEDGE_TRUSTED_KEYS name.
    """
    found = _found(path) if path is not None else _configured()
    if as_json:
        click.echo(json.dumps({"signs": [*found[0]], "trusted": [*found[1]]}))
        return
    for key_id in found[0]:
        click.echo(f"{key_id}  private: signs")
    for key_id in found[1]:
        click.echo(f"{key_id}  public: trusted")


def _found(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of private and of public keys in a path."""
    if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
        return (SigningKey.load(path).key_id,), ()
    return (), KeyRing.load(path).key_ids


def _configured() -> tuple[tuple[str, ...], tuple[str, ...]]:
    signing, trusted = SIGNING_KEY_FILE.read(all_variables()), TRUSTED_KEYS.read(all_variables())
    if not signing and not trusted:
        raise SettingsError("give a PATH, or set KEDGE_SIGNING_KEY_FILE or KEDGE_TRUSTED_KEYS")
    private = (SigningKey.load(Path(signing)).key_id,) if signing else ()
    return private, KeyRing.load(Path(trusted)).key_ids if trusted else ()


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that has never been open to more than `mode`; it must not be there yet."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise UserError(
            f"{path} is there already and is not overwritten: what it signed would count no more; choose another folder"
        ) from None
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        file.write(data)
