"""What every test may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from dsd.structures import Structures, load_structures

EXAMPLES = Path(__file__).parent / "examples"


class SharedFolder:
    """The research files that some tests read; never part of the project."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __truediv__(self, name: str) -> Path:
        """Return a file or folder in it; a missing one fails: who names the folder has all of it."""
        path = self.root / name
        if not path.exists():
            pytest.fail(f"the research files lack {name}")
        return path


@pytest.fixture(scope="session")
def shared() -> SharedFolder:
    """The folder named by ILMS_SHARED; tests that use it are marked `shared`."""
    named = os.environ.get("ILMS_SHARED")
    if not named:
        pytest.skip("needs the research files: set ILMS_SHARED to their folder")
    root = Path(named)
    if not root.is_dir():
        pytest.fail(f"ILMS_SHARED names {root}, which is no folder")
    return SharedFolder(root)


@pytest.fixture(scope="session")
def structures() -> Structures:
    """The built-in artefacts."""
    return load_structures()


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of examples as files."""
    return EXAMPLES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the research files, so that only they may skip."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ILMS_NO_SKIPS set, turn a skip into a failure unless it only needs the research files, LibreOffice, R or pysdmx."""
    report = yield
    needs_shared_only = item.get_closest_marker("shared") and "ILMS_SHARED" not in os.environ
    needs_office_only = item.get_closest_marker("office") and shutil.which("soffice") is None
    needs_pysdmx_only = item.get_closest_marker("pysdmx") and "ILMS_PYSDMX_PYTHON" not in os.environ
    needs_r_only = item.get_closest_marker("rsdmx") and shutil.which("Rscript") is None
    needs_only = needs_shared_only or needs_office_only or needs_pysdmx_only or needs_r_only
    expected = needs_only or hasattr(report, "wasxfail")
    if report.skipped and "ILMS_NO_SKIPS" in os.environ and not expected:
        report.outcome = "failed"
        report.longrepr = f"skipped, where every test must run: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if report.skipped and "ILMS_NO_SKIPS" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"skipped, where every test must run: {report.longrepr}"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites expected files; the diff is reviewed."""
    parser.addoption(
        "--update-examples",
        action="store_true",
        help="write expected outputs anew; review the diff",
    )
