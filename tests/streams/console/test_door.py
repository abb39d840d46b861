"""Who may see the console."""

import sys
from pathlib import Path

import pytest

from kedge.streams.console.door import COOKIE, SESSION_MS, Door, console_token
from kedge.streams.variables import SettingsError

TOKEN = "correct-horse-battery-staple-0001"  # noqa: S105 - made up
OPEN, GUARDED = Door(host="127.0.0.1"), Door(host="0.0.0.0", token=TOKEN)  # noqa: S104 - nothing listens
NOW = 1_700_000_000_000


def status(door: Door, now_ms: int = NOW, **headers: str) -> int | None:
    refusal = door.refusal(headers, now_ms)
    return None if refusal is None else refusal.status


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST"])
def test_on_loopback_whoever_is_on_the_machine_may(host: str) -> None:
    assert status(OPEN, host=host) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "[::1", "a b"])
def test_a_page_that_has_had_its_name_rebound_to_loopback_may_not(host: str) -> None:
    assert status(OPEN, host=host) == 421


def test_where_others_can_reach_it_nothing_is_shown_without_a_token() -> None:
    assert status(Door(host="0.0.0.0"), host="localhost") == 403  # noqa: S104 - nothing listens


@pytest.mark.parametrize("said", ["", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ñ"])
def test_another_token_opens_nothing(said: str) -> None:
    assert status(GUARDED, authorization=said) == 401


def test_the_token_opens_and_so_does_the_session_that_it_buys() -> None:
    assert status(GUARDED, authorization=f"Bearer {TOKEN}") is None
    assert GUARDED.session("wrong", NOW) is None
    session = GUARDED.session(TOKEN, NOW)
    assert session is not None
    assert TOKEN not in session
    cookie = f"theme=dark; {COOKIE}={session}"
    assert status(GUARDED, cookie=cookie) is None
    assert status(GUARDED, NOW + SESSION_MS - 1, cookie=cookie) is None
    assert status(GUARDED, NOW + SESSION_MS, cookie=cookie) == 401


def test_a_session_cannot_be_made_up_or_made_longer() -> None:
    session = GUARDED.session(TOKEN, NOW) or ""
    until, _, seal = session.partition(".")
    for forged in (f"{int(until) + 1}.{seal}", f"{until}.", until, "", f"{'9' * 400}.{seal}", f"-1.{seal}"):
        assert status(GUARDED, cookie=f"{COOKIE}={forged}") == 401
    other = Door(host="127.0.0.1", token="another-token-of-16")  # noqa: S106 - made up
    assert status(other, cookie=f"{COOKIE}={session}") == 401


@pytest.mark.parametrize("hostile", ["\\", '\\"', "\\1", "a=b;", " "])
def test_a_cookie_of_whoever_asks_costs_next_to_nothing(hostile: str) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    cookie = f'{COOKIE}="{hostile * (60_000 // len(hostile))}"'
    sys.setprofile(count)
    try:
        refused = status(GUARDED, cookie=cookie)
    finally:
        sys.setprofile(None)
    assert refused == 401
    assert calls < 5 * cookie.count(";") + 500


def test_nobody_buys_a_session_where_no_token_is_set() -> None:
    assert OPEN.session("", NOW) is None


def test_the_token_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert console_token({"KEDGE_CONSOLE_TOKEN_FILE": str(path)}) == TOKEN
    assert console_token({}) == ""
    assert TOKEN not in repr(GUARDED)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "short",
        "thirty-two-letters and some spaces",
        "ñandú-ñandú-ñandú-ñandú-ñandú-ñandú",
        "correct-horse-battery",
        "0123456789abcdef0123456789abcde",
        "0123456" * 5,
    ],
)
def test_a_token_that_is_none_is_refused_by_name_and_not_by_value(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(SettingsError, match="KEDGE_CONSOLE_TOKEN_FILE") as refused:
        console_token({"KEDGE_CONSOLE_TOKEN_FILE": str(path)})
    assert not content or content not in str(refused.value)
    assert not content or "make one with `openssl rand -hex 32`" in str(refused.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        console_token({"KEDGE_CONSOLE_TOKEN_FILE": str(tmp_path / "nowhere")})


def test_a_token_that_is_just_good_enough_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for token in ("0123456789abcdef0123456789abcdef", "01234567" * 4):
        path.write_text(token)
        assert console_token({"KEDGE_CONSOLE_TOKEN_FILE": str(path)}) == token


def test_a_token_that_all_can_read_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o644)
    console_token({"KEDGE_CONSOLE_TOKEN_FILE": str(path)})
    assert f"KEDGE_CONSOLE_TOKEN_FILE: every user of this machine can read {path}" in caplog.text
    assert TOKEN not in caplog.text
