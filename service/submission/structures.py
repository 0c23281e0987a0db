"""Structures that are submitted: read, checked against the registry, and kept in one transaction.

SDMX-REST 2.2.2, doc/maintenance.md. One message is one transaction: all of it is done, or nothing.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from lxml import etree

from codelists.base import Maintainable
from codelists.urn import TYPE_OF_NAME, Urn
from dsd.finding import Report
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from service.access.accounts import ForbiddenError
from service.access.principal import Principal
from service.config import Settings, utc_now
from service.formats import UnknownFormatError
from service.formats.contract import EncodeOptions, Header, StructureFormat
from service.formats.recognition import HEAD_BYTES, recognise_structures
from service.formats.registry_xml import decode_structure_request
from service.query.source import Source
from service.registry.admission import identity_fault
from service.registry.maintenance import (
    INVALID,
    Maintenance,
    Outcome,
    Plan,
    StructureAction,
    Submission,
)
from service.registry.registries import Registries, as_text
from service.store.protocol import ArtefactChange, Artefacts, StructureRecord
from service.submission.body import BodyError, BodyTooLargeError, opened
from service.submission.place import Places


class UnreadableMessageError(ValueError):
    """A body that is no structure message, or a broken one; says where."""


class SubmissionTooLargeError(ValueError):
    """A body larger than the service takes; says how large it may be."""


class UnsupportedBodyError(ValueError):
    """A body of another kind than is taken, or than its Content-Type says."""


@dataclass(frozen=True)
class Asked:
    """What a request asks of the registry, beside its body."""

    request: str
    """Method and path, as the history keeps it."""
    principal: Principal
    action: StructureAction | None = None
    """For all artefacts; None where the message says it, or else as REST's POST."""
    type_name: str | None = None
    """The class that the URL names."""
    target: Urn | None = None
    """The one artefact that the URL names, which is there."""


@dataclass(frozen=True)
class Done:
    """What became of a message."""

    plan: Plan
    warnings: tuple[str, ...] = ()
    """What the message says that is not kept."""


@dataclass(frozen=True)
class _Message:
    """A structure message as read."""

    body: bytes
    format: StructureFormat
    artefacts: Sequence[Maintainable]
    id: str | None
    actions: dict[str, StructureAction]
    default: StructureAction | None
    warnings: tuple[str, ...]


class StructureDesk:
    """Takes structures in for one application."""

    def __init__(
        self, registries: Registries, artefacts: Artefacts, data: Source, settings: Settings
    ) -> None:
        self._registries = registries
        self._artefacts = artefacts
        self._data = data
        self._settings = settings

    def submit(self, body: bytes, declared: StructureFormat | None, asked: Asked) -> Done:
        """Do what a message asks, or nothing.

        Args:
            body: the message, packed or not.
            declared: the format that its Content-Type names, None where it names none.
            asked: by whom, and what.

        Raises:
            UnreadableMessageError: it is no structure message, or holds none.
            UnsupportedBodyError: it is of another format than declared.
            SubmissionTooLargeError: it unpacks to too much.
            ForbiddenError: some of it is of another agency.
        """
        message = self._read(body, declared)
        submissions = [_submission(artefact, message, asked) for artefact in message.artefacts]
        refused = _refused_by_url(submissions, asked)
        self._check_agencies(asked.principal, submissions)
        if refused is not None:
            return Done(refused)
        record = StructureRecord(
            asked.principal.account,
            asked.principal.agency,
            asked.request,
            message.id,
            hashlib.sha256(body).hexdigest(),
        )
        plan = self._carried_out(submissions, record, message.format)
        return Done(_with_places(plan, message), message.warnings)

    def delete(self, urn: Urn, item: str | None, asked: Asked) -> Done:
        """Delete an artefact, or one item of it by its path.

        Raises:
            ForbiddenError: it is of another agency.
        """
        submission = Submission(urn, StructureAction.DELETE, item=item)
        self._check_agencies(asked.principal, [submission])
        principal = asked.principal
        record = StructureRecord(principal.account, principal.agency, asked.request)
        return Done(self._carried_out([submission], record))

    def _carried_out(
        self,
        submissions: Sequence[Submission],
        record: StructureRecord,
        format: StructureFormat | None = None,
    ) -> Plan:
        with self._artefacts.changing():
            # In the turn to write: what it is checked against is what it is applied to.
            registry = self._registries.current()
            maintenance = Maintenance(
                registry,
                self._registries.base,
                self._data,
                lambda artefact: _as_sent(artefact, registry.structures, format),
            )
            plan = maintenance.plan(submissions)
            if plan.changes:
                changes = [
                    ArtefactChange(
                        str(change.urn),
                        change.action,
                        None if change.artefact is None else as_text(change.artefact),
                    )
                    for change in plan.changes
                ]
                self._artefacts.write(changes, record)
        return plan

    def _check_agencies(self, principal: Principal, submissions: Sequence[Submission]) -> None:
        others = {s.urn.agency for s in submissions if not principal.may_maintain(s.urn.agency)}
        if others:
            named = ", ".join(sorted(others))
            raise ForbiddenError(
                f"{principal.account} maintains the structures of {principal.agency}, not those of {named}"
            )

    # -- reading -----------------------------------------------------------------------------------

    def _read(self, body: bytes, declared: StructureFormat | None) -> _Message:
        limit = self._settings.max_submission_bytes
        try:
            with opened(body, self._settings.temporary_folder, limit) as unpacked:
                head = unpacked.stream.read(HEAD_BYTES)
                unpacked.stream.seek(0)
                found = recognise_structures(head)
                # Windows marks texts in UTF-8, which readers of JSON do not take.
                text = unpacked.stream.read().removeprefix(codecs.BOM_UTF8)
        except BodyTooLargeError as error:
            raise SubmissionTooLargeError(str(error)) from error
        except BodyError as error:
            raise UnreadableMessageError(str(error)) from error
        except UnknownFormatError as error:
            raise UnsupportedBodyError(str(error)) from error
        if found is None or found.decode is None:
            raise UnreadableMessageError("the body is no SDMX structure message")
        _check_declared(found, declared)
        try:
            return _decoded(found, text)
        except StructureMessageError as error:
            raise UnreadableMessageError(str(error)) from error


def _check_declared(found: StructureFormat, declared: StructureFormat | None) -> None:
    """Refuse a body of another format than its Content-Type says; plain XML and JSON say the family only."""
    if declared is not None and declared.name != found.name:
        raise UnsupportedBodyError(
            f"Content-Type says {declared.media_type};version={declared.version}, and the body is "
            f"{found.media_type};version={found.version}"
        )


def _decoded(found: StructureFormat, text: bytes) -> _Message:
    report = Report()
    default: StructureAction | None = None
    actions: dict[str, StructureAction] = {}
    request = decode_structure_request(text, report) if found.extension == ".xml" else None
    if request is not None:
        artefacts = request.artefacts
        default = _action(request.action)
        actions = {urn: _action(name) for urn, name in request.actions.items()}
    else:
        assert found.decode is not None  # noqa: S101 - checked by the caller
        artefacts = found.decode(text, report)
    if not artefacts:
        raise UnreadableMessageError("the message holds no structures")
    for artefact in artefacts:
        if artefact.type_name not in TYPE_OF_NAME:
            raise UnreadableMessageError(
                f"a {artefact.type_name} is no maintainable artefact; leave it out of the message"
            )
        if (fault := identity_fault(artefact)) is not None:
            raise UnreadableMessageError(f"{artefact.type_name} {artefact.id!r}: {fault}")
    warnings = tuple(finding.message for finding in report.findings)
    return _Message(text, found, artefacts, _message_id(text, found), actions, default, warnings)


def _as_sent(
    artefact: Maintainable, structures: Structures, format: StructureFormat | None
) -> Maintainable | None:
    """Return what is left of an artefact in a format that cannot express all of it, None where nothing is."""
    if format is None or format.encode is None or format.decode is None:
        return None
    # Reported, and so left out, not refused.
    options = EncodeOptions(report=Report())
    header = Header(id="AS_SENT", prepared=utc_now())
    body = b"".join(format.encode(header, [artefact], structures, options))
    return next((sent for sent in format.decode(body, Report()) if sent.urn == artefact.urn), None)


class _Meta(msgspec.Struct, frozen=True):
    id: str | None = None


class _Head(msgspec.Struct, frozen=True):
    """What a message of SDMX-JSON says of itself; 1.0 may call it otherwise."""

    meta: _Meta = _Meta()


def _message_id(text: bytes, found: StructureFormat) -> str | None:
    if found.extension == ".json":
        return msgspec.json.decode(text, type=_Head).meta.id
    for _, element in etree.iterparse(io.BytesIO(text), tag="{*}ID", resolve_entities=False):
        return element.text and str(element.text)
    return None


def _action(name: str) -> StructureAction:
    try:
        found = StructureAction(name)
    except ValueError:
        found = StructureAction.SUBMIT
    if found is StructureAction.SUBMIT:
        raise StructureMessageError(
            f"there is no action {name!r}: Append, Merge, Replace, Delete or Information"
        )
    return found


def _submission(artefact: Maintainable, message: _Message, asked: Asked) -> Submission:
    said = message.actions.get(str(artefact.urn), message.default)
    if said is not None and asked.action is not None and said is not asked.action:
        raise UnreadableMessageError(
            f"the message says {said.value} of {artefact.urn.short}, and the header Action says "
            f"{asked.action.value}: leave one away"
        )
    action = said or asked.action or StructureAction.SUBMIT
    return Submission(
        artefact.urn,
        action,
        None if action is StructureAction.DELETE else artefact,
        must_exist=asked.target is not None,
    )


def _refused_by_url(submissions: Sequence[Submission], asked: Asked) -> Plan | None:
    """Return why the artefacts are not what the URL names, None where they are."""
    if asked.target is not None and (len(submissions) != 1 or submissions[0].urn != asked.target):
        text = f"the URL names {asked.target.type} {asked.target.short}: the message must hold it alone"
        return Plan(tuple(_mismatch(entry, text) for entry in submissions))
    if asked.type_name is None or all(s.urn.type == asked.type_name for s in submissions):
        return None
    return Plan(
        tuple(
            _mismatch(entry, f"the URL takes artefacts of type {asked.type_name} only")
            for entry in submissions
        )
    )


def _mismatch(submission: Submission, text: str) -> Outcome:
    name = f"{submission.urn.type} {submission.urn.short}"
    action = submission.action
    said = StructureAction.REPLACE if action is StructureAction.SUBMIT else action
    return Outcome(submission.urn, said.value, INVALID, f"{name}: {text}")


def _with_places(plan: Plan, message: _Message) -> Plan:
    """Return the plan with the places in the message of what is wrong."""
    places = Places(message.body, message.format.extension == ".xml")
    return replace(plan, outcomes=tuple(_placed(outcome, places) for outcome in plan.outcomes))


def _placed(outcome: Outcome, places: Places) -> Outcome:
    if not outcome.faults:
        return outcome
    place = places.of(outcome.urn, outcome.faults[0].item)
    return outcome if place is None else replace(outcome, text=f"{place}: {outcome.text}")
