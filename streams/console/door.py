"""Who may see the console. Values in, yes or no out; no clock, no files but the token's.

On loopback whoever can log in to the machine may; a page of another site that has talked a browser into asking for it
(DNS rebinding) has another host's name in its request, and may not. Elsewhere a token is needed.

Guesses are not held up: behind a proxy all come from one address, so that what holds up who guesses also locks out who
has the token. What keeps them from success is that no token is taken that could be guessed.
"""

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kedge.streams.security import secret_file
from kedge.streams.variables import SettingsError
from kedge.streams.variables.table import CONSOLE_TOKEN_FILE

__all__ = ["COOKIE", "SESSION_MS", "Door", "Refusal", "console_token"]

COOKIE: Final = "kedge_console"
SESSION_MS: Final = 12 * 3_600_000
_TOKEN_MIN: Final = 32
_DIFFERENT_MIN: Final = 8
"""Characters; of 32 hexadecimal digits that were drawn, one in 25 million has fewer different ones."""
_VARIABLE: Final = CONSOLE_TOKEN_FILE.name
_MAKE: Final = "make one with `openssl rand -hex 32`"
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d+)?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a page is not shown; `login`: a token would open it."""

    status: int
    words: str
    login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The rule of one worker; `host` is where it listens, `token` empty where none is set."""

    host: str
    token: str = field(default="", repr=False)

    def refusal(self, headers: Mapping[str, str], now_ms: int) -> Refusal | None:
        """Return why a request is refused; None: it is not."""
        if not self.token:
            return self._without_token(headers)
        if self._bears(headers) or self._has_session(headers, now_ms):
            return None
        return Refusal(401, "This console asks for its token.", login=True)

    def session(self, offered: str, now_ms: int) -> str | None:
        """Return the cookie's value for whoever offers the right token."""
        if not self.token or not _same(offered, self.token):
            return None
        return self._cookie(now_ms + SESSION_MS)

    def _without_token(self, headers: Mapping[str, str]) -> Refusal | None:
        if not _is_loopback(self.host):
            return Refusal(
                403,
                f"This worker listens on {self.host}, where others can reach it: set {_VARIABLE} to a file with a "
                "token, and the console opens to whoever has it.",
            )
        named = _HOST.fullmatch(headers.get("host", ""))
        if named is None or not _is_loopback(named["name"].strip("[]")):
            return Refusal(421, "The console answers under localhost, 127.0.0.1 and [::1] only, unless it has a token.")
        return None

    def _bears(self, headers: Mapping[str, str]) -> bool:
        scheme, _, offered = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and _same(offered.strip(), self.token)

    def _has_session(self, headers: Mapping[str, str], now_ms: int) -> bool:
        # Not by http.cookies: before anybody has shown a token, 60 kB of backslashes would keep it busy for 20 s.
        pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
        session = next((value for name, _, value in pairs if name == COOKIE), "")
        until = session.partition(".")[0]
        if not until.isdecimal() or len(until) > len(str(now_ms)) + 1:
            return False
        return _same(session, self._cookie(int(until))) and now_ms < int(until)

    def _cookie(self, until_ms: int) -> str:
        """A session says until when it is good; it is signed with the token, and does not hold it."""
        seal = hmac.new(self.token.encode(), f"console {until_ms}".encode(), "sha256").hexdigest()
        return f"{until_ms}.{seal}"


def console_token(variables: Mapping[str, str]) -> str:
    """Return the token in the file that `KEDGE_CONSOLE_TOKEN_FILE` names; empty: none is asked for.

    Raises:
        SettingsError: the file cannot be read, or holds no token that is worth its name.
    """
    path = CONSOLE_TOKEN_FILE.read(variables)
    if not path:
        return ""
    token = secret_file(_VARIABLE, path)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(f"{_VARIABLE}: {path} holds other characters than printable ASCII without spaces: {_MAKE}")
    if len(token) < _TOKEN_MIN or len(set(token)) < _DIFFERENT_MIN:
        raise SettingsError(
            f"{_VARIABLE}: {path} holds a token that can be guessed, of fewer than {_TOKEN_MIN} characters or of fewer "
            f"than {_DIFFERENT_MIN} different ones: {_MAKE}"
        )
    return token


def _same(offered: str, right: str) -> bool:
    return hmac.compare_digest(offered.encode(), right.encode())


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
