"""Settings from a file: the same names as in the environment, which comes first."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from kedge.streams.variables.kafka import CONFIG_FILE
from kedge.streams.variables.kinds import SettingsError

__all__ = ["all_variables"]

_BYTES_MAX: Final = 1 << 20
_NAME: Final = re.compile(r"KEDGE_[A-Z0-9_]+")


def all_variables(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Return what is set: in the environment, else in the file that `KEDGE_CONFIG_FILE` names.

    Lines are `NAME=value`, taken as they stand: no quotes, no `export`; empty ones and those that begin with `#` are
    left out.

    Raises:
        SettingsError: the file cannot be read, or a line is no setting; the message has its number and nothing of it,
            as it may hold a secret.
    """
    path = CONFIG_FILE.read(environ)
    if not path:
        return environ
    told = _read(Path(path))
    # What is set and empty counts as not set, and must not hide what the file says.
    return MappingProxyType(
        {**told, **{name: text for name, text in environ.items() if text.strip() or name not in told}}
    )


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            text = file.read(_BYTES_MAX).decode()
    except OSError as error:
        raise SettingsError(f"{CONFIG_FILE.name}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{CONFIG_FILE.name}: {path} holds something else than text") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in stripped.partition("="))
        where = f"{CONFIG_FILE.name}: line {number} of {path}"
        if not equals or not _NAME.fullmatch(name):
            raise SettingsError(f"{where} is not NAME=value with a NAME that begins with KEDGE_")
        if name == CONFIG_FILE.name:
            raise SettingsError(f"{where} names another file: there is one")
        if name in found:
            raise SettingsError(f"{where} sets {name} again")
        found[name] = value
    return found
