"""Every finding that a reader of data messages can make is in the table of them."""

from __future__ import annotations

import ast
from pathlib import Path

import service.formats
from service.formats.reading_rule import READING_RULES
from service.formats.structure_rule import STRUCTURE_RULES
from service.submission.catalogue import rules_page

# In the readers a rule is named as the argument `rule=`, or as the first argument of these.
_CALLS = {"add", "_finding", "_tell_once", "_fatal", "fatal", "finding"}


def named_rules() -> set[str]:
    found = set()
    for path in Path(service.formats.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            texts = [word.value for word in node.keywords if word.arg == "rule"]
            texts += node.args[:1] if called in _CALLS else []
            found |= {
                t.value for t in texts if isinstance(t, ast.Constant) and isinstance(t.value, str)
            }
    return {text for text in found if "-" in text}


def test_the_table_lists_exactly_the_rules_that_the_readers_name() -> None:
    assert named_rules() == {rule.id for rule in READING_RULES}


def test_each_has_its_place_in_the_documentation() -> None:
    page = rules_page()
    for rule in (*READING_RULES, *STRUCTURE_RULES):
        assert f'<a id="{rule.id}"></a>' in page or f"(#{rule.id})" in page
