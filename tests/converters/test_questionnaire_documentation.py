"""The guide for offices says what the reader says."""

from __future__ import annotations

import re
from pathlib import Path

from converters.conversion import CONVERSION_RULES

GUIDE = Path(__file__).parent.parent.parent / "docs" / "questionnaire.md"


def test_every_finding_is_in_the_guide_with_its_severity():
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (\w+) \| (.+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == [(rule.id, rule.severity.value, rule.title) for rule in CONVERSION_RULES]


def test_every_finding_has_an_example():
    examples = Path(__file__).parent.parent / "examples" / "converters" / "deviations"
    expected = " ".join(
        path.read_text(encoding="utf-8") for path in examples.glob("*/expected.json")
    )
    tested = expected + " ".join(
        path.read_text(encoding="utf-8")
        for path in Path(__file__).parent.glob("test_questionnaire_*.py")
        if path.name != Path(__file__).name
    )
    missing = [rule.id for rule in CONVERSION_RULES if f'"{rule.id}"' not in tested]
    assert missing == []
