"""Reading the examples without the formats room, so that a fault there cannot hide one here."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from dsd.batch import CODED, LOCATOR, batch_schema, batches_from_rows
from dsd.dataset import Dataset
from dsd.resolved import Dsd
from dsd.structures import Structures, load_structures
from service.config import Settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a fixed clock."""
    return Settings(temporary_folder=tmp_path_factory.mktemp("spool"), clock=lambda: NOW)


@pytest.fixture(scope="session")
def with_test_structures(structures: Structures, examples: Path) -> Structures:
    """The built-in artefacts and those of the examples."""
    return structures.joined(load_structures([examples / "validation" / "structures"]))


def dataset_of_rows(dsd: Dsd, rows: Iterable[dict[str, str | None]]) -> Dataset:
    """Return a dataset of rows as a CSV reader gives them; `;` parts the values of a multi-valued attribute."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    schema = batch_schema(dsd, names, locators=True)
    for name in names:
        if name not in dsd and name != LOCATOR:
            schema = schema.append(pa.field(name, CODED))
    return Dataset(dsd, tuple(batches_from_rows(dsd, (_row(dsd, row) for row in rows), schema)))


def _row(dsd: Dsd, row: dict[str, str | None]) -> dict[str, str | list[str] | None]:
    return {
        name: value.split(";") if value and name in dsd and dsd[name].is_multiple else value or None
        for name, value in row.items()
    }


@pytest.fixture(scope="session")
def dataset_of() -> Callable[[Dsd, Iterable[dict[str, str | None]]], Dataset]:
    """The function that makes datasets of rows."""
    return dataset_of_rows


@pytest.fixture(scope="session")
def dataset_of_csv() -> Callable[[Dsd, Path], Dataset]:
    """The function that reads a plain CSV file, each row with its line."""

    def read(dsd: Dsd, path: Path) -> Dataset:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {**row, LOCATOR: f"line:{line}"} for line, row in enumerate(csv.DictReader(file), 2)
            ]
        return dataset_of_rows(dsd, rows)

    return read
