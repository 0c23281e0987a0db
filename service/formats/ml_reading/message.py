"""Reading a message exactly: the events of the parser, element by element.

The handler knows which element may stand where and what it says; it keeps no rows. A document type, and with it
every entity of the document's own, is refused; nesting and the length of a text are bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol
from xml.parsers import expat

from codelists.text import DEFAULT_LANGUAGE
from codelists.urn import Urn, UrnSyntaxError, parse_urn
from dsd.annotated import annotations_of, annotations_text
from dsd.batch import ANNOTATIONS
from dsd.dataset import SetAttributes
from dsd.finding import Finding, Severity
from dsd.localised import compose, is_language_tag
from service.formats.ml_reading.segment import (
    LIST_MARK,
    MARKUP_MARK,
    OF_SERIES,
    DatasetEnd,
    DatasetHead,
    Position,
    Segment,
    SegmentBuilder,
    StructureReference,
    Values,
    as_list_text,
    list_of,
)
from service.formats.ml_reading.vocabulary import (
    CHILDREN,
    COMMON,
    NOT_KEPT,
    OTHER_SET_WORDS,
    REFERENCES,
    SCOPES,
    SET_WORDS,
    VOCABULARIES,
    Vocabulary,
)
from service.formats.sdmx_ml_markup import Markup

MOST_DEPTH = 64
MOST_TEXT = 16 << 20
"""Characters of one text."""
TIME, MEASURE = "TIME_PERIOD", "OBS_VALUE"
_LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"

Item = DatasetHead | Segment | DatasetEnd
Attributes = Mapping[str, str]


class RefusedError(Exception):
    """The document is not one that is read; says why."""


class _Taker(Protocol):
    """Takes the events of the parser inside an element."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""

    def end(self) -> None:
        """Take the end of an element."""

    def characters(self, text: str) -> None:
        """Take text."""


class Place:
    """Where the parser stands in the message, counting what it was not given."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.skipped_lines = 0
        self.shift = 0
        """To add to the parser's column on its line `shifted_line`."""
        self.shifted_line = 0

    @property
    def line(self) -> int:
        """Line, from 1."""
        return self.parser.CurrentLineNumber + self.skipped_lines

    @property
    def characters(self) -> int:
        """Characters before this place on its line."""
        parser = self.parser
        shift = self.shift if parser.CurrentLineNumber == self.shifted_line else 0
        return parser.CurrentColumnNumber + shift

    def move(self, lines: int, characters: int, here: tuple[int, int]) -> None:
        """Count a text that the parser does not see.

        Args:
            lines: line ends in it.
            characters: those after its last line end, or all of it.
            here: what the parser itself says of its place: line and column.
        """
        line, column = here
        before = self.shift if line == self.shifted_line else 0
        self.shift = characters - column if lines else before + characters
        self.shifted_line = line
        self.skipped_lines += lines


class MessageHandler:
    """Turns the events of the parser into items: data set heads, segments, data set ends."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.place = Place(parser)
        self.items: deque[Item] = deque()
        self.builder = SegmentBuilder()
        self.events = 0
        """Grows with every event; a parser that is fed without any is inside one endless token."""
        self.encoding: str | None = None
        self.vocabulary: Vocabulary | None = None
        self.dataset: DatasetHead | None = None
        self.prefixes: dict[str | None, list[str | None]] = {}
        """Namespaces by prefix, the innermost last."""
        self.order = 0
        self.record_line = 0
        """Line on which a series, group or observation started last."""
        self.path: list[str] = []
        self._skipping = 0
        self._taker: _Taker | None = None
        """Takes what would be skipped."""
        self._is_in_cdata = False
        self._texts: list[str] | None = None
        self._text_length = 0
        self._references: dict[str, StructureReference] = {}
        self._structure_id = ""
        self._namespace: str | None = None
        self._header: dict[str, str] = {}
        self._footer = ""
        self._told: set[str] = set()
        """Names and kinds of deviations that were reported; each is once."""
        self._values: Values = {}
        """What the values that come belong to."""
        self._outer: list[Values] = []
        self._position = Position(0, 0, 0)
        self._series: Values | None = None
        """A series of which the builder has not heard, for its values may not be complete."""
        self._series_position = Position(0, 0, 0)
        self._group: Values | None = None
        self._group_position = Position(0, 0, 0)
        self._dataset_line = 0
        self._keyfamily = ""
        self._component = ""
        self._several: list[str] = []
        self._languages: dict[str, str] = {}
        self._language = ""
        self._is_marked_up = False
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "Group": self._start_group,
            "Series": self._start_series,
            "Obs": self._start_observation,
            "Atts": self._start_group,
            "ObsDimension": self._start_observation_dimension,
            "ObsValue": self._start_observation_value,
            "Time": self._start_text,
            "KeyFamilyRef": self._start_text,
            "Comp": self._start_component,
            "Text": self._start_text_in_a_language,
            "StructuredText": self._start_structured_text,
            "Annotations": self._start_annotations,
            "Value": self._start_value,
        }
        self._ends: dict[str, Callable[[], None]] = {
            "DataSet": self._end_dataset,
            "Group": self._end_group,
            "Atts": self._end_group,
            "Series": self._end_series,
            "Obs": self._end_observation,
            "Attributes": self._end_attributes,
            "Time": self._end_time,
            "KeyFamilyRef": self._end_key_family,
            "Comp": self._end_component,
            "Text": self._end_text_in_a_language,
            "StructuredText": self._end_structured_text,
            "Annotations": self._end_annotations,
            "Value": self._end_value,
        }
        self._attach(parser)

    def _attach(self, parser: expat.XMLParserType) -> None:
        parser.buffer_text = False
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self._document_type
        parser.XmlDeclHandler = self._declaration
        parser.StartNamespaceDeclHandler = self._start_namespace
        parser.EndNamespaceDeclHandler = self._end_namespace
        parser.StartCdataSectionHandler = self._start_cdata
        parser.EndCdataSectionHandler = self._end_cdata

    # -- what the bulk way asks ----------------------------------------------------------------------

    @property
    def is_between_records(self) -> bool:
        """True directly inside a data set: between series, groups and observations."""
        return self.dataset is not None and len(self.path) == 2 and not self._skipping

    @property
    def is_inside_a_series(self) -> bool:
        """True inside a series, at any depth."""
        return self.dataset is not None and len(self.path) > 2 and self.path[2] == "Series"

    def stand(self, fed: int) -> tuple[int, int] | None:
        """Return line and column of the parser where it stands between tokens, given how many bytes it was fed.

        None where it holds back a part of a tag, a comment or an instruction, or is inside a CDATA section.
        """
        parser = self.place.parser
        if self._is_in_cdata or self._taker is not None or parser.CurrentByteIndex != fed:
            return None
        return parser.CurrentLineNumber, parser.CurrentColumnNumber

    def fork(self, parser: expat.XMLParserType, context: str | None) -> MessageHandler:
        """Return a handler that stands where this one does, in a series of that name where one is given."""
        handler = MessageHandler(parser)
        handler.vocabulary, handler.dataset = self.vocabulary, self.dataset
        handler.path = ["", "DataSet"]
        handler._told = set(self._told)
        if context is not None:
            handler.path.append("Series")
            handler._outer.append({})
        return handler

    def tell_series(self) -> None:
        """Tell the builder of a series that is open, as its first observation would."""
        self._tell_series()

    # -- events ------------------------------------------------------------------------------------

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""
        self.events += 1
        if self._skipping or self._taker is not None:
            self._deeper()
            if self._taker is not None:
                self._count(len(name) + sum(map(len, attributes.values())))
                self._taker.start(name, attributes)
            return
        local = name.rpartition(" ")[2]
        if self.dataset is not None:
            self._start_inside(name, local, attributes)
        elif not self.path:
            self._start_root(name, local)
        elif local == "DataSet" and len(self.path) == 1:
            self._start_dataset(name, attributes)
        else:
            self._start_outside(local, attributes)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        self.events += 1
        if self._skipping:
            self._skipping -= 1
            if self._taker is not None:
                self._taker.end()
            return
        local = self.path[-1]
        if self.dataset is None:
            self._end_outside(local)
        else:
            handle = self._ends.get(local)
            if handle is not None:
                handle()
        self.path.pop()

    def characters(self, text: str) -> None:
        """Take text."""
        self.events += 1
        if self._taker is not None:
            self._count(len(text))
            self._taker.characters(text)
        elif self._texts is not None:
            if self._skipping:
                return
            self._count(len(text))
            self._texts.append(text)
        elif self.dataset is not None and not self._skipping and not text.isspace():
            self._tell_stray_text(self.path[-1])

    def _tell_stray_text(self, element: str) -> None:
        self._tell_once(
            "stray-text",
            Severity.WARNING,
            f"There is text in {element}, which has none in the standard; it was left out.",
        )

    def _count(self, length: int) -> None:
        self._text_length += length
        if self._text_length > MOST_TEXT:
            raise RefusedError(f"a text is longer than {MOST_TEXT} characters")

    def _deeper(self) -> None:
        self._skipping += 1
        if self._skipping + len(self.path) > MOST_DEPTH:
            raise RefusedError(f"elements are nested more than {MOST_DEPTH} deep")

    def _document_type(self, *_: object) -> None:
        raise RefusedError("it has a document type (DTD), which SDMX-ML never needs")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = encoding

    def _start_namespace(self, prefix: str | None, uri: str | None) -> None:
        self.prefixes.setdefault(prefix, []).append(uri)

    def _end_namespace(self, prefix: str | None) -> None:
        self.prefixes[prefix].pop()

    def _start_cdata(self) -> None:
        self._is_in_cdata = True

    def _end_cdata(self) -> None:
        self._is_in_cdata = False

    def _begin_text(self) -> None:
        self._texts, self._text_length = [], 0

    def _text(self) -> str:
        text = "".join(self._texts or ())
        self._texts = None
        return text

    # -- root and header -----------------------------------------------------------------------------

    def _start_root(self, name: str, local: str) -> None:
        space = name.rpartition(" ")[0]
        for entry in VOCABULARIES:
            if (entry.root, entry.message_namespace) == (local, space):
                self.vocabulary = entry
                self.path.append(local)
                return
        roots = ", ".join(sorted({entry.root for entry in VOCABULARIES}))
        namespaces = ", ".join(dict.fromkeys(entry.message_namespace for entry in VOCABULARIES))
        raise RefusedError(
            f"the root is {local} of {space or 'no namespace'}; an SDMX-ML data message has one of {roots}, "
            f"of a namespace of its version: {namespaces}"
        )

    def _start_outside(self, local: str, attributes: Attributes) -> None:
        """Take an element of the header, or one after the data sets."""
        self.path.append(local)
        if len(self.path) > MOST_DEPTH:
            raise RefusedError(f"elements are nested more than {MOST_DEPTH} deep")
        if self.path[1] not in ("Header", "Footer"):
            return
        self._begin_text()
        if local == "Message":
            self._footer = (
                f"{attributes.get('severity', 'Information')} {attributes.get('code', '')}"
            )
        if len(self.path) == 3 and local == "Structure":
            self._structure_id = attributes.get("structureID", "")
            self._namespace = attributes.get("namespace")
            self._references[self._structure_id] = StructureReference(
                _urn_of_namespace(self._namespace),
                attributes.get("dimensionAtObservation", TIME),
                attributes.get("explicitMeasures") in ("true", "1"),
            )
        elif local == "Ref" and len(self.path) == 5 and self.path[3] in REFERENCES:
            self._refer(
                Urn(
                    REFERENCES[self.path[3]],
                    attributes.get("agencyID", ""),
                    attributes.get("id", ""),
                    attributes.get("version", "1.0"),
                )
            )

    def _end_outside(self, local: str) -> None:
        if len(self.path) < 2 or self.path[1] not in ("Header", "Footer"):
            return
        text = self._text().strip()
        if self.path[1] == "Footer":
            self._tell_footer(text)
            return
        if self.path[2:] == ["Sender", "Timezone"]:
            self._tell_time_zone(text)
        if len(self.path) == 3:
            self._header.setdefault(local, text)
        is_reference = len(self.path) > 3 and self.path[2] == "Structure" and text
        if is_reference and self.path[3] in REFERENCES and local in (self.path[3], "URN"):
            try:
                self._refer(parse_urn(text))
            except UrnSyntaxError as error:
                raise RefusedError(str(error)) from error

    def _tell_footer(self, text: str) -> None:
        """Pass on what the sender says after the data: that they are not all, mostly."""
        if text:
            self._finding(
                "sender-error",
                Severity.WARNING,
                f"The sender of the message says ({self._footer.strip()}): {text}",
                value=text,
            )

    def _tell_time_zone(self, text: str) -> None:
        """Tell that periods without a time zone are by another clock than that of UTC. SDMX 3.1 Section 6, 4.2.10."""
        if text.removeprefix("-").removeprefix("+") not in ("", "Z", "00:00"):
            self._tell_once(
                "sender-time-zone",
                Severity.WARNING,
                f"The local time of the sender is {text}. Periods are kept as they are written: where moments are "
                "compared, those without a time zone are taken to be at UTC.",
                value=text,
            )

    def _refer(self, urn: Urn) -> None:
        known = self._references.get(self._structure_id)
        self._references[self._structure_id] = StructureReference(
            urn,
            known.dimension if known else TIME,
            bool(known and known.is_explicit),
        )

    # -- data set ----------------------------------------------------------------------------------

    def _start_dataset(self, name: str, attributes: Attributes) -> None:
        self.path.append("DataSet")
        self._dataset_line = self.place.line
        self._keyfamily = ""
        local = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        reference, problem = self._resolve(local, attributes)
        said = {field: local.get(word) for word, field in SET_WORDS.items() if word in local}
        # Headers name a data set too; the standard does not say which of several.
        if (named := self._header.pop("DataSetID", "")) and "set_id" not in said:
            said["set_id"] = named
        self.dataset = DatasetHead(
            self._words,
            reference,
            problem,
            local.get("action", self._header.get("DataSetAction") or None),
            SetAttributes(**said),
            self._dataset_line,
            is_to_the_letter=not self._bare_words(attributes),
        )
        self.items.append(self.dataset)
        values = {
            key: value
            for key, value in attributes.items()
            if key not in SET_WORDS and key not in OTHER_SET_WORDS and " " not in key
        }
        position = self._record()
        if values and not self._words.is_generic:
            self.builder.stated(values, position)
        self._values = {}
        self._tell_deviations(name, attributes)

    def _bare_words(self, attributes: Attributes) -> list[str]:
        """Return the XML attributes of a data set that lack the namespace which its schema has them in."""
        if self._words.is_generic or self._words.version == "2.0":
            return []
        return sorted(attributes.keys() & (SET_WORDS.keys() | OTHER_SET_WORDS))

    def _tell_deviations(self, name: str, attributes: Attributes) -> None:
        """Report how the element of a data set is written otherwise than its schema has it."""
        words = self._words
        if words.version == "2.0":
            return
        space = name.rpartition(" ")[0]
        if space != words.message_namespace:
            self._tell_namespace("DataSet", space, words.message_namespace)
        for word in self._bare_words(attributes):
            self._tell_namespace(word, "", "the namespace of structure-specific data")
        scope = next((v for k, v in attributes.items() if k.endswith(" dataScope")), None)
        if words.version == "2.1" and scope is not None and scope not in SCOPES:
            self._tell_once(
                "sender-deviation",
                Severity.INFO,
                f"dataScope is one of {', '.join(sorted(SCOPES))}, not {scope!r}; it says nothing that was needed.",
                value=scope,
            )

    def _resolve(
        self, local: Attributes, attributes: Attributes
    ) -> tuple[StructureReference | None, str]:
        """Return which structure a data set has, or why that is not known."""
        if self._words.version == "2.0":
            return self._resolve_20(local)
        named = local.get("structureRef")
        if named is not None and named in self._references:
            found = self._references[named]
            return found, "" if found.urn else f"the header names no structure as {named!r}"
        known = {reference.urn: reference for reference in self._references.values()}
        if len(known) == 1:
            (found,) = known.values()
            if found.urn is not None:
                self._tell_later(named)
                return found, ""
        return None, (
            f"structureRef {named!r} is not in the header"
            if named is not None
            else "it has no structureRef, and the header does not name one structure"
        )

    def _tell_later(self, named: str | None) -> None:
        self._finding(
            "wrong-structure-ref",
            Severity.WARNING,
            f"The structureRef of the data set is {named!r}, which is not in the header; the one structure of the "
            "header was taken.",
            value=named,
        )

    def _resolve_20(self, local: Attributes) -> tuple[StructureReference | None, str]:
        """Return the structure of a data set of version 2.0: its dataflow, else its key family."""
        header = self._header
        agency = local.get("dataflowAgencyID") or header.get("KeyFamilyAgency") or ""
        family = header.get("KeyFamilyRef") or _family_of(local.get("keyFamilyURI"))
        if local.get("dataflowID"):
            urn = Urn("Dataflow", agency, local["dataflowID"], "*")
        elif family:
            urn = Urn("DataStructure", header.get("KeyFamilyAgency") or "", family, "*")
        else:
            return None, "it names neither a dataflow nor a key family"
        return StructureReference(urn, TIME, is_explicit=False), ""

    def _end_dataset(self) -> None:
        segment = self.builder.take()
        if segment is not None:
            self.items.append(segment)
        self.items.append(DatasetEnd())
        self.dataset = None

    # -- inside a data set -----------------------------------------------------------------------------

    def _start_inside(self, name: str, local: str, attributes: Attributes) -> None:
        parent = self.path[-1]
        if self._is_named_group(parent, local, attributes):
            local = "Group"
        # What a series says of itself comes before its observations.
        is_late = (
            parent == "Series" and local not in ("Obs", "Annotations") and self._series is None
        )
        if is_late or local not in CHILDREN.get(parent, ()):
            self._start_other(local, parent)
            return
        if name not in self._told:
            self._check_namespace(name, local)
        self.path.append(local)
        handle = self._starts.get(local)
        if handle is not None:
            handle(attributes)

    def _is_named_group(self, parent: str, local: str, attributes: Attributes) -> bool:
        """Tell whether an element is a group under its own name, as SDMX-ML 2.0 compact has them."""
        if parent != "DataSet" or self._words.data_namespace is not None or not attributes:
            return False
        return local not in CHILDREN[parent] and local not in NOT_KEPT

    def _start_other(self, local: str, parent: str) -> None:
        """Leave out an element that has no place here, and say so."""
        if local == "Annotations":
            self._tell_once(
                "annotations-not-kept",
                Severity.WARNING,
                f"{parent} has annotations, which are not kept: they are of data sets, groups, series and observations.",
                mark=parent,
            )
        elif local == "Metadata":
            self._tell_once(
                "metadata-not-kept",
                Severity.WARNING,
                f"{parent} has reference metadata, which are not kept.",
            )
        elif local == "DataProvider":
            self._tell_once(
                "sender-deviation",
                Severity.INFO,
                "The data set names its provider, which is not kept: a provision agreement in the header does.",
                mark=local,
            )
        else:
            self._tell_once(
                "unknown-element",
                Severity.ERROR,
                f"{local} has no place in {parent} of {self._title}; it was left out with all that it holds.",
                mark=f"{parent}/{local}",
                value=local,
            )
        self._deeper()

    @property
    def _words(self) -> Vocabulary:
        """The vocabulary of the message, which is known once its root is."""
        if self.vocabulary is None:
            raise RefusedError("it has no root")
        return self.vocabulary

    @property
    def _title(self) -> str:
        return self._words.title

    def _check_namespace(self, name: str, local: str) -> None:
        self._told.add(name)
        expected = self._words.data_namespace
        space = name.rpartition(" ")[0]
        if expected is None or space == expected or local in COMMON:
            return
        self._tell_namespace(local, space, expected)

    def _tell_namespace(self, local: str, space: str, expected: str) -> None:
        self._tell_once(
            "unexpected-namespace",
            Severity.INFO,
            f"{local} is of {space or 'no namespace'}, in {self._title} it is of "
            f"{expected or 'none'}; it was read all the same.",
            mark=f"{space} {local}",
            value=local,
        )

    def _record(self) -> Position:
        """Return the position of an element that is counted."""
        place = self.place
        line = place.line
        column = place.characters + 1 if line == self.record_line else 0
        self.record_line = line
        self.order += 1
        self._position = Position(self.order, line, column)
        return self._position

    def _enter(self, values: Values) -> None:
        self._outer.append(self._values)
        self._values = values

    def _leave(self) -> Values:
        values = self._values
        self._values = self._outer.pop()
        return values

    def _start_group(self, attributes: Attributes) -> None:
        self._group_position = self._record()
        self._group = dict(attributes)
        self._enter(self._group)

    def _end_group(self) -> None:
        self._leave()
        self._tell_group()

    def _tell_group(self) -> None:
        if self._group is not None:
            self.builder.stated(self._group, self._group_position)
        self._group = None

    def _start_series(self, attributes: Attributes) -> None:
        self._tell_group()
        self._series_position = self._record()
        self._series = dict(attributes)
        self._enter(self._series)

    def _end_series(self) -> None:
        self._tell_series()
        self._leave()
        self.builder.series_end()

    def _tell_series(self) -> None:
        if self._series is not None:
            self.builder.series(self._series, self._series_position)
        self._series = None

    def _start_observation(self, attributes: Attributes) -> None:
        self._tell_series()
        self._record()
        self._enter(dict(attributes))

    def _end_observation(self) -> None:
        self.builder.observation(self._leave(), self._position)

    def _end_attributes(self) -> None:
        """Tell of the attributes of a generic data set; those of others belong to their element."""
        if len(self.path) == 3 and self._values:
            self.builder.stated(self._values, self._record())
            self._values = {}

    def _put(self, id: str, value: str) -> None:
        if id in self._values:
            self._finding(
                "duplicate-component",
                Severity.ERROR,
                f"{id} has two values in one {self.path[-2]}; the first was kept.",
                component=id,
                value=";".join(list_of(value)) if value.startswith(LIST_MARK) else value,
            )
        self._values.setdefault(id, value)

    def _start_value(self, attributes: Attributes) -> None:
        if self.path[-2] == "Comp":
            self._languages, self._is_marked_up = {}, False
            self._begin_text()
            return
        word = self._words.id_word
        id = attributes.get(word)
        if id is None:
            self._finding(
                "value-without-id",
                Severity.ERROR,
                f"A Value has no {word}, which says of which component it is; it was left out.",
                value=attributes.get("value"),
            )
            return
        self._put(id, attributes.get("value", ""))

    def _start_observation_dimension(self, attributes: Attributes) -> None:
        reference = self.dataset.reference if self.dataset else None
        default = reference.dimension if reference else TIME
        self._put(attributes.get("id", default), attributes.get("value", ""))

    def _start_observation_value(self, attributes: Attributes) -> None:
        if "value" in attributes:
            self._put(attributes.get("id", MEASURE), attributes["value"])

    # -- annotations -------------------------------------------------------------------------------

    def _start_annotations(self, attributes: Attributes) -> None:
        # Imported where it is needed: few data have annotations, and what reads them is what reads structures.
        from service.formats.sdmx_ml_annotation import AnnotationsReader

        self._taker, self._text_length = AnnotationsReader(self._words.form), 0

    def _end_annotations(self) -> None:
        from service.formats.sdmx_ml_annotation import AnnotationsReader

        reader, self._taker = self._taker, None
        assert isinstance(reader, AnnotationsReader)  # noqa: S101 (what its start made)
        found, problems = reader.read()
        owner = self.path[-2]
        for problem in problems:
            self._finding(
                "annotations-not-kept",
                Severity.WARNING,
                f"{owner} has an annotation that is none of the standard's, and is not kept: {problem}.",
            )
        if not found:
            return
        text = annotations_text(found)
        position = Position(self.order, self.place.line, 0)
        if owner == "DataSet":
            self.builder.stated({ANNOTATIONS: text}, position)
        elif owner == "Series" and self._series is None:
            # Version 2.0 has them after the observations.
            self.builder.stated(self._values | {ANNOTATIONS: text, OF_SERIES: ""}, position)
        elif ANNOTATIONS in self._values:
            more = (*annotations_of(self._values[ANNOTATIONS]), *found)
            self._values[ANNOTATIONS] = annotations_text(more)
        else:
            self._values[ANNOTATIONS] = text

    # -- texts -------------------------------------------------------------------------------------

    def _start_text(self, attributes: Attributes) -> None:
        self._begin_text()

    def _end_time(self) -> None:
        self._put(TIME, self._text())

    def _end_key_family(self) -> None:
        """Take the key family of a generic data set of version 2.0; the header's wins."""
        family = self._text().strip()
        if self.dataset is None or self.dataset.reference is not None or not family:
            return
        urn = Urn("DataStructure", self._header.get("KeyFamilyAgency") or "", family, "*")
        head = self.dataset
        self.dataset = DatasetHead(
            head.vocabulary,
            StructureReference(urn, TIME, is_explicit=False),
            "",
            head.action,
            head.said,
            head.line,
        )
        self.items[self.items.index(head)] = self.dataset

    def _start_component(self, attributes: Attributes) -> None:
        self._component = attributes.get("id", "")
        self._several = []

    def _end_component(self) -> None:
        self.builder.list_seen()
        self._put(self._component, as_list_text(self._several))

    def _start_text_in_a_language(self, attributes: Attributes) -> None:
        self._language = attributes.get(_LANGUAGE, DEFAULT_LANGUAGE)
        self._tell_mixed(self._text())
        self._begin_text()

    def _end_text_in_a_language(self) -> None:
        self._add_text(self._text())

    def _start_structured_text(self, attributes: Attributes) -> None:
        self._language = attributes.get(_LANGUAGE, DEFAULT_LANGUAGE)
        self._taker, self._text_length = Markup(), 0

    def _end_structured_text(self) -> None:
        markup, self._taker = self._taker, None
        assert isinstance(markup, Markup)  # noqa: S101 (what its start made)
        if markup.foreign:
            self._tell_once(
                "structured-text",
                Severity.WARNING,
                f"{self._component} has marked-up text with what is none of XHTML: {', '.join(markup.foreign)}; "
                "of elements their names alone were kept, XML attributes were left out.",
                component=self._component,
                value=markup.foreign[0],
            )
        self._is_marked_up = True
        self._add_text(markup.text())

    def _tell_mixed(self, text: str) -> None:
        """Report text that stands in a value beside texts in languages."""
        if text and not text.isspace():
            self._tell_stray_text("Value beside its Text")

    def _add_text(self, text: str) -> None:
        """Take a text of the value, one a language."""
        if self._language in self._languages:
            self._tell_duplicate(self._language, text)
        self._languages.setdefault(self._language, text)

    def _tell_duplicate(self, language: str, text: str) -> None:
        self._finding(
            "duplicate-component",
            Severity.ERROR,
            f"{self._component} has two texts in the language {language!r}; the first was kept.",
            component=self._component,
            value=text,
        )

    def _end_value(self) -> None:
        if self.path[-2] != "Comp":
            return
        text = self._text()
        if self._languages:
            self._tell_mixed(text)
            text = self._localised()
        self._several.append(f"{MARKUP_MARK}{text}" if self._is_marked_up else text)

    def _localised(self) -> str:
        """Return the texts of a value as one."""
        texts: dict[str, str] = {}
        for language, text in self._languages.items():
            tag = language.replace("_", "-")
            if not is_language_tag(tag):
                self._tell_once(
                    "sender-deviation",
                    Severity.INFO,
                    f"{language!r} names no language; what is in it was taken as English.",
                    mark=language,
                    component=self._component,
                    value=language,
                )
                tag = DEFAULT_LANGUAGE
            if tag in texts:
                self._tell_duplicate(tag, text)
            texts.setdefault(tag, text)
        return compose(texts)

    # -- findings ----------------------------------------------------------------------------------

    def _tell_once(
        self, rule: str, severity: Severity, message: str, *, mark: str = "", **more: str | None
    ) -> None:
        mark = f"{rule} {mark}"
        if mark not in self._told:
            self._told.add(mark)
            self._finding(rule, severity, message, **more)

    def _finding(self, rule: str, severity: Severity, message: str, **more: str | None) -> None:
        position = Position(self.order, self.place.line, 0)
        self.builder.finding(
            position,
            Finding(
                rule=rule,
                severity=severity,
                message=message,
                locator=position.locator,
                **more,  # type: ignore[arg-type]
            ),
        )


def _urn_of_namespace(namespace: str | None) -> Urn | None:
    """Return the structure that a target namespace names: `URN:ObsLevelDim:TIME_PERIOD`."""
    if namespace is None or not namespace.startswith("urn:sdmx:"):
        return None
    try:
        return parse_urn(namespace.partition(":ObsLevelDim")[0])
    except UrnSyntaxError:
        return None


def _family_of(uri: str | None) -> str:
    """Return the key family that a URI of version 2.0 names."""
    return (uri or "").rpartition(":")[2]
