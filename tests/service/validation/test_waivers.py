"""Waivers: what they allow, what they do not, and what is said of themselves."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsd.finding import Finding, Severity
from service.validation.rules import RULES
from service.validation.waiver import WaiverFileError, decode_waivers, read_waivers

IDS = [rule.info.id for rule in RULES]
TODAY = date(2026, 11, 21)
KHM = Finding(
    rule="partition-sum",
    severity=Severity.ERROR,
    message="The parts do not add up.",
    dataflow="ILMS:DF_MNA_TPOP_SEX_CRS(1.0.0)",
    key={"REF_AREA": "KHM", "SEX": "SEX_T", "TIME_PERIOD": "2010"},
    locator="cell:T13!F17",
)
BY_KEY = """
[[waiver]]
rule = "partition-sum"
dataflow = "DF_MNA_TPOP_SEX_CRS"
keys = [{REF_AREA = "KHM", TIME_PERIOD = "2010"}]
author = "ILMS secretariat"
reason = "As published."
"""
BY_CELL = """
[[waiver]]
rule = "partition-sum"
cells = ["T13!F17"]
author = "ILMS secretariat"
reason = "As published."
expires = 2026-11-21
"""


def applied(text: str, *findings: Finding, today: date = TODAY):
    waivers = decode_waivers(text.encode("utf-8"), "w.toml", IDS).on(today)
    return list(waivers.apply(findings)), list(waivers.leftovers())


@pytest.mark.parametrize("text", [BY_KEY, BY_CELL])
def test_a_waived_error_stays_visible_with_its_reason_and_does_not_reject(text):
    (finding,), leftovers = applied(text, KHM)
    assert finding.waiver == "As published. (ILMS secretariat)"
    assert finding.severity is Severity.ERROR
    assert not finding.rejects
    assert leftovers == []


def test_json_says_the_same_as_toml():
    text = (
        '{"waiver": [{"rule": "partition-sum", "cells": ["T13!F17"], "author": "A", "reason": "R",'
        ' "expires": "2027-01-31"}]}'
    )
    (finding,), leftovers = applied(text, KHM)
    assert finding.waiver == "R (A)"
    assert leftovers == []


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "part-exceeds-total"},
        {"dataflow": "ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"},
        {"key": {"REF_AREA": "KHM", "TIME_PERIOD": "2011"}},
    ],
)
def test_a_waiver_allows_nothing_else_and_says_so(change):
    other = Finding(**({name: getattr(KHM, name) for name in KHM.__struct_fields__} | change))
    (finding,), (leftover,) = applied(BY_KEY, other)
    assert finding.waiver is None
    assert leftover.rule == "unused-waiver"
    assert "REF_AREA=KHM TIME_PERIOD=2010" in leftover.message


def test_each_place_of_a_waiver_must_be_used():
    text = BY_KEY.replace("keys = [", 'keys = [{REF_AREA = "LAO"}, ')
    (finding,), (leftover,) = applied(text, KHM)
    assert finding.waiver is not None
    assert "REF_AREA=LAO" in leftover.message


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next():
    (finding,), leftovers = applied(BY_CELL, KHM, today=date(2026, 11, 22))
    assert finding.waiver is None
    assert finding.rejects
    assert [entry.rule for entry in leftovers] == ["expired-waiver"]


def test_a_fatal_finding_cannot_be_waived():
    fatal = Finding(rule="unknown-code", severity=Severity.FATAL, message="?", locator="line:3")
    text = BY_CELL.replace("partition-sum", "unknown-code").replace("T13!F17", "line:3")
    (finding,), (leftover,) = applied(text, fatal)
    assert finding.waiver is None
    assert finding.rejects
    assert leftover.rule == "waiver-of-fatal"
    assert leftover.locator == "line:3"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BY_KEY.replace("partition-sum", "partition-sums"), "no rule 'partition-sums'"),
        (BY_KEY.replace('author = "ILMS secretariat"', ""), "author"),
        (BY_KEY.replace('"As published."', '" "'), "must say something"),
        (BY_KEY.replace('{REF_AREA = "KHM", TIME_PERIOD = "2010"}', "{}"), "allow everything"),
        (BY_KEY.replace("keys", "key"), "key"),
        (BY_CELL.replace("2026-11-21", '"tomorrow"'), "expires"),
        ("[[waivers]]", "holds waivers, each under [[waiver]]"),
        ("rule = ", "w.toml"),
        ("\ufeff{", "w.toml"),
    ],
)
def test_a_malformed_waiver_is_a_finding_and_allows_nothing(text, says):
    (finding,), leftovers = applied(text, KHM)
    assert finding.waiver is None
    assert [entry.rule for entry in leftovers] == ["malformed-waiver"]
    assert says in leftovers[0].message
    assert leftovers[0].severity is Severity.ERROR


def test_a_file_that_cannot_be_opened_is_an_error_of_the_caller(tmp_path: Path):
    with pytest.raises(WaiverFileError, match="missing"):
        read_waivers(tmp_path / "missing.toml", IDS)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='[]{}="wavier,\n123-: ', max_size=200).map(str.encode),
        st.just(b'{"a":' * 100_000),
    )
)
def test_no_file_of_waivers_breaks_the_reader(data):
    waivers = decode_waivers(data, "w", IDS)
    assert all(finding.rule == "malformed-waiver" for finding in waivers.findings)
