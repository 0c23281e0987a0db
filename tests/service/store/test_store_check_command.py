"""`ilms store check` names what is damaged."""

from __future__ import annotations

from click.testing import CliRunner

from service.cli import main


def test_a_damaged_file_is_named(open_flock, dsd):
    flock = open_flock()
    key = {"REF_AREA": "IDN", "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x", "TIME_PERIOD": "2024"}
    flock.load(dsd, [{**key, "OBS_VALUE": "1"}])
    arguments = ["store", "check", "--store", str(flock.store.folder)]
    well = CliRunner().invoke(main, arguments)
    assert (well.exit_code, well.output) == (0, "the store is as it was written\n")
    (file,) = (flock.store.folder / "leaves").rglob("*-C-*.parquet")
    file.write_bytes(b"damaged")
    damaged = CliRunner().invoke(main, arguments)
    assert damaged.exit_code == 1
    assert file.name in damaged.output
