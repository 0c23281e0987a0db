"""All that shows comments on one sheet: their texts, their boxes, and threads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from converters.annotation.book import AnnotationError, Book
from converters.annotation.mark import Mark
from converters.annotation.note import Comments, Run, new_comments
from converters.annotation.note_box import (
    Boxes,
    DrawingError,
    Size,
    anchor_of,
    blocks_of,
    size_of,
)
from converters.annotation.package import Package, new_root, write_xml
from converters.annotation.sheet import Sheet
from converters.annotation.thread import Threads, add_person
from converters.grid import parse_reference

_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_PERSON_TYPE = "application/vnd.ms-excel.person+xml"
_PERSON_RELATION = "http://schemas.microsoft.com/office/2017/10/relationships/person"
_PERSONS = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"


@dataclass(frozen=True)
class Note:
    """What is to be said at a cell."""

    cell: str
    runs: Sequence[Run]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(run.text for run in self.runs)


class SheetNotes:
    """The comments of one sheet, with the parts that they take."""

    def __init__(self, book: Book, part: str, sheet: Sheet) -> None:
        self._book = book
        self._package: Package = book.package
        self._part = part
        self._sheet = sheet
        self._comments_part = self._package.related(part, "comments")
        self._threads_part = self._package.related(part, "threadedComment")
        self._drawing_part = self._find_drawing()

    def _find_drawing(self) -> str | None:
        id = self._sheet.legacy_drawing
        if id is None:
            return None
        found = next((r.target for r in self._package.relations(self._part) if r.id == id), None)
        if found is None or found not in self._package:
            raise AnnotationError(f"the workbook is damaged: {self._part} names a part it lacks")
        return found

    def _comments(self) -> Comments | None:
        if self._comments_part is None:
            return None
        return Comments(self._package.root(self._comments_part))

    def _boxes(self) -> Boxes | None:
        if self._drawing_part is None:
            return None
        try:
            # Bytes of any other encoding come out as they went in.
            return Boxes(self._package.read(self._drawing_part).decode("utf-8", "surrogateescape"))
        except DrawingError as error:
            raise AnnotationError(f"{self._drawing_part}: {error}") from error

    def _write(self, boxes: Boxes) -> None:
        if self._drawing_part is not None:
            self._package.write(self._drawing_part, str(boxes).encode("utf-8", "surrogateescape"))

    # -- what an earlier annotation wrote ------------------------------------------------------------

    def numbers(self) -> dict[str, int]:
        """Return the number of the mark that each comment names, by cell."""
        comments = self._comments()
        if comments is None:
            return {}
        found = {cell: comments.marks(cell) for cell in comments.cells}
        return {cell: numbers[-1] for cell, numbers in found.items() if numbers}

    def strip(self, marks: dict[str, Mark]) -> None:
        """Take our texts out of the comments.

        Args:
            marks: what is remembered of the cells.
        """
        if (
            self._threads_part is not None
            and Threads(self._package.root(self._threads_part)).strip()
        ):
            self._package.edit(self._threads_part)
        comments, ours = self._comments(), self.numbers()
        if comments is None or self._comments_part is None or not ours:
            return
        self._package.edit(self._comments_part)
        gone = {parse_reference(cell) for cell in ours if comments.strip(cell)}
        boxes = self._boxes()
        if boxes is None:
            return
        boxes.remove(gone)
        moved = {
            parse_reference(cell): anchor
            for cell in ours
            if cell in marks and (anchor := marks[cell].before.anchor) is not None
        }
        boxes.move({place: anchor for place, anchor in moved.items() if place not in gone})
        self._write(boxes)

    def remove_if_empty(self) -> None:
        """Remove the parts where no comment and no control is left."""
        comments, boxes = self._comments(), self._boxes()
        if comments is None or boxes is None or not comments.is_empty or boxes.has_shapes:
            return
        for part in (self._comments_part, self._drawing_part):
            if part is not None:
                self._package.unrelate(self._part, part)
                self._package.remove(part)
        self._sheet.set_legacy_drawing(None)
        self._comments_part = self._drawing_part = None

    # -- what this one writes ------------------------------------------------------------------------

    def anchors(self) -> dict[str, str]:
        """Return where the box of each comment stands that has one, by cell."""
        comments, boxes = self._comments(), self._boxes()
        if comments is None or boxes is None:
            return {}
        stand = boxes.anchors()
        return {
            cell: stand[place]
            for cell in comments.cells
            if (place := parse_reference(cell)) in stand
        }

    def add(self, notes: Sequence[Note], at: datetime) -> None:
        """Add texts to the comments of cells."""
        if not notes:
            return
        comments = Comments(self._package.edit(self._make_comments()))
        boxes = self._make_boxes()
        threads = self._threads()
        stand = boxes.anchors()
        new: list[tuple[int, int, str, Size]] = []
        moved: dict[tuple[int, int], str] = {}
        for note in notes:
            row, column = parse_reference(note.cell)
            comments.add(note.cell, note.runs)
            if threads is not None and note.cell in threads.cells:
                threads.reply(note.cell, note.text, at)
                self._enter_person()
                continue
            size = size_of(comments.text(note.cell) or "")
            anchor = anchor_of(self._sheet, row, column, size)
            if (row, column) in stand:
                moved[row, column] = anchor
            else:
                new.append((row, column, anchor, size))
        boxes.move(moved)
        boxes.add(new, set(self._other_blocks()))
        self._write(boxes)

    def _threads(self) -> Threads | None:
        if self._threads_part is None:
            return None
        return Threads(self._package.root(self._threads_part))

    def _enter_person(self) -> None:
        if self._threads_part is not None:
            self._package.edit(self._threads_part)
        persons = self._package.related(self._book.part, "person")
        if persons is None:
            persons = self._package.free_name("xl/persons/person{}.xml")
            self._package.write(persons, write_xml(new_root(_PERSONS, "personList")))
            self._package.declare(persons, _PERSON_TYPE)
            self._package.relate(self._book.part, _PERSON_RELATION, persons)
        add_person(self._package.edit(persons))

    def _make_comments(self) -> str:
        """Return the part of the comments, made where there is none."""
        if self._comments_part is None:
            part = self._package.free_name("xl/comments{}.xml")
            self._package.write(part, write_xml(new_comments(self._book.namespace)))
            self._package.declare(part, _COMMENTS_TYPE)
            self._package.relate(self._part, f"{self._book.relation_types}/comments", part)
            self._comments_part = part
        return self._comments_part

    def _make_boxes(self) -> Boxes:
        """Return the boxes of the comments; their part is made where there is none."""
        boxes = self._boxes()
        if boxes is not None:
            return boxes
        part = self._package.free_name("xl/drawings/vmlDrawing{}.vml")
        boxes = Boxes.empty(1 + max(self._other_blocks(), default=0))
        self._package.write(part, str(boxes).encode("utf-8"))
        self._package.declare_ending("vml", _DRAWING_TYPE)
        types = self._book.relation_types
        relation = self._package.relate(self._part, f"{types}/vmlDrawing", part)
        self._drawing_part = part
        self._sheet.set_legacy_drawing(relation)
        return boxes

    def _other_blocks(self) -> Iterable[int]:
        """Yield the blocks of shape numbers that the other drawings of the workbook use."""
        for name in self._package.names():
            if name.lower().endswith(".vml") and name != self._drawing_part:
                yield from blocks_of(self._package.read(name).decode("utf-8", "surrogateescape"))
