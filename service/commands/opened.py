"""A store that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.commands.refusal import Refusal, refusing

if TYPE_CHECKING:
    from dsd.structures import Structures
    from service.config import Settings
    from service.store.protocol import Store

_SERVER_PACKAGES = {"flask", "granian", "polars", "sqlalchemy"}


@contextmanager
def needing_server_packages() -> Iterator[None]:
    """Turn the want of a package of the server's into one line that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _SERVER_PACKAGES:
            raise
        raise Refusal(f"this needs {error.name}: pip install 'ilms-exchange[server]'") from error


@contextmanager
def opened_store(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """Open the store of the settings; what goes wrong becomes one line for a person."""
    with needing_server_packages():
        from service.store import open_store
        from service.store.protocol import StoreError

    with refusing(StoreError):
        store = open_store(settings, create=create)
        try:
            yield store
        finally:
            store.close()


def with_pushed(structures: Structures, store: Store) -> Structures:
    """Return these artefacts with those that were pushed to a store."""
    from service.registry.registries import Registries

    return Registries(structures, store.artefacts).current().structures
