"""What every engine does: the contract of service.store.protocol."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from codelists.base import Annotation
from codelists.urn import parse_urn
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.localised import compose
from service.config import Settings
from service.query.selection import (
    ComponentFilter,
    Condition,
    Operator,
    Order,
    PeriodTerm,
    Selection,
)
from service.store import open_store
from service.store.protocol import StoreError, SubmissionRecord
from service.store.reader import BUFFERED_ROWS


def row(
    area: str = "IDN", time: str = "2024", value: str | None = "1", **more: Any
) -> dict[str, Any]:
    key = {"REF_AREA": area, "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x", "TIME_PERIOD": time}
    return {**key, **({} if value is None else {"OBS_VALUE": value}), **more}


def values(rows: list[dict[str, Any]], *names: str) -> list[Any]:
    return [tuple(entry.get(name) for name in names) for entry in rows]


def only(component: str, operator: Operator, value: str) -> dict[str, Any]:
    return {"filters": (ComponentFilter(component, ((Condition(operator, value),),)),)}


def test_an_empty_store_answers(flock, dsd):
    assert flock.store.revision(dsd.urn).number == 0
    assert flock.store.revision(dsd.urn).at is None
    assert flock.rows(dsd) == []
    assert flock.rows(dsd, first_n=1) == []
    assert flock.store.dataflows() == ()
    assert list(flock.store.ledger()) == []
    found = flock.store.availability(Selection(dsd))
    assert (found.series, found.observations, found.start_period) == (0, 0, None)
    assert found.values["REF_AREA"] == ()


@pytest.mark.parametrize(
    "text",
    ["12.0", "1.50", "-0", "NaN", "1e400", "007", "+3", "", " ", "0.1234567890123456789", "INF"],
)
def test_a_value_comes_back_as_reported(flock, dsd, text):
    flock.load(dsd, [row(value=text)])
    assert flock.rows(dsd) == [row(value=text)]


@pytest.mark.parametrize(
    "text", ["", "two\nlines\r\n", "\t", "\U0001f6a2 kapal", "a\"b,'c;", "\x00\x01", "ល៉ាវ"]
)
def test_free_text_comes_back_as_reported(flock, dsd, text):
    flock.load(dsd, [row(NOTE=text, METHOD=[text, "CENSUS"])])
    assert flock.rows(dsd) == [row(NOTE=text, METHOD=[text, "CENSUS"])]


def test_30_absent_nan_and_empty_text_stay_apart(flock, dsd):
    given = [
        row("IDN", value=None, OBS_STATUS="U"),
        row("PHL", value="NaN"),
        row("THA", value="", NOTE=""),
    ]
    flock.load(dsd, given)
    assert flock.rows(dsd) == given


def test_a_receipt_counts_and_the_revision_moves(flock, dsd):
    first = flock.load(dsd, [row("IDN"), row("PHL")])
    assert first.transaction == 1
    change = first.changes[0]
    assert (change.inserted, change.updated, change.deleted, change.unchanged) == (2, 0, 0, 0)
    assert flock.store.revision(dsd.urn) == type(flock.store.revision(dsd.urn))(1, first.at)
    second = flock.load(dsd, [row("IDN"), row("PHL", value="2"), row("THA")])
    change = second.changes[0]
    assert (change.inserted, change.updated, change.deleted, change.unchanged) == (1, 1, 0, 1)
    assert flock.store.revision(dsd.urn).number == 2
    assert second.at > first.at


def test_what_changes_nothing_makes_no_transaction_but_is_in_the_ledger(flock, dsd):
    flock.load(dsd, [row()])
    before = flock.store.revision(dsd.urn)
    receipt = flock.load(dsd, [row()])
    assert receipt.transaction == 0
    assert receipt.changes[0].unchanged == 1
    assert flock.store.revision(dsd.urn) == before
    assert [entry.transaction for entry in flock.store.ledger(dsd.urn)] == [0, 1]


def test_delete_and_load_again_in_one_submission_is_no_change(flock, dsd, make_dataset):
    flock.load(dsd, [row("IDN"), row("PHL")])
    everything = make_dataset(dsd, [{}], Action.DELETE)
    again = make_dataset(dsd, [row("IDN"), row("PHL")])
    assert flock.write([everything, again]).transaction == 0


def test_36_merge_keeps_what_is_not_supplied(flock, dsd):
    flock.load(dsd, [row(OBS_STATUS="P", NOTE="old", METHOD=["SURVEY"])])
    flock.load(dsd, [row(value=None, NOTE="new")])
    assert flock.rows(dsd) == [row(OBS_STATUS="P", NOTE="new", METHOD=["SURVEY"])]


@pytest.mark.parametrize("action", [Action.APPEND, Action.INFORMATION])
def test_36_append_and_information_load_as_merge(flock, dsd, action):
    flock.load(dsd, [row(NOTE="old")])
    flock.load(dsd, [row(value="2")], action)
    assert flock.rows(dsd) == [row(value="2", NOTE="old")]


def test_36_replace_deletes_what_is_not_supplied_of_the_observation_only(flock, dsd):
    flock.load(dsd, [row(OBS_STATUS="P", NOTE="old"), row("PHL")])
    receipt = flock.load(dsd, [row(value="2"), row("THA")], Action.REPLACE)
    assert flock.rows(dsd) == [row(value="2"), row("PHL"), row("THA")]
    assert (receipt.changes[0].inserted, receipt.changes[0].updated) == (1, 1)


def test_36_delete_with_a_full_key(flock, dsd):
    flock.load(dsd, [row(time="2023"), row(time="2024")])
    receipt = flock.load(dsd, [row(time="2023", value=None)], Action.DELETE)
    assert values(flock.rows(dsd), "TIME_PERIOD") == [("2024",)]
    assert receipt.changes[0].deleted == 1


def test_36_delete_with_a_partial_key_deletes_all_below(flock, dsd):
    flock.load(dsd, [row(a, t) for a in ("IDN", "PHL", "THA") for t in ("2023", "2024")])
    receipt = flock.load(dsd, [{"REF_AREA": "PHL"}, {"TIME_PERIOD": "2023"}], Action.DELETE)
    assert values(flock.rows(dsd), "REF_AREA", "TIME_PERIOD") == [("IDN", "2024"), ("THA", "2024")]
    assert receipt.changes[0].deleted == 4


def test_36_delete_with_listed_components_deletes_only_those_values(flock, dsd):
    flock.load(dsd, [row("IDN", NOTE="n", OBS_STATUS="E"), row("PHL", NOTE="n")])
    flock.load(dsd, [{"REF_AREA": "IDN", "NOTE": "-"}], Action.DELETE)
    assert flock.rows(dsd) == [row("IDN", OBS_STATUS="E"), row("PHL", NOTE="n")]
    flock.load(dsd, [row("PHL", value=None, NOTE="-", METHOD=["-"])], Action.DELETE)
    assert flock.rows(dsd) == [row("IDN", OBS_STATUS="E"), row("PHL")]


def test_an_observation_whose_last_value_is_deleted_is_gone(flock, dsd):
    flock.load(dsd, [row("IDN"), row("PHL", NOTE="n")])
    receipt = flock.load(dsd, [{"OBS_VALUE": "-"}], Action.DELETE)
    assert flock.rows(dsd) == [row("PHL", value=None, NOTE="n")]
    assert (receipt.changes[0].deleted, receipt.changes[0].updated) == (1, 1)


def test_36_deleting_what_is_not_there_is_no_error(flock, dsd):
    assert flock.load(dsd, [{"REF_AREA": "IDN"}], Action.DELETE).transaction == 0


def test_36_each_row_can_have_its_own_action_and_the_order_counts(flock, dsd):
    flock.load(dsd, [row("IDN", NOTE="old"), row("PHL"), row("THA"), row("VNM")])
    flock.load(
        dsd,
        [
            {"REF_AREA": "THA", "$action": "D"},
            row("THA", value="5", **{"$action": "M"}),
            row("IDN", value="2", **{"$action": "R"}),
            row("PHL", value=None, **{"$action": "Delete"}),
            row("PHL", value=None, NOTE="back", **{"$action": "A"}),
            row("VNM", value="7", **{"$action": "I"}),
            row("VNM", value="-", **{"$action": "D"}),
            row("VNM", value=None, NOTE="only", **{"$action": "M"}),
        ],
    )
    assert flock.rows(dsd) == [
        row("IDN", value="2"),
        row("PHL", value=None, NOTE="back"),
        row("THA", value="5"),
        row("VNM", value=None, NOTE="only"),
    ]


def test_36_one_submission_over_several_dataflows_is_one_transaction(
    flock, flock_dsds, make_dataset
):
    first, second = flock_dsds["flock"], flock_dsds["herd"]
    receipt = flock.write([make_dataset(first, [row()]), make_dataset(second, [row("PHL")])])
    assert receipt.transaction == 1
    assert [change.dataflow for change in receipt.changes] == [first.urn, second.urn]
    assert flock.store.dataflows() == (first.urn, second.urn)
    assert flock.store.revision(first.urn) == flock.store.revision(second.urn)
    flock.load(second, [row("THA")])
    assert flock.store.revision(first.urn).number == 1
    assert flock.rows(second) == [row("PHL"), row("THA")]


def test_36_nothing_is_written_where_one_dataset_cannot_be(flock, flock_dsds, make_dataset):
    good = make_dataset(flock_dsds["flock"], [row()])
    bad = make_dataset(flock_dsds["herd"], [row(time="2024-13")])
    with pytest.raises(StoreError, match="2024-13"):
        flock.write([good, bad])
    assert flock.rows(flock_dsds["flock"]) == []
    assert list(flock.store.ledger()) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(TOPIC="a\x01b"), "TOPIC"),
        ({"REF_AREA": "IDN", "OBS_VALUE": "1"}, "no full key"),
        (row(**{"$action": "Upsert"}), "upsert"),
    ],
)
def test_rows_that_cannot_be_kept_are_refused_with_a_reason(flock, dsd, bad, words):
    with pytest.raises(StoreError, match=words):
        flock.load(dsd, [bad])


def test_attributes_above_the_observation_are_kept_and_versioned(flock, dsd):
    title = AttributeValues({}, {"TITLE": "Workers abroad"})
    contact = AttributeValues({"REF_AREA": "IDN"}, {"CONTACT_POINT": ("BPS", "BP2MI")})
    source = AttributeValues(
        {"REF_AREA": "PHL", "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x"}, {"SOURCE_NAME": "LFS"}
    )
    first = flock.load(dsd, [row("IDN")], attributes=(title, contact, source))
    flock.load(dsd, [], attributes=(AttributeValues({}, {"TITLE": "New"}),))
    with flock.store.read(Selection(dsd)) as snapshot:
        assert snapshot.preamble.attributes == (
            AttributeValues({}, {"TITLE": "New"}), contact, source
        )  # fmt: skip
        assert snapshot.revision.number == 2
    with flock.store.read(Selection(dsd, as_of=first.at)) as snapshot:
        assert snapshot.preamble.attributes == (title, contact, source)
    only_phl = ({"REF_AREA": frozenset({"PHL"})},)
    with flock.store.read(Selection(dsd, keys=only_phl)) as snapshot:
        # Those of the series are above no row.
        assert [entry.key for entry in snapshot.preamble.attributes] == [{}]
    with flock.store.read(Selection(dsd, component_ids=("TITLE",))) as snapshot:
        assert [entry.values for entry in snapshot.preamble.attributes] == [{"TITLE": "New"}]


def test_attributes_above_the_observation_can_be_deleted(flock, dsd):
    def stored() -> list[AttributeValues]:
        with flock.store.read(Selection(dsd)) as snapshot:
            return list(snapshot.preamble.attributes)

    title = AttributeValues({}, {"TITLE": "t"})
    idn = AttributeValues({"REF_AREA": "IDN"}, {"CONTACT_POINT": ("BPS",)})
    phl = AttributeValues({"REF_AREA": "PHL"}, {"CONTACT_POINT": ("PSA",)})
    flock.load(dsd, [row("IDN"), row("PHL")], attributes=(title, idn, phl))
    flock.load(dsd, [{"REF_AREA": "IDN"}], Action.DELETE)
    assert stored() == [title, phl]
    flock.load(dsd, [], Action.DELETE, attributes=(AttributeValues({}, {"CONTACT_POINT": ("-",)}),))
    assert stored() == [title]
    assert flock.rows(dsd) == [row("PHL")]
    flock.load(dsd, [{}], Action.DELETE)
    assert stored() == []
    assert flock.rows(dsd) == []


def test_every_instant_can_be_read_again(flock, dsd):
    receipts = [
        flock.load(dsd, [row("IDN", value="1"), row("PHL", value="1")]),
        flock.load(dsd, [row("IDN", value="2", NOTE="n")]),
        flock.load(dsd, [{"REF_AREA": "PHL"}], Action.DELETE),
        flock.load(dsd, [row("PHL", value="9")]),
    ]
    seen = [
        values(flock.rows(dsd, as_of=entry.at), "REF_AREA", "OBS_VALUE", "NOTE")
        for entry in receipts
    ]
    assert seen == [
        [("IDN", "1", None), ("PHL", "1", None)],
        [("IDN", "2", "n"), ("PHL", "1", None)],
        [("IDN", "2", "n")],
        [("IDN", "2", "n"), ("PHL", "9", None)],
    ]
    between = receipts[1].at - timedelta(microseconds=1)
    with flock.store.read(Selection(dsd, as_of=between)) as snapshot:
        assert snapshot.revision.number == 1
        assert snapshot.revision.at == receipts[0].at
    assert flock.rows(dsd, as_of=receipts[0].at - timedelta(microseconds=1)) == []
    # An instant without a time zone is UTC.
    naive = receipts[0].at.replace(tzinfo=None)
    assert len(flock.rows(dsd, as_of=naive)) == 2
    assert flock.store.availability(Selection(dsd, as_of=receipts[2].at)).series == 1


def test_a_clock_that_stands_still_still_gives_increasing_instants(open_flock, store_url, dsd):
    instant = datetime.fromisoformat("2026-05-01T00:00:00+00:00")
    flock = open_flock(store_url, clock=lambda: instant)
    times = [flock.load(dsd, [row(value=str(number))]).at for number in range(3)]
    assert times == [instant + timedelta(microseconds=number) for number in range(3)]


def test_a_clock_that_goes_back_is_refused(open_flock, store_url, dsd):
    moments = ["2026-05-01T00:00:00+00:00", "2026-04-30T00:00:00+00:00"]
    clock = iter(datetime.fromisoformat(text) for text in moments)
    flock = open_flock(store_url, clock=lambda: next(clock))
    flock.load(dsd, [row()])
    with pytest.raises(StoreError, match="set the clock right"):
        flock.load(dsd, [row(value="2")])
    assert flock.rows(dsd) == [row()]


def test_the_ledger_gives_back_what_was_entered_newest_first(flock, flock_dsds, make_dataset):
    record = SubmissionRecord("s-1", "BPS", "t15.xlsx", "ab" * 32, {"waivers": ["R-01"], "n": 2})
    flock.store.write([make_dataset(flock_dsds["flock"], [row()])], record)
    flock.store.write([make_dataset(flock_dsds["herd"], [row()])], SubmissionRecord("s-2"))
    assert [entry.submission.id for entry in flock.store.ledger()] == ["s-2", "s-1"]
    (entry,) = flock.store.ledger(flock_dsds["flock"].urn)
    assert entry.submission == record
    assert entry.transaction == 1


def test_a_submission_is_applied_once(flock, dsd, make_dataset):
    record = SubmissionRecord("s-1", source_sha256="ab" * 32)
    first = flock.store.write([make_dataset(dsd, [row()])], record)
    flock.load(dsd, [row(value="2")])
    assert flock.store.write([make_dataset(dsd, [row()])], record) == first
    assert flock.rows(dsd) == [row(value="2")]
    with pytest.raises(StoreError, match="own id"):
        flock.store.write([make_dataset(dsd, [row()])], SubmissionRecord("s-1"))


def test_19_partial_keys_are_alternatives(flock, dsd):
    flock.load(dsd, [row(a, t) for a in ("IDN", "PHL", "THA") for t in ("2023", "2024")])
    idn = {"REF_AREA": frozenset({"IDN"})}
    full = {
        "REF_AREA": frozenset({"THA"}), "FREQ": frozenset({"A"}), "SEX": frozenset({"SEX_T"}),
        "TOPIC": frozenset({"x"}),
    }  # fmt: skip
    both = {"REF_AREA": frozenset({"PHL", "VNM"}), "SEX": frozenset({"SEX_T", "SEX_F"})}
    assert values(flock.rows(dsd, keys=(idn, full)), "REF_AREA") == [("IDN",)] * 2 + [("THA",)] * 2
    assert values(flock.rows(dsd, keys=(full,)), "REF_AREA") == [("THA",)] * 2
    assert values(flock.rows(dsd, keys=(both,)), "REF_AREA") == [("PHL",)] * 2
    assert len(flock.rows(dsd, keys=({"SEX": frozenset({"SEX_T"})},))) == 6
    assert flock.rows(dsd, keys=({"REF_AREA": frozenset()},)) == []
    assert len(flock.rows(dsd, keys=({},))) == 6
    dated = {**full, "TIME_PERIOD": frozenset({"2023"})}
    assert values(flock.rows(dsd, keys=(dated,)), "TIME_PERIOD") == [("2023",)]


@pytest.mark.parametrize(
    ("component", "operator", "value", "expected"),
    [
        ("OBS_STATUS", Operator.EQ, "E", ["IDN"]),
        ("OBS_STATUS", Operator.NE, "E", ["PHL", "THA", "VNM"]),
        ("NOTE", Operator.CONTAINS, "igh", ["IDN", "PHL"]),
        ("NOTE", Operator.NOT_CONTAINS, "igh", ["THA", "VNM"]),
        ("NOTE", Operator.STARTS_WITH, "h", ["IDN"]),
        ("NOTE", Operator.ENDS_WITH, "t", ["PHL"]),
        ("METHOD", Operator.EQ, "CENSUS", ["IDN", "THA"]),
        ("METHOD", Operator.NE, "CENSUS", ["PHL", "VNM"]),
        ("METHOD", Operator.STARTS_WITH, "SUR", ["IDN"]),
        ("REF_AREA", Operator.GT, "PHL", ["THA", "VNM"]),
        ("OBS_VALUE", Operator.EQ, "9", ["IDN"]),
        ("OBS_VALUE", Operator.EQ, "NaN", ["VNM"]),
        ("OBS_VALUE", Operator.NE, "9", ["PHL", "THA", "VNM"]),
        ("OBS_VALUE", Operator.GT, "9", ["PHL", "THA"]),
        ("OBS_VALUE", Operator.LE, "10", ["IDN", "PHL"]),
        ("OBS_VALUE", Operator.GE, "9007199254740993", ["THA"]),
        ("OBS_VALUE", Operator.GT, "9007199254740993", []),
        ("OBS_VALUE", Operator.GT, "9007199254740992", ["THA"]),
    ],
)  # fmt: skip
def test_20_filters(flock, dsd, component, operator, value, expected):
    flock.load(
        dsd,
        [
            row("IDN", value="9.0", OBS_STATUS="E", NOTE="high", METHOD=["SURVEY", "CENSUS"]),
            row("PHL", value="10", OBS_STATUS="A", NOTE="right"),
            row("THA", value="9007199254740993", METHOD=["CENSUS"]),
            row("VNM", value="NaN"),
        ],
    )
    found = flock.rows(dsd, **only(component, operator, value))
    assert values(found, "REF_AREA") == [(area,) for area in expected]


def test_20_filter_terms_are_alternatives_of_conjunctions(flock, dsd):
    flock.load(
        dsd, [row(area, value=str(n)) for n, area in enumerate(("IDN", "PHL", "THA", "VNM"))]
    )
    low = (Condition(Operator.LT, "1"),)
    middle = (Condition(Operator.GT, "1"), Condition(Operator.LT, "3"))
    found = flock.rows(dsd, filters=(ComponentFilter("OBS_VALUE", (low, middle)),))
    assert values(found, "REF_AREA") == [("IDN",), ("THA",)]


def test_what_is_asked_is_a_value_and_never_code(flock, dsd):
    flock.load(dsd, [row(TOPIC="x' or '1'='1"), row(TOPIC='y"; drop')])
    evil = "x' or '1'='1"
    found = flock.rows(dsd, keys=({"TOPIC": frozenset({evil})},))
    assert values(found, "TOPIC") == [(evil,)]
    assert len(flock.rows(dsd, **only("TOPIC", Operator.EQ, evil))) == 1


def test_periods_are_asked_for_as_intervals(flock, dsd):
    times = ["2022", "2023-Q4", "2023-11", "2023-12-31", "2024", "2023"]
    flock.load(dsd, [row(time=time) for time in times])

    def found(*terms: PeriodTerm) -> list[str]:
        return [entry["TIME_PERIOD"] for entry in flock.rows(dsd, periods=terms)]

    assert found() == ["2022", "2023", "2023-Q4", "2023-11", "2023-12-31", "2024"]
    assert found(PeriodTerm(starts_from=date(2023, 11, 1))) == ["2023-11", "2023-12-31", "2024"]
    assert found(PeriodTerm(ends_by=date(2023, 11, 30))) == ["2022", "2023-11"]
    within = (date(2023, 10, 1), date(2023, 12, 31))
    assert found(PeriodTerm(not_within=(within,))) == ["2022", "2023", "2024"]
    assert found(PeriodTerm(ends_by=date(2022, 12, 31)), PeriodTerm(date(2024, 1, 1))) == [
        "2022", "2024"
    ]  # fmt: skip


def test_22_first_and_last_count_after_the_filters(flock, dsd):
    flock.load(
        dsd,
        [row(area, str(year), str(year)) for area in ("IDN", "PHL") for year in range(2015, 2025)],
    )
    even = only("OBS_VALUE", Operator.NE, "2024")

    def years(**selection: Any) -> list[str]:
        return [entry["TIME_PERIOD"] for entry in flock.rows(dsd, **selection)]

    assert years(last_n=2) == ["2023", "2024"] * 2
    assert years(first_n=1) == ["2015"] * 2
    assert years(first_n=1, last_n=1) == ["2015", "2024"] * 2
    assert years(first_n=6, last_n=6) == [str(year) for year in range(2015, 2025)] * 2
    assert years(last_n=1, **even) == ["2023"] * 2
    assert years(last_n=0) == []
    assert years(last_n=2, offset=1, limit=2) == ["2024", "2023"]
    assert flock.store.availability(Selection(dsd, last_n=1)).values["TIME_PERIOD"] == ("2024",)


def test_26_offset_and_limit_cut_the_ordered_rows(flock, dsd):
    given = [row(area, time) for area in ("IDN", "PHL") for time in ("2022", "2023", "2024")]
    flock.load(dsd, given)
    assert flock.rows(dsd, offset=2, limit=3) == given[2:5]
    assert flock.rows(dsd, offset=4) == given[4:]
    assert flock.rows(dsd, limit=0) == []
    assert flock.rows(dsd, offset=9, limit=1) == []


def test_only_the_components_asked_for_come_back(flock, dsd):
    flock.load(dsd, [row(NOTE="n", OBS_STATUS="E")])
    with flock.store.read(Selection(dsd, component_ids=("TIME_PERIOD", "OBS_STATUS"))) as snapshot:
        (batch,) = snapshot.batches
        assert batch.schema.names == [*dsd.key_ids, "OBS_STATUS"]
        assert set(snapshot.preamble.codes) == {*dsd.key_ids, "OBS_STATUS"}


def test_series_alone_come_as_one_row_each(flock, dsd):
    flock.load(dsd, [row(area, time) for area in ("PHL", "IDN") for time in ("2023", "2024")])
    asked = Selection(dsd, component_ids=dsd.series_ids, first_n=1)
    with flock.store.read(asked) as snapshot:
        (batch,) = snapshot.batches
    assert batch.schema.names == list(dsd.series_ids)
    assert batch.column("REF_AREA").to_pylist() == ["IDN", "PHL"]
    assert snapshot.preamble.observations == 2
    assert set(snapshot.preamble.codes) == set(dsd.series_ids)


def test_the_preamble_lists_codes_in_their_order(flock, dsd):
    flock.load(
        dsd,
        [
            row("PHL", "2023", SEX="SEX_F", METHOD=["REGISTER", "SURVEY"]),
            row("IDN", "2023-Q1", SEX="SEX_T", METHOD=["CENSUS"]),
            row("IDN", "2022", OBS_STATUS="U"),
        ],
    )
    with flock.store.read(Selection(dsd)) as snapshot:
        codes = snapshot.preamble.codes
    assert codes["SEX"] == ("SEX_T", "SEX_F")
    assert codes["TIME_PERIOD"] == ("2022", "2023-Q1", "2023")
    assert codes["METHOD"] == ("SURVEY", "CENSUS", "REGISTER")
    assert codes["OBS_STATUS"] == ("U",)
    assert "NOTE" not in codes


def test_availability_tells_values_counts_and_periods(flock, dsd):
    flock.load(
        dsd, [row("THA", "2020"), row("IDN", "2024"), row("IDN", "2023"), row("PHL", "2024-Q1")]
    )
    found = flock.store.availability(Selection(dsd))
    assert (found.series, found.observations) == (3, 4)
    assert found.values["REF_AREA"] == ("IDN", "PHL", "THA")
    assert (found.start_period, found.end_period) == ("2020", "2024")
    idn = flock.store.availability(Selection(dsd, keys=({"REF_AREA": frozenset({"IDN"})},)))
    assert (idn.series, idn.observations, idn.start_period) == (1, 2, "2023")


def test_a_dataflow_without_time(flock, flock_dsds):
    timeless = flock_dsds["timeless"]
    rows = [
        {"REF_AREA": area, "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x", "OBS_VALUE": "1"}
        for area in ("PHL", "IDN")
    ]
    flock.load(timeless, rows)
    flock.load(timeless, [{**rows[1], "OBS_VALUE": "2"}])
    assert values(flock.rows(timeless), "REF_AREA", "OBS_VALUE") == [("IDN", "2"), ("PHL", "1")]
    assert flock.rows(timeless, as_of=list(flock.store.ledger())[-1].at)[0]["OBS_VALUE"] == "1"
    assert flock.store.availability(Selection(timeless)).end_period is None
    assert len(flock.rows(timeless, last_n=1)) == 2


def test_old_leaves_are_read_and_extended_under_a_wider_dsd(flock, flock_dsds, dsd):
    wide = flock_dsds["wide"]
    flock.load(dsd, [row("IDN", NOTE="one"), row("PHL")])
    assert flock.rows(wide) == [row("IDN", NOTE=["one"]), row("PHL")]
    assert flock.rows(wide, **only("EMBARGO", Operator.EQ, "x")) == []
    receipt = flock.load(wide, [row("IDN", value=None, LOWER_BOUND="0.5", NOTE=["two", "3"])])
    assert receipt.changes[0].updated == 1
    assert flock.rows(wide) == [row("IDN", LOWER_BOUND="0.5", NOTE=["two", "3"]), row("PHL")]
    first = list(flock.store.ledger())[-1].at
    assert flock.rows(wide, as_of=first) == [row("IDN", NOTE=["one"]), row("PHL")]


def test_loading_with_the_older_dsd_keeps_what_it_does_not_know(flock, flock_dsds, dsd):
    wide = flock_dsds["wide"]
    flock.load(wide, [row("IDN", LOWER_BOUND="0.5"), row("PHL", EMBARGO="e")])
    flock.load(dsd, [row("IDN", value="2")])
    flock.load(dsd, [row("PHL", value="2")], Action.REPLACE)
    assert flock.rows(wide) == [row("IDN", value="2", LOWER_BOUND="0.5"), row("PHL", value="2")]
    assert flock.rows(dsd) == [row("IDN", value="2"), row("PHL", value="2")]


def test_one_value_where_the_newer_dsd_stored_several_is_refused(flock, flock_dsds, dsd):
    flock.load(flock_dsds["wide"], [row("IDN", NOTE=["one", "two"])])
    with pytest.raises(StoreError, match="holds several values of NOTE"):
        flock.load(dsd, [row("IDN", NOTE="three")])
    flock.load(dsd, [row("IDN", value="2")])
    assert flock.rows(flock_dsds["wide"]) == [row("IDN", value="2", NOTE=["one", "two"])]


def test_other_dimensions_are_refused(flock, flock_dsds, dsd):
    flock.load(dsd, [row()])
    timeless = flock_dsds["timeless"]
    foreign = type(timeless)(timeless.structure, dsd.dataflow, None, timeless.components)
    with pytest.raises(StoreError, match="major version"):
        flock.write([Dataset(foreign, [])])
    with pytest.raises(StoreError, match="dimensions"):
        flock.rows(foreign)


def test_one_shot_iterators_of_batches_are_taken(flock, dsd, make_dataset):
    made = make_dataset(dsd, [row("IDN"), row("PHL")])
    flock.write([Dataset(dsd, iter(made.batches))])
    assert len(flock.rows(dsd)) == 2


def test_a_store_opens_again_with_everything_in_it(open_flock, store_url, dsd):
    first = open_flock(store_url)
    first.load(dsd, [row()], attributes=(AttributeValues({}, {"TITLE": "t"}),))
    first.store.close()
    second = open_flock(store_url)
    assert second.rows(dsd) == [row()]
    assert second.store.revision(dsd.urn).number == 1


def test_open_store_chooses_by_url(tmp_path, store_url, dsd, make_dataset):
    store = open_store(Settings(store_folder=tmp_path / "s", store_url=store_url))
    store.write([make_dataset(dsd, [row()])], SubmissionRecord("s"))
    assert store.count(Selection(dsd)) == 1
    store.close()
    with pytest.raises(StoreError, match="oracle"):
        open_store(Settings(store_folder=tmp_path / "s", store_url="oracle://x"))


def test_an_unknown_dataflow_has_no_revision(flock):
    urn = parse_urn("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=EX:DF_NONE(1.0.0)")
    assert flock.store.revision(urn).number == 0


def test_the_history_lists_each_revision_newest_first(flock, flock_dsds, dsd):
    assert flock.store.history(dsd.urn) == ()
    first = flock.load(dsd, [row()])
    flock.load(flock_dsds["herd"], [row()])
    flock.load(dsd, [row()])
    third = flock.load(dsd, [row(value="2")])
    found = flock.store.history(dsd.urn)
    assert [(entry.number, entry.at) for entry in found] == [
        (third.transaction, third.at),
        (first.transaction, first.at),
    ]
    assert found[0] == flock.store.revision(dsd.urn)


def test_what_is_the_same_in_all_rows_comes_back_as_what_is_not(flock, dsd):
    same = {"METHOD": ["CENSUS", "SURVEY"], "NOTE": "n", "OBS_VALUE": "1.0"}
    rows = [{**row(time=str(year)), **same} for year in range(2020, 2025)]
    flock.load(dsd, rows)
    (leaf,) = flock.store._catalog.state(dsd.urn).leaves
    assert leaf.constants["METHOD"] == ("CENSUS", "SURVEY")
    assert leaf.constants["OBS_VALUE"] == "1.0"
    assert flock.rows(dsd) == rows
    assert flock.rows(dsd, last_n=1) == rows[-1:]
    assert flock.rows(dsd, **only("NOTE", Operator.EQ, "n")) == rows
    assert flock.rows(dsd, **only("NOTE", Operator.NE, "n")) == []
    long = {**rows[0], "NOTE": "x" * 5_000}
    flock.load(dsd, [long])
    assert flock.rows(dsd) == [long, *rows[1:]]
    for year in range(2021, 2025):
        flock.load(dsd, [row(time=str(year), value="1.0", NOTE="x" * 5_000)])
    (leaf,) = flock.store._catalog.state(dsd.urn).leaves
    assert "NOTE" not in leaf.constants
    assert [entry["NOTE"] for entry in flock.rows(dsd)] == ["x" * 5_000] * 5


def noted(text: str) -> str:
    return annotations_text([Annotation(id="A", texts={"en": text, "fr": f"fr {text}"})])


def test_annotations_of_observations_are_kept_with_their_history(flock, dsd):
    flock.load(dsd, [row("IDN"), row("PHL")])
    before = flock.clock.now
    first, second = ({ANNOTATIONS: noted(text)} for text in ("one", "two"))
    flock.load(dsd, [row("IDN", **first)])
    assert flock.rows(dsd) == [row("IDN", **first), row("PHL")]
    assert flock.rows(dsd, keys=({"REF_AREA": frozenset({"IDN"})},)) == [row("IDN", **first)]
    assert flock.rows(dsd, component_ids=("TIME_PERIOD", "OBS_VALUE"))[0].get(ANNOTATIONS) is None
    flock.load(dsd, [row("IDN", value="2")])
    assert flock.rows(dsd)[0] == row("IDN", value="2", **first)
    flock.load(dsd, [row("IDN", value="2", **second)])
    assert flock.rows(dsd)[0] == row("IDN", value="2", **second)
    flock.load(dsd, [row("IDN", value="3")], Action.REPLACE)
    assert flock.rows(dsd) == [row("IDN", value="3"), row("PHL")]
    assert flock.rows(dsd, as_of=before) == [row("IDN"), row("PHL")]


def test_annotations_above_the_observation_are_kept(flock, dsd):
    above = (
        AttributeValues({}, {ANNOTATIONS: noted("all"), "TITLE": "t"}),
        AttributeValues({"REF_AREA": "IDN"}, {ANNOTATIONS: noted("area")}),
    )
    flock.load(dsd, [row("IDN")], attributes=above)
    with flock.store.read(Selection(dsd)) as snapshot:
        found = {tuple(entry.key.items()): entry.values for entry in snapshot.preamble.attributes}
    assert found == {tuple(entry.key.items()): entry.values for entry in above}


def test_a_text_in_languages_comes_back_as_reported(flock, dsd):
    texts = compose({"en": "One", "th": "หนึ่ง"})
    flock.load(dsd, [row(NOTE=texts)])
    assert flock.rows(dsd) == [row(NOTE=texts)]


def test_what_changed_since_an_instant(flock, dsd):
    """Inserted, updated and deleted; what came and went between is neither (SDMX-REST 2.2.2, doc/data.md)."""
    title, other = (AttributeValues({}, {"TITLE": text}) for text in ("old", "new"))
    flock.load(dsd, [row("IDN"), row("PHL"), row("TLS")], attributes=(title,))
    start = flock.clock.now
    flock.load(dsd, [row("IDN", value="2"), row("VNM"), row("MMR")], attributes=(other,))
    flock.load(dsd, [row("PHL", value=None), row("MMR", value=None)], Action.DELETE)
    assert flock.rows(dsd, since=start) == [row("IDN", value="2"), row("VNM")]
    assert flock.rows(dsd, since=start, last_n=1, limit=1) == [row("IDN", value="2")]
    keys = ({"REF_AREA": frozenset({"VNM", "TLS"})},)
    assert flock.rows(dsd, since=start, keys=keys) == [row("VNM")]
    only_keys = {"component_ids": dsd.key_ids, "gone": True}
    assert flock.rows(dsd, since=start, **only_keys) == [row("PHL", value=None)]
    assert flock.rows(dsd, since=flock.clock.now, **only_keys) == []
    found = flock.store.availability(Selection(dsd, since=start))
    assert (found.observations, found.values["REF_AREA"]) == (2, ("IDN", "VNM"))
    with flock.store.read(Selection(dsd, since=start)) as snapshot:
        assert [entry.values for entry in snapshot.preamble.attributes] == [{"TITLE": "new"}]
    with flock.store.read(Selection(dsd, since=flock.clock.now)) as snapshot:
        assert snapshot.preamble.attributes == ()


def test_what_changed_before_there_was_anything(flock, dsd):
    nothing = flock.clock.now
    flock.load(dsd, [row("IDN")])
    assert flock.rows(dsd, since=nothing) == [row("IDN")]
    assert flock.rows(dsd, since=nothing, gone=True, component_ids=dsd.key_ids) == []


def test_26_rows_are_sorted_as_asked(flock, dsd):
    flock.load(
        dsd,
        [
            row("IDN", "2023", "10"),
            row("IDN", "2024", "9"),
            row("PHL", "2023", "9.0"),
            row("PHL", "2023-Q1", "NaN"),
            row("TLS", "2022", None, OBS_STATUS="M"),
        ],
    )

    def found(*order: Order, **more: Any) -> list[Any]:
        return values(flock.rows(dsd, order=order, **more), "REF_AREA", "TIME_PERIOD")

    by_area = Order("REF_AREA", descending=True)
    # A year ends after its first quarter, and begins with it.
    assert found(Order("TIME_PERIOD"), by_area) == [
        ("TLS", "2022"),
        ("PHL", "2023-Q1"),
        ("PHL", "2023"),
        ("IDN", "2023"),
        ("IDN", "2024"),
    ]
    assert found(Order("OBS_VALUE"), limit=3) == [
        ("IDN", "2024"),
        ("PHL", "2023"),
        ("IDN", "2023"),
    ]
    assert found(Order("OBS_VALUE", descending=True), limit=2, offset=1)[0] == ("IDN", "2023")
    assert found(by_area, last_n=1) == [("TLS", "2022"), ("PHL", "2023"), ("IDN", "2024")]
    alone = {"component_ids": dsd.series_ids, "first_n": 1, "order": (by_area,)}
    assert values(flock.rows(dsd, **alone), "REF_AREA") == [("TLS",), ("PHL",), ("IDN",)]
    at = flock.clock.now
    flock.load(dsd, [row("AAA", "2030", "1")])
    assert found(by_area, as_of=at, limit=1) == [("TLS", "2022")]


@pytest.mark.parametrize(
    ("operator", "text", "expected"),
    [
        (Operator.CONTAINS, "Q", ["2023-Q1", "2023-Q2"]),
        (Operator.NOT_CONTAINS, "Q", ["2023", "2024-01-01T12:00:00"]),
        (Operator.STARTS_WITH, "2024", ["2024-01-01T12:00:00"]),
        (Operator.ENDS_WITH, "Q2", ["2023-Q2"]),
        (Operator.EQ, "2024-01-01T12:00:00", ["2024-01-01T12:00:00"]),
        (Operator.NE, "2024-01-01T12:00:00", ["2023-Q1", "2023-Q2", "2023"]),
    ],
)
def test_periods_as_they_are_written_and_to_the_moment(flock, dsd, operator, text, expected):
    times = ("2023", "2023-Q1", "2023-Q2", "2024-01-01T12:00:00")
    flock.load(dsd, [row("IDN", time) for time in times])
    condition = (Condition(operator, text),)
    is_interval = operator in (Operator.EQ, Operator.NE)
    term = PeriodTerm(exact=condition) if is_interval else PeriodTerm(texts=condition)
    found = [entry["TIME_PERIOD"] for entry in flock.rows(dsd, periods=(term,))]
    assert sorted(found) == sorted(expected)


ABOVE = (
    AttributeValues({}, {"TITLE": "Workers abroad"}),
    AttributeValues({"REF_AREA": "IDN"}, {"CONTACT_POINT": ("BPS", "BP2MI")}),
    AttributeValues({"REF_AREA": "PHL"}, {"CONTACT_POINT": ("PSA",)}),
    AttributeValues(
        {"REF_AREA": "PHL", "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x"}, {"SOURCE_NAME": "LFS"}
    ),
)


@pytest.mark.parametrize(
    ("component", "operator", "value", "expected"),
    [
        ("TITLE", Operator.CONTAINS, "abroad", "IDN PHL THA"),
        ("TITLE", Operator.NOT_CONTAINS, "abroad", ""),
        ("TITLE", Operator.EQ, "abroad", ""),
        ("CONTACT_POINT", Operator.EQ, "BPS", "IDN"),
        ("CONTACT_POINT", Operator.NE, "BPS", "PHL THA"),
        ("CONTACT_POINT", Operator.STARTS_WITH, "B", "IDN"),
        ("CONTACT_POINT", Operator.GT, "BPS", "PHL"),
        ("SOURCE_NAME", Operator.EQ, "LFS", "PHL"),
        ("SOURCE_NAME", Operator.NE, "LFS", "IDN THA"),
    ],
)
def test_20_conditions_on_values_above_the_observation(
    flock, dsd, component, operator, value, expected
):
    first = flock.load(dsd, [row("IDN"), row("PHL"), row("THA")], attributes=ABOVE)
    changed = [AttributeValues({}, {component: "x"})] if component == "TITLE" else ()
    flock.load(dsd, [row("AAA")], attributes=changed)
    asked = only(component, operator, value)
    found = flock.rows(dsd, as_of=first.at, **asked)
    assert values(found, "REF_AREA") == [(area,) for area in expected.split()]
    available = flock.store.availability(Selection(dsd, as_of=first.at, **asked))
    assert available.values["REF_AREA"] == tuple(expected.split())


def test_20_several_conditions_on_values_above_the_observation(flock, dsd):
    flock.load(dsd, [row("IDN"), row("PHL"), row("THA")], attributes=ABOVE)
    both = (Condition(Operator.EQ, "BPS"), Condition(Operator.EQ, "BP2MI"))
    psa = (Condition(Operator.EQ, "PSA"),)

    def found(*terms: tuple[Condition, ...]) -> list[str]:
        asked = (ComponentFilter("CONTACT_POINT", terms),)
        return [entry["REF_AREA"] for entry in flock.rows(dsd, filters=asked)]

    assert found(both) == ["IDN"]
    assert found((*both, *psa)) == []
    assert found(both, psa) == ["IDN", "PHL"]


def test_25_deletions_are_found_by_what_stood_above_them(flock, dsd):
    first = flock.load(dsd, [row("IDN"), row("PHL")], attributes=ABOVE)
    flock.load(dsd, [row("IDN"), row("PHL")], Action.DELETE)
    asked = only("SOURCE_NAME", Operator.EQ, "LFS")
    gone = flock.rows(dsd, since=first.at, gone=True, component_ids=dsd.key_ids, **asked)
    assert values(gone, "REF_AREA") == [("PHL",)]


def test_26_rows_are_sorted_by_values_above_the_observation(flock, dsd):
    flock.load(dsd, [row("IDN"), row("PHL"), row("THA")], attributes=ABOVE)

    def found(id: str, **more: Any) -> list[str]:
        down = Order(id, descending=True)
        return [entry["REF_AREA"] for entry in flock.rows(dsd, order=(down,), **more)]

    assert found("CONTACT_POINT") == ["PHL", "IDN", "THA"]
    assert found("SOURCE_NAME", limit=2) == ["PHL", "IDN"]
    assert found("TITLE") == ["IDN", "PHL", "THA"]
    assert found("CONTACT_POINT", last_n=1, component_ids=dsd.key_ids) == ["PHL", "IDN", "THA"]
    layout = (Order("CONTACT_POINT"), Order("REF_AREA"))
    assert found("CONTACT_POINT", limit=2, layout=layout) == ["IDN", "PHL"]


def test_26_a_page_is_cut_before_it_is_laid_out(flock, dsd):
    given = [
        row(area, time)
        for area in ("IDN", "PHL")
        for time in ("2022", "2023", "2024-01-01T10:00:00")
    ]
    flock.load(dsd, given)
    newest = (Order("TIME_PERIOD", descending=True),)
    layout = (Order("REF_AREA"), Order("TIME_PERIOD"))
    asked = {"order": newest, "layout": layout}
    assert flock.rows(dsd, limit=3, offset=1, **asked) == [given[1], *given[4:]]
    assert flock.rows(dsd, **asked) == given
    assert flock.rows(dsd, first_n=2, limit=2, **asked) == [given[1], given[4]]


@pytest.mark.parametrize("held", [BUFFERED_ROWS, 1], ids=["held", "streamed"])
def test_24_values_above_are_those_of_the_rows_that_match(flock, dsd, held, monkeypatch):
    monkeypatch.setattr("service.store.reader.BUFFERED_ROWS", held)
    flock.load(dsd, [row("IDN", "2023"), row("PHL"), row("THA")], attributes=ABOVE)

    def found(**selection: Any) -> list[dict[str, str]]:
        with flock.store.read(Selection(dsd, **selection)) as snapshot:
            return [entry.key for entry in snapshot.preamble.attributes]

    everything = [entry.key for entry in ABOVE]
    idn, phl = [{}, {"REF_AREA": "IDN"}], [{}, {"REF_AREA": "PHL"}, ABOVE[3].key]
    assert found() == everything
    assert found(last_n=1) == everything
    assert found(limit=1) == idn
    assert found(offset=1, limit=1) == phl
    assert found(periods=(PeriodTerm(starts_from=date(2024, 1, 1)),)) == phl
    assert found(**only("OBS_VALUE", Operator.EQ, "2")) == [{}]
    assert found(**only("SOURCE_NAME", Operator.EQ, "LFS")) == phl
    by_year = AttributeValues({"TIME_PERIOD": "2024"}, {"TITLE": "Of a year"})
    flock.load(dsd, [], attributes=[by_year])
    assert found(periods=(PeriodTerm(ends_by=date(2023, 12, 31)),)) == idn
    assert found(periods=(PeriodTerm(starts_from=date(2024, 1, 1)),)) == [{}, by_year.key, *phl[1:]]
    series = {"component_ids": (*dsd.series_ids, "TITLE", "CONTACT_POINT"), "first_n": 1}
    assert found(limit=1, **series) == idn


def test_the_last_change_of_a_part_is_its_own(flock, flock_dsds, dsd):
    """Written, revised, removed, or a value above the observation; what others report does not count."""

    def of(area: str) -> int:
        keys = ({"REF_AREA": frozenset({area})},)
        return flock.store.last_change(Selection(dsd, keys=keys)).number

    assert of("IDN") == 0
    first = flock.load(dsd, [row("IDN"), row("PHL")]).transaction
    second = flock.load(dsd, [row("PHL", value="2")]).transaction
    assert (of("IDN"), of("PHL"), of("THA")) == (first, second, 0)
    whole = flock.store.last_change(Selection(dsd))
    assert whole == flock.store.revision(dsd.urn)
    third = flock.load(dsd, [row("IDN", value=None)], Action.DELETE).transaction
    assert (of("IDN"), of("PHL")) == (third, second)
    noted = AttributeValues({"REF_AREA": "PHL"}, {"UNIT_MEASURE": "PS"})
    fourth = flock.load(dsd, [row("THA")], attributes=(noted,)).transaction
    assert (of("IDN"), of("PHL"), of("THA")) == (third, fourth, fourth)
    flock.load(flock_dsds["herd"], [row("IDN")])
    assert of("IDN") == third
    instants = {entry.number: entry.at for entry in flock.store.history(dsd.urn)}
    assert flock.store.last_change(Selection(dsd)).at == instants[fourth]
    flock.store.compact()
    assert (of("IDN"), of("PHL"), of("THA")) == (third, fourth, fourth)


def test_revisions_of_several_dataflows_come_at_once(flock, flock_dsds, make_dataset):
    one, other = flock_dsds["flock"], flock_dsds["herd"]
    nothing = flock_dsds["timeless"].urn
    flock.write([make_dataset(one, [row()]), make_dataset(other, [row()])])
    flock.load(other, [row("PHL")])
    found = flock.store.revisions([other.urn, nothing, one.urn])
    assert found == tuple(map(flock.store.revision, (other.urn, nothing, one.urn)))
    assert [entry.number for entry in found] == [2, 0, 1]
    assert flock.store.revisions([]) == ()


def test_26_a_page_of_nothing_is_nothing(flock, dsd):
    """DuckDB 2.0 fails to plan a page of rows where a filter lets none through, with its late materialization."""
    flock.load(dsd, [row(area, time) for area in ("IDN", "PHL") for time in ("2023", "2024")])
    for offset in (0, 1):
        keys = (
            {"SEX": frozenset({"SEX_T"})},
            {"REF_AREA": frozenset({"IDN"}), "FREQ": frozenset({"A"})},
        )
        less = only("REF_AREA", Operator.LT, "IDN")
        assert flock.rows(dsd, keys=keys, offset=offset, limit=1, **less) == []
