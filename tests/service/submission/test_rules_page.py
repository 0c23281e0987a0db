"""docs/rules.md is what the rules say of themselves.

After a change: python -c "from service.submission.catalogue import rules_page; print(rules_page(), end='')"
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsd.finding import Severity
from service.submission.catalogue import rules_page
from service.submission.report import rule_infos
from service.validation.rules import RULES

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"


def test_the_page_is_up_to_date():
    if not PAGE.is_file():
        pytest.fail("docs/rules.md is missing")
    assert PAGE.read_text(encoding="utf-8") == rules_page()


@pytest.mark.parametrize("rule", sorted(rule_infos()))
def test_every_rule_has_exactly_one_anchor(rule):
    text = PAGE.read_text(encoding="utf-8")
    headings = re.findall(rf"^### {re.escape(rule)}$", text, re.MULTILINE)
    anchors = re.findall(rf'<a id="{re.escape(rule)}">', text)
    assert len(headings) + len(anchors) == 1


def test_rules_say_what_a_person_needs():
    ids = [rule.info.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        info = rule.info
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", info.id)
        assert info.severity in Severity
        assert all(text.strip() for text in (info.title, info.reference, info.why, info.mend))
        assert info.why.endswith(".")
        assert info.mend.endswith(".")
