"""Leaves: the immutable Parquet files that hold observations.

A leaf of kind C holds current observations, one of kind H versions that were superseded. Its columns are
`_series_key`, the dimensions, TIME_PERIOD, `_period_start`, `_period_end`, the other components in DSD order
(without those that no row has) and `_tx_from`; in a leaf of kind H also `_tx_to`. No component id can start
with `_` (SDMX NCNameIDType), so that the names never meet. Rows are sorted by `ORDER_COLUMNS`.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from codelists.urn import Urn
from service.store.catalog import Leaf, Value
from service.store.fault import Fault
from service.store.protocol import StoreError, StoreUnavailableError

SERIES_KEY = "_series_key"
PERIOD_START = "_period_start"
PERIOD_END = "_period_end"
ENTRY = "_entry"
"""Of a row, made as it is read: the number of its period in a timeline."""
PLACE = "_place"
"""The same, but equal for periods that cover the same interval."""
START_DAY = "_start_day"
"""Of a row, made as it is read: the day on which its reporting year starts."""
TX_FROM = "_tx_from"
TX_TO = "_tx_to"
TIME = "TIME_PERIOD"

KEY_SEPARATOR = "\x01"
"""Between the dimension values of a series key.

It is less than every character that a value may have, so that keys sort as text exactly as their dimension
values sort one after the other; `.` would not do: `A-B` sorts before `A.C`, but `A` before `A-B`.
"""

AFTER_SEPARATOR = "\x02"
"""Least character above the separator: the end of all keys that start with given values."""

LEAF_ROWS = 250_000
ROW_GROUP_ROWS = 10_000
"""Smaller ones let a reader of one series read less, and take more room."""
REPEATED = 4
"""A dictionary is written for texts that are each there so often on average; others are read faster without."""
FOLDER = "leaves"
CONSTANT_LENGTH = 200
"""Longer texts that all rows share are read from the leaf; the catalog stays small."""


def order_columns(has_time: bool) -> list[str]:
    """Return the columns by which leaves are sorted."""
    return [SERIES_KEY, PERIOD_START, PERIOD_END, TIME] if has_time else [SERIES_KEY]


def observation_key(has_time: bool) -> list[str]:
    """Return the columns that identify an observation."""
    return [SERIES_KEY, TIME] if has_time else [SERIES_KEY]


class LeafFolder:
    """The files of one store."""

    def __init__(self, root: Path, fault: Fault, leaf_rows: int = LEAF_ROWS) -> None:
        self.root = root
        self.leaf_rows = leaf_rows
        self._fault = fault

    def path(self, leaf: Leaf) -> Path:
        """Return where a leaf lies."""
        return self.root / leaf.path

    def write(
        self, dataflow: Urn, kind: str, low_key: str, frame: pl.DataFrame, transaction: int
    ) -> Leaf:
        """Write one leaf through to the disk; it is not part of the store before the catalog lists it.

        Raises:
            StoreUnavailableError: the disk is full or not writable.
        """
        frame = _without_empty_columns(frame)
        content = _parquet_bytes(frame)
        folder = PurePosixPath(FOLDER, dataflow.agency, dataflow.id, dataflow.version)
        name = f"{transaction:012}-{kind}-{secrets.token_hex(8)}.parquet"
        target = self.root / folder / name
        try:
            self._make_folder(target.parent)
            with target.open("xb") as file:
                file.write(content)
                file.flush()
                self._fault("leaf-written")
                os.fsync(file.fileno())
        except OSError as error:
            target.unlink(missing_ok=True)
            raise disk_error(error, target) from error
        self._fault("leaf-synced")
        columns = {
            column: isinstance(kind_, pl.List)
            for column, kind_ in frame.schema.items()
            if not column.startswith("_")
        }
        return Leaf(
            str(folder / name),
            kind,
            low_key,
            frame.height,
            columns,
            hashlib.sha256(content).hexdigest(),
            transaction,
            _constants(frame, columns),
        )

    def _make_folder(self, folder: Path) -> None:
        made = []
        while not folder.exists():
            made.append(folder)
            folder = folder.parent
        for entry in reversed(made):
            entry.mkdir(exist_ok=True)
            sync_folder(entry.parent)
            self._fault("folder-made")

    def sync(self, leaves: Iterable[Leaf]) -> None:
        """Make the names of new leaves durable."""
        for folder in sorted({self.path(leaf).parent for leaf in leaves}):
            try:
                sync_folder(folder)
            except OSError as error:
                raise disk_error(error, folder) from error
            self._fault("folder-synced")

    def read(self, leaf: Leaf) -> pl.DataFrame:
        """Return all rows of a leaf.

        Raises:
            StoreUnavailableError: it cannot be read; names the file and the command that checks it.
        """
        path = self.path(leaf)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        if hashlib.sha256(content).hexdigest() != leaf.sha256:
            # What is damaged must not be written again under a new hash.
            raise unreadable(path, ValueError("its SHA-256 is another"))
        return pl.read_parquet(io.BytesIO(content))

    def remove(self, leaves: Iterable[Leaf]) -> None:
        """Remove files that the catalog does not list."""
        for leaf in leaves:
            self.path(leaf).unlink(missing_ok=True)

    def problem(self, leaf: Leaf) -> str | None:
        """Return what is wrong with a leaf's file, None where it is as it was written."""
        path = self.path(leaf)
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return f"{path}: {error.strerror or error}"
        if digest != leaf.sha256:
            return f"{path}: its SHA-256 is {digest}, the catalog says {leaf.sha256}"
        return None

    def files(self) -> Iterable[tuple[str, Path]]:
        """Yield every file of the folder with its path as the catalog would list it."""
        for path in sorted((self.root / FOLDER).rglob("*.parquet")):
            yield path.relative_to(self.root).as_posix(), path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows does so by itself and cannot open folders."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_DISK_HINTS = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EFBIG: "the file would pass the limit of file size: raise the limit",
    errno.EROFS: "the disk is read-only: mount it writable",
    errno.EACCES: "this user may not write there: change the permissions",
}


def disk_error(error: OSError, path: Path, then: str = "submit") -> StoreError:
    """Return the error to raise where a file of the store cannot be written; `then` is what to do again."""
    hint = _DISK_HINTS.get(error.errno or 0, error.strerror or str(error))
    return StoreUnavailableError(f"{path}: {hint}. Nothing was written; {then} again after that")


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, ValueError) else type(error).__name__


def unreadable(path: Path, error: BaseException) -> StoreUnavailableError:
    """Return the error to raise where a leaf cannot be read."""
    return StoreUnavailableError(
        f"{path} cannot be read ({_reason(error)}): run `ilms store check` to see what is damaged, "
        "and restore the file from a backup"
    )


def column_names(
    series_ids: Sequence[str], components: Mapping[str, bool], has_time: bool
) -> list[str]:
    """Return the columns of a leaf with these components, without those of the history."""
    time = [TIME, PERIOD_START, PERIOD_END] if has_time else []
    return [SERIES_KEY, *series_ids, *time, *components, TX_FROM]


def _without_empty_columns(frame: pl.DataFrame) -> pl.DataFrame:
    empty = [
        column
        for column in frame.columns
        if not column.startswith("_") and frame[column].null_count() == frame.height
    ]
    return frame.drop(empty)


def _constants(frame: pl.DataFrame, columns: Iterable[str]) -> dict[str, Value]:
    """Return the columns that have one value in every row, with it."""
    found: dict[str, Value] = {}
    for name in columns if frame.height else ():
        column = frame[name]
        first, last = column[0], column[-1]
        if isinstance(first, pl.Series):
            first, last = tuple(first), tuple(last) if last is not None else None
        if first is None or first != last or sum(map(len, first)) > CONSTANT_LENGTH:
            continue
        if column.null_count() == 0 and _is_constant(column):
            found[name] = first
    return found


def _is_constant(column: pl.Series) -> bool:
    if isinstance(column.dtype, pl.List):
        if column.list.len().n_unique() > 1:
            return False
        size = len(column[0])
        return all(column.list.get(place).n_unique() == 1 for place in range(size))
    return bool((column == column[0]).all())


def _parquet_bytes(frame: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    table: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    some = frame[:ROW_GROUP_ROWS]
    repeated = [
        f"{name}.list.element" if isinstance(kind, pl.List) else name
        for name, kind in frame.schema.items()
        if kind != pl.String or REPEATED * some[name].n_unique() <= some.height
    ]
    pq.write_table(
        table,
        target,
        row_group_size=ROW_GROUP_ROWS,
        use_dictionary=repeated,
        compression="zstd",
        store_schema=False,
        write_statistics=True,
    )
    return target.getvalue()
