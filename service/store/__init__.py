"""The store: where observations live, and every version of them.

`open_store` is the way in. Engines import what only a server has, so they are loaded when they are opened.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from service.config import Settings
from service.store.protocol import Store, StoreError


class Engine(NamedTuple):
    """One kind of storage."""

    name: str
    backends: tuple[str, ...]
    """Databases whose URLs it takes; empty text for no URL at all."""
    module: str
    opener: str
    """Name in the module of what takes settings and returns a `Store`."""


ENGINES: tuple[Engine, ...] = (
    Engine("parquet-leaves", ("", "sqlite", "postgresql"), "service.store.engine", "ParquetStore"),
)


def open_store(settings: Settings, *, create: bool = True) -> Store:
    """Open the store that the settings name; make it where there is none, unless `create` is False.

    Raises:
        StoreError: no engine takes `store_url`, or the store cannot be opened; says what to do.
    """
    backend = settings.store_url.partition(":")[0].partition("+")[0].lower()
    for engine in ENGINES:
        if backend in engine.backends:
            opener: Callable[..., Store] = getattr(import_module(engine.module), engine.opener)
            return opener(settings, create=create)
    known = ", ".join(sorted({name for engine in ENGINES for name in engine.backends if name}))
    raise StoreError(
        f"store_url starts with {backend!r}; the engines take {known}, or none for SQLite"
    )
