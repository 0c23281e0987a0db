"""The credential of a request. RFC 6750, 2.1 "Bearer"; RFC 7617 "Basic"."""

from __future__ import annotations

import base64
import binascii

from flask import Request

from service.access.accounts import Accounts, UnauthorizedError
from service.access.principal import Principal

CHALLENGES = ('Bearer realm="ilms"', 'Basic realm="ilms", charset="UTF-8"')
"""What `WWW-Authenticate` says where a credential is missing (RFC 9110, 11.6.1)."""


def principal_of(request: Request, accounts: Accounts) -> Principal:
    """Return who calls, by the token as a bearer's or as the password of Basic with any user name.

    Raises:
        UnauthorizedError: there is no credential, or none that holds.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return accounts.of(value.strip())
    if scheme.lower() == "basic":
        return accounts.of(_password(value.strip()))
    raise UnauthorizedError(
        "this needs a token: send Authorization: Bearer TOKEN, or the token as password of HTTP Basic; "
        "who runs the service makes one with `ilms users add`"
    )


def _password(encoded: str) -> str:
    try:
        _, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password
