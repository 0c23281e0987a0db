"""Settings: from a file, the environment and options, each documented."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.config import SettingError, Settings, load_settings, settings_table

ROOT = Path(__file__).parents[2]


def test_later_sources_win_over_earlier_ones(tmp_path: Path) -> None:
    file = tmp_path / "ilms.toml"
    file.write_text('port = 8001\nhost = "0.0.0.0"\nlog_level = "DEBUG"\n', encoding="utf-8")
    settings = load_settings(file, {"ILMS_PORT": "8002", "ILMS_HOST": "10.0.0.1"}, port=8003)
    assert (settings.port, settings.host, settings.log_level) == (8003, "10.0.0.1", "DEBUG")


def test_an_option_that_is_not_given_changes_nothing() -> None:
    assert load_settings(None, {}, port=None).port == Settings().port


def test_a_folder_becomes_a_path() -> None:
    assert load_settings(None, {"ILMS_STORE_FOLDER": "x/y"}).store_folder == Path("x/y")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "ilms.toml"
    file.write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"ilms\.toml: no setting 'prot'; there are .*port"):
        load_settings(file, {})


def test_a_foreign_variable_is_ignored() -> None:
    assert load_settings(None, {"ILMS_SHARED": "x", "PATH": "y"}) == Settings()


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match="environment: port takes a whole number, not 'many'"):
        load_settings(None, {"ILMS_PORT": "many"})


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ilms.toml"
    file.write_text("port: 1", encoding="utf-8")
    with pytest.raises(SettingError, match=r"ilms\.toml"):
        load_settings(file, {})


def test_settings_cannot_change_after_they_are_read() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_the_clock_is_injected_and_utc() -> None:
    assert Settings().clock().tzinfo is UTC
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    assert load_settings(None, {}, clock=lambda: instant).clock() == instant


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert settings_table() in text, (
        "docs/settings.md: put in what service.config.settings_table() says"
    )
    for entry in fields(Settings):
        assert entry.name == "clock" or entry.metadata["help"], entry.name
