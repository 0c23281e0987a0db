"""Excel workbooks of data: SDMX-CSV 2.1 with labels=name in a worksheet, a sheet a data set. Not in SDMX.

Codes and their names stand side by side, figures are numbers wherever a cell keeps every digit of them, with the
decimals that were reported. What identifies the structure stands in hidden columns, so that the sheet can be
read again, also after it was sorted, filtered or saved by another program. ECMA-376 Part 1, 18.3.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ACTION, Batch
from dsd.dataset import Action, AttributeValues, PreparedDataset
from dsd.localised import takes_languages
from dsd.resolved import ResolvedComponent
from service.formats.columnar import is_figure
from service.formats.columns import (
    Part,
    content,
    in_chunks,
    joined,
    list_pieces,
    observation_ids,
    peeked,
    pieces,
    present,
    rows_written,
    written_ids,
)
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.csv_languages import written, written_sets
from service.formats.localised_texts import LanguagesSeen, in_languages
from service.formats.look_ahead import looked_at
from service.formats.names import name_of
from service.formats.outbox import Outbox
from service.formats.sdmx_csv import LETTER_OF_ACTION, sub_fields
from service.formats.structure_name import structure_word

FORMAT_NAME = "XLSX"
MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767
MOST_SHEET_NAME = 31
SIGNIFICANT_DIGITS = 15
FIRST_NUMBER_STYLE = 2
"""Style of a number without decimals; one with n decimals has the n-th after it."""

ABOUT = "About"
"""Name of the sheet that tells about the others."""
CAPTION_OF_SHEET = "Sheet"
CAPTIONS = (
    ("set_id", "Set id"),
    ("valid_from", "Valid from"),
    ("valid_to", "Valid to"),
    ("reporting_begin", "Reporting begin"),
    ("reporting_end", "Reporting end"),
    ("publication_year", "Publication year"),
    ("publication_period", "Publication period"),
)
"""The fields of `SetAttributes` with their captions there."""

ABSENT = "<c/>"
_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_NEGATIVE_ZERO = r"^-0(?:\.0+)?$"
# What XML cannot hold, what it would change (CR), and what reads as an escape itself. ECMA-376 Part 1, 22.9.2.19.
_ESCAPED = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def text_cell(text: str, style: int = 0) -> str:
    """Return a cell that holds a text.

    Raises:
        NotExpressibleError: the text is longer than a cell can hold.
    """
    if len(text) > MOST_CHARACTERS:
        raise NotExpressibleError(
            f"a text of {len(text)} characters is longer than a cell of {FORMAT_NAME} can hold "
            f"({MOST_CHARACTERS}); write csv, json or parquet"
        )
    kept = escape(_ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", text))
    styled = f' s="{style}"' if style else ""
    return f'<c t="inlineStr"{styled}><is><t xml:space="preserve">{kept}</t></is></c>'


def number_cells(column: pa.Array) -> pa.Array:
    """Return by row the cell of a figure: a number where a cell keeps its digits, a text elsewhere."""
    texts = column.cast(pa.large_string())
    digits = pc.utf8_ltrim(pc.replace_substring_regex(texts, "[-.]", ""), characters="0")
    is_number = pc.and_(
        pc.match_substring_regex(texts, _NUMBER),
        pc.and_(
            pc.invert(pc.match_substring_regex(texts, _NEGATIVE_ZERO)),
            pc.less_equal(pc.utf8_length(digits), SIGNIFICANT_DIGITS),
        ),
    )
    point = pc.find_substring(texts, ".")
    shown = pc.subtract(pc.subtract(pc.utf8_length(texts), point), 1)
    decimals = pc.if_else(pc.less(point, 0), 0, shown)
    # A format shows at most 30 decimals.
    is_number = pc.fill_null(pc.and_(is_number, pc.less_equal(decimals, 30)), False)
    styles = pc.add(pc.if_else(is_number, decimals, 0), FIRST_NUMBER_STYLE).cast(pa.string())
    large = [pa.scalar(text, pa.large_string()) for text in ('<c s="', '"><v>', "</v></c>", "")]
    numbers = pc.binary_join_element_wise(
        large[0], styles.cast(pa.large_string()), large[1], texts, large[2], large[3]
    )
    odd = pc.and_(pc.invert(is_number), texts.is_valid())
    rows = pc.indices_nonzero(odd)
    if len(rows):
        written = [text_cell(text) for text in texts.take(rows).to_pylist()]
        numbers = pc.replace_with_mask(numbers, odd, pa.array(written, pa.large_string()))
    return pc.fill_null(numbers, ABSENT)


@dataclass(frozen=True)
class _Sheet:
    """One data set as a sheet."""

    name: str
    dataset: PreparedDataset
    components: tuple[ResolvedComponent, ...]
    languages: tuple[str, ...]
    own_actions: bool
    seen: LanguagesSeen
    """The languages of texts, which headings name."""

    def structure_cells(self) -> list[str]:
        """Return what the first three cells of each row say."""
        dsd = self.dataset.dsd
        word, identity = structure_word(dsd)
        return [word, identity, name_of(dsd.dataflow or dsd.structure, self.languages)]

    def headings(self) -> list[str]:
        """Return the texts of the first row."""
        marks = [self.mark(component) for component in self.components]
        cells = ["STRUCTURE[;]" if any(marks) else "STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME"]
        cells.append("ACTION")
        for component, mark in zip(self.components, marks, strict=True):
            cells.append(f"{component.id}{mark}")
            cells.append(name_of(component.concept, self.languages))
        return cells

    def mark(self, component: ResolvedComponent) -> str:
        """Return what stands after the id of a component in its heading."""
        languages = self.seen.of(component.id)
        return f"[{';'.join(languages)}]" if languages else "[]" if component.is_multiple else ""

    def looked_through(self, stack: ExitStack) -> _Sheet:
        """Return the same after the languages of all texts were seen."""
        ids = [c.id for c in self.components if takes_languages(c)]
        if not ids:
            return self
        self.seen.values(ids, self.above())
        rows = looked_at(self.dataset.batches, partial(self.seen.batch, ids), stack)
        return replace(self, dataset=replace(self.dataset, batches=rows))

    def text_of(self, component: ResolvedComponent, values: Sequence[str]) -> str:
        """Return the text of one value or of several."""
        if self.seen.of(component.id):
            wanted = [in_languages(value, self.languages) for value in values]
            return written_sets(wanted) if component.is_multiple else written(wanted[0])
        return sub_fields(values) if component.is_multiple else ";".join(values)

    def opening(self) -> str:
        """Return the sheet up to its first row of values."""
        headings = self.headings()
        widths = [self.column(number) for number in range(1, len(headings) + 1)]
        row = "".join(text_cell(text, style=1) for text in headings)
        pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        return (
            f"{_DECLARATION}<worksheet {_MAIN}>"
            f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
            f"<cols>{''.join(widths)}</cols><sheetData><row>{row}</row>"
        )

    def column(self, number: int) -> str:
        """Return the element of a column (from 1)."""
        hidden = ' hidden="1"' if self.is_hidden(number) else ""
        return f'<col min="{number}" max="{number}" width="{self.width(number)}" customWidth="1"{hidden}/>'

    def is_hidden(self, number: int) -> bool:
        """Tell whether a column (from 1) is for programs: the structure, the action where it is one, empty names."""
        if number <= 4:
            return number < 4 or not self.own_actions
        component = self.components[(number - 5) // 2]
        return number % 2 == 0 and component.codelist is None

    def width(self, number: int) -> int:
        """Return the width of a column in characters."""
        return 14 if number <= 4 or number % 2 else 26

    def closing(self) -> str:
        """Return the sheet after its last row."""
        rows, columns = self.count(), _letters(len(self.headings()))
        area = f"A1:{columns}{rows}"
        return (
            f'</sheetData><autoFilter ref="{area}"/>'
            f'<ignoredErrors><ignoredError sqref="{area}" numberStoredAsText="1"/></ignoredErrors></worksheet>'
        )

    def count(self) -> int:
        """Return the number of rows with the headings."""
        return 1 + self.dataset.preamble.observations + len(self.above())

    def above(self) -> list[AttributeValues]:
        """Return the values above the observation that are written."""
        ids = {component.id for component in self.components}
        return [e for e in self.dataset.preamble.attributes if not ids.isdisjoint(e.values)]

    # -- rows --------------------------------------------------------------------------------------

    def attribute_row(self, entry: AttributeValues) -> str:
        """Return a row with a part of the key: values that stand above the observation."""
        given = {**entry.key, **entry.values}
        cells = [text_cell(text) for text in self.structure_cells()]
        cells.append(text_cell(LETTER_OF_ACTION[self.dataset.action]))
        for component in self.components:
            value = given.get(component.id)
            if value is None:
                cells += [ABSENT, ABSENT]
                continue
            values = [value] if isinstance(value, str) else list(value)
            text = self.text_of(component, values)
            cells += [text_cell(text), self.name_cell(component, values)]
        return f"<row>{''.join(cells)}</row>"

    def rows(self, batch: Batch) -> pa.Array:
        """Return the rows of a batch as texts."""
        parts: list[Part] = ["<row>" + "".join(text_cell(text) for text in self.structure_cells())]
        own = text_cell(LETTER_OF_ACTION[self.dataset.action])
        actions = present(batch, ACTION)
        parts.append(
            own
            if actions is None
            else pieces(actions, lambda text: text_cell(LETTER_OF_ACTION[Action(text)]), own)
        )
        for component in self.components:
            parts += self.component_cells(component, present(batch, component.id))
        parts.append("</row>")
        if batch.num_rows and not any(not isinstance(part, str) for part in parts):
            # No component has a value in any row.
            return pa.repeat(pa.scalar("".join(map(str, parts)), pa.large_string()), batch.num_rows)
        return joined(parts)

    def component_cells(self, component: ResolvedComponent, column: pa.Array | None) -> list[Part]:
        """Return the cells of a component and of its names."""
        if column is None:
            return [ABSENT + ABSENT]
        if pa.types.is_list(column.type):

            def several(values: list[str]) -> str:
                return text_cell(self.text_of(component, values)) + self.name_cell(
                    component, values
                )

            return [list_pieces(column, several, ABSENT + ABSENT)]
        if is_figure(component):
            return [number_cells(column), ABSENT]

        def one(value: str) -> str:
            return text_cell(self.text_of(component, [value])) + self.name_cell(component, [value])

        return [pieces(column, one, ABSENT + ABSENT)]

    def name_cell(self, component: ResolvedComponent, values: list[str]) -> str:
        """Return the cell that names one code or several."""
        codes = [component.codes.get(value) for value in values]
        if component.codelist is None or not all(codes):
            return ABSENT
        names = [name_of(code, self.languages) for code in codes if code]
        return text_cell(sub_fields(names) if component.is_multiple else names[0])


def _letters(column: int) -> str:
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def encode_xlsx(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield a workbook with a sheet a data set and one that tells about them.

    Raises:
        NotExpressibleError: a data set has more rows than a sheet; an unknown dimension at the observation.
    """
    names = _sheet_names(datasets)
    sheets = []
    for name, dataset in zip(names, datasets, strict=True):
        observation_ids(dataset.dsd, options)
        left_out = {"TIME_PERIOD"} if options.series_only else set()
        ids = set(written_ids(dataset.dsd, options)) - left_out
        rows = peeked(rows_written(dataset, ids), FORMAT_NAME, row_actions=True)
        first = next(rows, None)
        components = tuple(c for c in dataset.dsd.components if c.id in ids)
        own_actions = first is not None and ACTION in first.schema.names
        whole = replace(dataset, batches=_again(first, rows))
        seen = LanguagesSeen(options.languages)
        sheet = _Sheet(name, whole, components, options.languages, own_actions, seen)
        if sheet.count() > MOST_ROWS:
            raise NotExpressibleError(
                f"{sheet.count() - 1:,} rows are more than the {MOST_ROWS - 1:,} that a sheet of {FORMAT_NAME} can "
                "hold: write csv or parquet, or ask for a part (fewer periods or codes)"
            )
        sheets.append(sheet)
    return _chunks(header, sheets)


def _again(first: Batch | None, rest: Iterator[Batch]) -> Iterator[Batch]:
    if first is not None:
        yield first
    yield from rest


def _sheet_names(datasets: Sequence[PreparedDataset]) -> list[str]:
    """Return a name a data set: the id of its dataflow, numbered where it comes again."""
    taken = {ABOUT.lower()}
    names = []
    for dataset in datasets:
        base = _NOT_IN_NAMES.sub("_", dataset.dsd.urn.id)[:MOST_SHEET_NAME]
        name, number = base, 1
        while name.lower() in taken:
            number += 1
            name = f"{base[: MOST_SHEET_NAME - 5]} ({number})"
        taken.add(name.lower())
        names.append(name)
    return names


def _chunks(header: Header, sheets: Sequence[_Sheet]) -> Iterator[bytes]:
    outbox = Outbox()
    instant = header.prepared.timetuple()[:6]
    with ExitStack() as stack, zipfile.ZipFile(outbox, "w") as archive:

        def part(name: str) -> zipfile.ZipInfo:
            info = zipfile.ZipInfo(name, max(instant, (1980, 1, 1, 0, 0, 0)))
            info.compress_type = zipfile.ZIP_DEFLATED
            return info

        names = [*(sheet.name for sheet in sheets), ABOUT]
        for name, text in _package(names).items():
            archive.writestr(part(name), text)
        for number, sheet in enumerate(sheets, 1):
            with archive.open(
                part(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True
            ) as file:
                sheet = sheet.looked_through(stack)
                file.write(sheet.opening().encode())
                file.write("".join(map(sheet.attribute_row, sheet.above())).encode())
                for batch in in_chunks(sheet.dataset.batches):
                    file.write(content(sheet.rows(batch)))
                    yield outbox.take()
                file.write(sheet.closing().encode())
        about = part(f"xl/worksheets/sheet{len(names)}.xml")
        archive.writestr(about, _about(header, sheets))
    yield outbox.take()


def _about(header: Header, sheets: Sequence[_Sheet]) -> str:
    """Return the sheet that tells what the others hold."""
    lines: list[tuple[str, str]] = [
        ("Message", header.id),
        ("Prepared", header.prepared.isoformat(timespec="seconds")),
        ("Sender", header.sender),
    ]
    for sheet in sheets:
        dataset = sheet.dataset
        lines += [
            ("", ""),
            (CAPTION_OF_SHEET, sheet.name),
            ("Structure", str(dataset.dsd.agreement or dataset.dsd.urn)),
            ("Name", sheet.structure_cells()[2]),
            ("Action", dataset.action.value),
            ("Observations", str(dataset.preamble.observations)),
        ]
        lines += [
            (caption, text)
            for name, caption in CAPTIONS
            if (text := getattr(dataset.said, name)) is not None
        ]
    rows = "".join(
        f"<row>{text_cell(name, style=1)}{text_cell(text)}</row>" if name else "<row/>"
        for name, text in lines
    )
    return (
        f'{_DECLARATION}<worksheet {_MAIN}><cols><col min="1" max="1" width="22" customWidth="1"/>'
        f'<col min="2" max="2" width="90" customWidth="1"/></cols><sheetData>{rows}</sheetData></worksheet>'
    )


def _package(names: Sequence[str]) -> dict[str, str]:
    """Return the parts that every workbook has, by name."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(names) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kinds}.worksheet+xml"/>'
        for n in numbers
    )
    sheets = "".join(
        f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    return {
        "[Content_Types].xml": f'{_DECLARATION}<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/>{overrides}</Types>',
        "_rels/.rels": f'{_DECLARATION}<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_DECLARATION}<workbook {_MAIN} xmlns:r="{_RELATIONS}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_DECLARATION}<Relationships xmlns="{package}/relationships">{relations}'
        f'<Relationship Id="rId{len(names) + 1}" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _styles(),
    }


def _styles() -> str:
    """Return the styles: plain, heading, then numbers with 0 to 30 decimals."""
    formats = [("0." + "0" * decimals).rstrip(".") for decimals in range(31)]
    own = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(formats)
    )
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    head = '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    numbers = "".join(
        f'<xf numFmtId="{164 + n}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for n in range(len(formats))
    )
    return (
        f'{_DECLARATION}<styleSheet {_MAIN}><numFmts count="{len(formats)}">{own}</numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        f'<cellStyleXfs count="1">{plain}</cellStyleXfs>'
        f'<cellXfs count="{len(formats) + 2}"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>{head}{numbers}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
