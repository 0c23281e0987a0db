"""Tokens recognise their accounts, and nothing but the hash of a secret is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.access.accounts import AccountError, Accounts, UnauthorizedError
from service.access.principal import Principal, Role
from service.access.token import make_token, parse_token
from service.cli import main
from service.config import Settings
from service.store import open_store
from service.store.protocol import Store

START = datetime(2026, 11, 24, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = open_store(Settings(store_folder=tmp_path / "store", clock=clock))
    yield opened
    opened.close()


@pytest.fixture
def accounts(store: Store, clock: Clock) -> Accounts:
    return Accounts(store.tokens, clock)


def test_a_token_says_whose_it_is(accounts):
    token = accounts.add("office", "ILMS", Role.AGENCY)
    accounts.add("root", "ILMS", Role.ADMINISTRATOR)
    assert accounts.of(token.text) == Principal("office", "ILMS", Role.AGENCY)


@pytest.mark.parametrize("spoil", [
    lambda token: token.text[:-1] + ("A" if token.text[-1] != "A" else "B"),
    lambda token: token.secret,
    lambda token: "",
    lambda token: make_token().text,
    lambda token: f"{token.text} ",
    lambda token: token.text.upper(),
    lambda token: f"ilms_{token.id}_{make_token().secret}",
])  # fmt: skip
def test_any_other_text_is_nobodys_and_told_the_same(accounts, spoil):
    token = accounts.add("office", "ILMS", Role.AGENCY)
    with pytest.raises(
        UnauthorizedError, match=r"^the token is not known, or has ended or been revoked$"
    ):
        accounts.of(spoil(token))


def test_a_token_ends(accounts, clock):
    token = accounts.add("office", "ILMS", Role.AGENCY, START + timedelta(days=1))
    accounts.of(token.text)
    clock.now = START + timedelta(days=1)
    with pytest.raises(UnauthorizedError):
        accounts.of(token.text)


def test_a_token_that_is_revoked_holds_nowhere_at_once(accounts, store, clock, tmp_path):
    token = accounts.add("office", "ILMS", Role.AGENCY)
    other = open_store(Settings(store_folder=tmp_path / "store", clock=clock))
    elsewhere = Accounts(other.tokens, clock)
    elsewhere.of(token.text)
    accounts.revoke("office")
    with pytest.raises(UnauthorizedError):
        elsewhere.of(token.text)
    other.close()


def test_no_secret_is_kept_or_printed(accounts, tmp_path, store):
    token = accounts.add("office", "ILMS", Role.AGENCY)
    store.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").iterdir() if path.is_file())
    assert token.id.encode() in kept
    assert token.secret.encode() not in kept
    assert token.secret not in repr(token)
    assert parse_token(token.text) == token


@pytest.mark.parametrize(
    ("account", "agency"), [("a b", "ILMS"), ("", "ILMS"), ("x", "IL MS"), ("x", "1A"), ("x", "")]
)
def test_a_name_that_is_none_is_refused(accounts, account, agency):
    with pytest.raises(AccountError):
        accounts.add(account, agency, Role.AGENCY)


@pytest.mark.parametrize(("agency", "may"), [
    ("ILMS", True), ("ILMS.STATS", True), ("ILMS.STATS.X", True), ("ILMSX", False), ("ILM", False), ("SDMX", False),
])  # fmt: skip
def test_an_agency_maintains_itself_and_those_under_it(agency, may):
    office = Principal("office", "ILMS", Role.AGENCY)
    assert office.may_maintain(agency) is may
    assert replace(office, role=Role.ADMINISTRATOR).may_maintain(agency)


def test_the_command_makes_lists_and_revokes(tmp_path):
    here = ("--store", str(tmp_path / "s"))

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(main, ["users", *arguments])
        return result.exit_code, result.stdout, result.stderr

    code, token, said = run("add", "office", "--agency", "ILMS", *here)
    assert code == 0
    assert parse_token(token.strip())
    assert "may maintain ILMS" in said
    assert run("add", "office", "--agency", "ILMS", *here)[0] == 2
    assert run("add", "late", "--agency", "ILMS", "--expires", "2020-01-01", *here)[0] == 2
    assert "office\tILMS\tagency\tmade" in run("list", *here)[1]
    assert run("revoke", "office", *here)[0] == 0
    assert run("revoke", "office", *here)[0] == 2
    listed = run("list", *here)[1]
    assert "revoked" in listed
    assert parse_token(token.strip()).secret not in listed
