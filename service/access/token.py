"""API tokens: `ilms_ID_SECRET`, of which the store keeps the id and the SHA-256 of the secret.

The secret is 256 random bits. No list of likely ones can be tried against its hash, which is what slow hashes
(scrypt, argon2) are for; a fast one costs no request any time that matters.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

_PREFIX = "ilms"
_ID_BYTES = 6
_SECRET_BYTES = 32
_TOKEN = re.compile(
    rf"{_PREFIX}_(?P<id>[0-9a-f]{{{2 * _ID_BYTES}}})_(?P<secret>[\w-]{{43}})", re.ASCII
)


class Token(NamedTuple):
    """A token in its two parts."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        """What its owner keeps: shown once, and never logged."""
        return f"{_PREFIX}_{self.id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What recognises the secret."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def fits(self, digest: str) -> bool:
        """Tell whether a digest is that of the secret, in a time that says nothing of either."""
        return hmac.compare_digest(self.digest, digest)

    def __repr__(self) -> str:
        """Return what may stand in a log."""
        return f"Token({self.id})"


def make_token() -> Token:
    """Return a new token."""
    return Token(secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES))


def parse_token(text: str) -> Token | None:
    """Return the token that a text writes, None where it is none."""
    match = _TOKEN.fullmatch(text)
    return Token(match["id"], match["secret"]) if match else None
