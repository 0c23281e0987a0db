"""Accounts: who has a token, and who a credential belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from service.access.principal import Principal, Role
from service.access.token import Token, make_token, parse_token
from service.config import Clock
from service.store.protocol import StoreError, TokenRecord, Tokens

_ACCOUNT = re.compile(r"[\w.@-]{1,64}", re.ASCII)
_AGENCY = re.compile(r"[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*", re.ASCII)
_NOBODY = "0" * 64


class AccountError(ValueError):
    """An account that cannot be made or ended; says why."""


class UnauthorizedError(Exception):
    """The request has no credential, or one that does not hold."""


class ForbiddenError(Exception):
    """The caller is known and may not do this; says what it may."""


class Accounts:
    """The accounts of a store."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def add(
        self, account: str, agency: str, role: Role, expires_at: datetime | None = None
    ) -> Token:
        """Make a token for a new account and return it; nobody can see its secret again.

        Raises:
            AccountError: the name or agency is none, or the account has a token.
        """
        if not _ACCOUNT.fullmatch(account):
            raise AccountError(
                f"{account!r} is no name of an account: letters, digits and . _ @ -, at most 64"
            )
        if not _AGENCY.fullmatch(agency):
            raise AccountError(f"{agency!r} is no id of an agency: as ILMS, or ILMS.STATS under it")
        now = self._clock()
        if expires_at is not None and expires_at <= now:
            raise AccountError(f"the token would have ended already, on {expires_at:%Y-%m-%d}")
        token = make_token()
        try:
            self._tokens.add(
                TokenRecord(token.id, account, agency, role.value, token.digest, now, expires_at)
            )
        except StoreError as error:
            raise AccountError(str(error)) from error
        return token

    def all(self) -> Sequence[TokenRecord]:
        """Return every token that was ever made, oldest first."""
        return self._tokens.all()

    def revoke(self, account: str) -> None:
        """End the token of an account, for every server at once.

        Raises:
            AccountError: it has none that holds.
        """
        if not self._tokens.revoke(account, self._clock()):
            raise AccountError(f"{account} has no token that holds; see ilms users list")

    def of(self, credential: str) -> Principal:
        """Return whose token a text is.

        Raises:
            UnauthorizedError: nobody's that holds; the same text whatever is wrong with it.
        """
        token = parse_token(credential)
        record = None if token is None else self._tokens.find(token.id)
        # An unknown id takes the same way as a wrong secret.
        fits = token is not None and token.fits(_NOBODY if record is None else record.digest)
        if record is None or not fits or not self._holds(record):
            raise UnauthorizedError("the token is not known, or has ended or been revoked")
        return Principal(record.account, record.agency, Role(record.role))

    def _holds(self, record: TokenRecord) -> bool:
        if record.revoked_at is not None:
            return False
        return record.expires_at is None or self._clock() < record.expires_at
