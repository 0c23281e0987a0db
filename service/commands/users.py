"""`ilms users`: who may change the structures of a service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.opened import opened_store
from service.commands.option import config_option, options, settings_of, store_option
from service.commands.refusal import refusing, say

if TYPE_CHECKING:
    from service.access.accounts import Accounts
    from service.store.protocol import Store

_ROLES = ("agency", "administrator")


@click.group()
def users() -> None:
    """Make, list and revoke the API tokens by which structures are maintained.

    \b
    Example:
      ilms users add mol-it --agency ILMS --store var/store
    """


def _accounts(store: Store, config: Path | None) -> Accounts:
    from service.access.accounts import Accounts

    return Accounts(store.tokens, settings_of(config).clock)


@users.command()
@click.argument("account")
@click.option("--agency", required=True, help="Agency whose structures it may maintain, as ILMS.")
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="agency",
    show_default=True,
    help="agency: its agency and those under it; administrator: all.",
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day on which the token ends, in UTC; without, it holds until it is revoked.",
)
@options(store_option, config_option)
def add(
    account: str,
    agency: str,
    role: str,
    expires: datetime | None,
    store: Path | None,
    config: Path | None,
) -> None:
    """Make an account and print its token: keep it, nobody can see it again.

    \b
    Example:
      ilms users add mol-it --agency ILMS --store var/store
    """
    from service.access.accounts import AccountError
    from service.access.principal import Role

    ends = None if expires is None else expires.replace(tzinfo=UTC)
    settings = settings_of(config, store_folder=store)
    with opened_store(settings, create=True) as opened, refusing(AccountError):
        token = _accounts(opened, config).add(account, agency, Role(role), ends)
    say(f"{account} may maintain {'everything' if role == 'administrator' else agency}. Its token:")
    click.echo(token.text)


@users.command("list")
@options(store_option, config_option)
def list_users(store: Path | None, config: Path | None) -> None:
    """List the accounts; tokens are not kept, so they cannot be shown.

    \b
    Example:
      ilms users list --store var/store
    """
    with opened_store(settings_of(config, store_folder=store)) as opened:
        accounts = _accounts(opened, config)
        for record in accounts.all():
            ends = record.revoked_at or record.expires_at
            said = "revoked" if record.revoked_at else "until" if ends else "holds"
            when = f" {ends:%Y-%m-%d}" if ends else ""
            click.echo(
                f"{record.account}\t{record.agency}\t{record.role}\t"
                f"made {record.created_at:%Y-%m-%d}\t{said}{when}"
            )


@users.command()
@click.argument("account")
@options(store_option, config_option)
def revoke(account: str, store: Path | None, config: Path | None) -> None:
    """End the token of an account, for every running server at once.

    \b
    Example:
      ilms users revoke mol-it --store var/store
    """
    from service.access.accounts import AccountError

    settings = settings_of(config, store_folder=store)
    with opened_store(settings) as opened, refusing(AccountError):
        _accounts(opened, config).revoke(account)
    click.echo(f"the token of {account} holds no more")
