"""Settings: one frozen value, read once and passed down; nothing else reads the environment.

Order: defaults, then the TOML file, then environment variables `ILMS_<NAME>`.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Clock = Callable[[], datetime]


class SettingError(ValueError):
    """A setting that is unknown or has no usable value; names it and its source."""


def utc_now() -> datetime:
    """Return the present instant in UTC: the clock of production; tests pass their own."""
    return datetime.now(UTC)


def _cores() -> int:
    return os.cpu_count() or 1


def _setting(help: str, default: Any = None, factory: Callable[[], Any] | None = None) -> Any:
    metadata = {"help": help}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Sizes are bytes, durations seconds, where the name says so."""

    host: str = _setting("Address on which the service listens.", "127.0.0.1")
    port: int = _setting("Port on which the service listens.", 8080)
    store_folder: Path = _setting(
        "Folder of the store: catalog and data files.", factory=lambda: Path("var/store")
    )
    store_url: str = _setting(
        "SQLAlchemy URL of the catalog; empty for SQLite in the store folder.", ""
    )
    public_url: str = _setting(
        "URL under which clients reach the service, for links; empty to take it from the request.",
        "",
    )
    workers: int = _setting("Server processes.", factory=_cores)
    threads_per_worker: int = _setting("Requests that one process answers at a time.", 8)
    duckdb_memory_limit_mb: int = _setting(
        "Memory that the query engine of one process may use, in MB.", 1024
    )
    duckdb_threads: int = _setting("Threads that one query may use.", 1)
    duckdb_slots: int = _setting(
        "Queries that one process runs at a time; the others wait.", factory=_cores
    )
    duckdb_wait_seconds: int = _setting(
        "Time that a query may wait for others to end before it is refused with 503.", 30
    )
    temporary_folder: Path = _setting(
        "Folder for spill and spool files; one folder a process is made in it.",
        factory=lambda: Path(tempfile.gettempdir()) / "ilms",
    )
    max_response_observations: int = _setting(
        "Observations that one answer may hold; more is refused with 413.", 10_000_000
    )
    max_submission_bytes: int = _setting("Size of the largest file taken in.", 256 * 1024 * 1024)
    max_url_bytes: int = _setting(
        "Length of the longest URL answered; more is refused with 414.", 16_384
    )
    log_level: str = _setting("Least level logged: DEBUG, INFO, WARNING or ERROR.", "INFO")
    clock: Clock = field(default=utc_now, repr=False, compare=False)


def load_settings(
    file: Path | None = None, environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """Return the settings from a TOML file (none where None), the environment and overrides.

    Overrides that are None are ignored, so that unset command-line options can be passed as they are.

    Raises:
        SettingError: an unknown name or a value of the wrong type; names the source.
    """
    settings = Settings()
    if file is not None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingError(f"{file}: {error}") from error
        settings = _with(settings, values, str(file))
    environment = os.environ if environment is None else environment
    known = {entry.name for entry in fields(Settings)} - {"clock"}
    named = {
        name.removeprefix("ILMS_").lower(): value
        for name, value in environment.items()
        if name.startswith("ILMS_") and name.removeprefix("ILMS_").lower() in known
    }
    settings = _with(settings, named, "environment")
    return _with(settings, {k: v for k, v in overrides.items() if v is not None}, "option")


def _with(settings: Settings, values: Mapping[str, Any], source: str) -> Settings:
    known = {entry.name: entry for entry in fields(Settings)}
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            listed = ", ".join(sorted(known.keys() - {"clock"}))
            raise SettingError(f"{source}: no setting {name!r}; there are {listed}")
        kind = type(getattr(settings, name))
        if name == "clock":
            changes[name] = value
        elif issubclass(kind, Path):
            changes[name] = Path(value)
        elif kind is int:
            try:
                changes[name] = int(value)
            except (TypeError, ValueError) as error:
                raise SettingError(
                    f"{source}: {name} takes a whole number, not {value!r}"
                ) from error
        else:
            changes[name] = str(value)
    return replace(settings, **changes)


def settings_table() -> str:
    """Return the settings as a Markdown table: what docs/settings.md holds."""
    settings = Settings()
    lines = ["| setting | variable | default | meaning |", "|---|---|---|---|"]
    for entry in fields(Settings):
        if entry.name == "clock":
            continue
        default = getattr(settings, entry.name)
        if entry.name in ("workers", "duckdb_slots"):
            default = "number of cores"
        elif entry.name == "temporary_folder":
            default = "`ilms` in the system's temporary folder"
        elif isinstance(default, Path):
            default = default.as_posix()
        lines.append(
            f"| `{entry.name}` | `ILMS_{entry.name.upper()}` | {default} | {entry.metadata['help']} |"
        )
    return "\n".join(lines) + "\n"
