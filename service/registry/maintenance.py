"""What a message does to the registry: each artefact's outcome, and the changes if all of them are well.

SDMX-REST 2.2.2, doc/maintenance.md; the actions of a SubmitStructureRequest: SDMX 3.1 Section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from codelists.base import Maintainable, replaced
from codelists.item_scheme import ItemScheme
from codelists.urn import Urn
from dsd.final_version import is_final_artefact
from dsd.structures import Structures
from service.query.source import Source
from service.registry.admission import Fault, References, faults_within, restriction_faults
from service.registry.compatibility import broken_promise
from service.registry.item_update import merged, with_other_languages, without_item
from service.registry.references import Identity, closure, identity
from service.registry.registry import Registry
from service.registry.stored_data import orphaning_faults

CREATED, DONE, MIXED = 201, 200, 207
NOT_FOUND, CONFLICT, INVALID, DEPENDENT = 404, 409, 422, 424
_MOST_FAULTS = 10
"""Faults of one artefact that are told."""


AsSent = Callable[[Maintainable], Maintainable | None]


class StructureAction(StrEnum):
    """What is to be done with the artefacts of a message."""

    SUBMIT = "Submit"
    """REST's POST and PUT: created, or replaced; a partial item scheme changes the items that it lists."""
    APPEND = "Append"
    """Only what is not there: new artefacts, and new items by a partial scheme."""
    MERGE = "Merge"
    """As SUBMIT, and every item scheme as if it were partial. Not in SDMX 3.0: an action of FMR and of 3.1."""
    REPLACE = "Replace"
    """Created or replaced as they are, partial or not."""
    DELETE = "Delete"
    INFORMATION = "Information"
    """Nothing is done: the outcome tells what SUBMIT would do."""


@dataclass(frozen=True)
class Submission:
    """One artefact of a message, and what is to be done with it."""

    urn: Urn
    action: StructureAction
    artefact: Maintainable | None = None
    """What was submitted; DELETE needs none."""
    item: str | None = None
    """With DELETE: the item that goes, by its path."""
    must_exist: bool = False
    """PUT changes what is there."""


@dataclass(frozen=True)
class Outcome:
    """What became of one artefact of a message."""

    urn: Urn
    action: str
    """Append, Replace, Delete or Information, as the response says it."""
    code: int
    """HTTP status for this artefact alone."""
    text: str
    faults: tuple[Fault, ...] = ()
    warning: str | None = None
    """What was done and is better done otherwise."""

    @property
    def is_failure(self) -> bool:
        """True where it is the reason for which the message is refused, or suffers by that."""
        return self.code >= 400


@dataclass(frozen=True)
class Planned:
    """One change of the registry."""

    urn: Urn
    action: str
    artefact: Maintainable | None
    """None where it is deleted."""


@dataclass(frozen=True)
class Plan:
    """What a message comes to: `changes` is empty where anything fails."""

    outcomes: tuple[Outcome, ...]
    changes: tuple[Planned, ...] = ()

    @property
    def is_refused(self) -> bool:
        """True where nothing is to be done because something fails."""
        return any(outcome.is_failure for outcome in self.outcomes)

    @property
    def status(self) -> int:
        """Return the HTTP status of the whole message."""
        codes = [o.code for o in self.outcomes if o.code != DEPENDENT]
        if self.is_refused:
            return next(code for code in codes if code >= 400)
        return MIXED if len(set(codes)) > 1 else codes[0]


@dataclass
class _Step:
    """One submission on its way to an outcome."""

    submission: Submission
    before: Maintainable | None
    after: Maintainable | None = None
    code: int = DONE
    faults: list[Fault] = field(default_factory=list)
    is_change: bool = True
    warning: str | None = None

    def fail(self, code: int, text: str, item: str | None = None) -> None:
        """Keep a fault; the first one decides the code."""
        if not self.faults:
            self.code = code
        self.faults.append(Fault(text, code == CONFLICT, item))

    @property
    def is_for_information(self) -> bool:
        """True where nothing is to be done."""
        return self.submission.action is StructureAction.INFORMATION

    @property
    def action(self) -> str:
        """Return the action as the response says it."""
        if self.is_for_information:
            return "Information"
        if self.submission.action is StructureAction.DELETE:
            return "Delete"
        return "Append" if self.before is None else "Replace"


class Maintenance:
    """Plans changes of one state of the registry."""

    def __init__(
        self,
        registry: Registry,
        base: Structures,
        data: Source | None = None,
        as_sent: AsSent = lambda _: None,
    ) -> None:
        """Plan on one state of the registry.

        Args:
            registry: the state.
            base: the built-in artefacts.
            data: stored observations, which must stay readable.
            as_sent: how a stored artefact looks in the format of the message.
        """
        self._registry = registry
        self._base = base
        self._data = data
        self._as_sent = as_sent

    def plan(self, submissions: Sequence[Submission]) -> Plan:
        """Return what becomes of the artefacts of a message: of all of them, or of none."""
        steps = [self._step(submission) for submission in submissions]
        _refuse_repeated(steps)
        # Together, even where some have failed already: whoever submits sees all that is wrong at once.
        sound = [step for step in steps if step.is_change and not step.faults]
        self._check_together([step for step in sound if not step.is_for_information])
        if any(step.is_for_information for step in sound) and not any(s.faults for s in steps):
            self._check_together(sound)
        return _concluded(steps)

    # -- one artefact ------------------------------------------------------------------------------

    def _step(self, submission: Submission) -> _Step:
        step = _Step(submission, self._stored(submission.urn))
        if submission.action is StructureAction.DELETE or submission.artefact is None:
            self._delete(step)
        else:
            self._submit(step, submission.artefact)
        if not step.faults and step.is_change:
            self._refuse_final(step, step.before)
        return step

    def _stored(self, urn: Urn) -> Maintainable | None:
        versions = self._registry.structures.versions(urn.type, urn.agency, urn.id)
        return versions.get(urn.version)

    def _is_built_in(self, urn: Urn) -> bool:
        return urn.version in self._base.versions(urn.type, urn.agency, urn.id)

    def _delete(self, step: _Step) -> None:
        urn, item = step.submission.urn, step.submission.item
        if step.before is None:
            step.fail(NOT_FOUND, f"there is no {urn.type} {urn.short}")
        elif item is not None:
            step.after = without_item(step.before, item)
            if step.after is None:
                step.fail(NOT_FOUND, f"{urn.short} has no item {item}")
        elif self._is_built_in(urn):
            step.fail(CONFLICT, "it comes with the release, and can be replaced but not deleted")

    def _submit(self, step: _Step, artefact: Maintainable) -> None:
        before = step.before
        if artefact.is_external_reference:
            step.fail(
                INVALID,
                "it is a stub (isExternalReference): submit it whole, or leave it out of the message",
            )
            return
        if before is None and (
            step.submission.must_exist or _is_update(step.submission.action, artefact)
        ):
            step.fail(NOT_FOUND, f"there is no {artefact.urn.type} {artefact.urn.short} to change")
            return
        if before is not None and type(artefact) is not type(before):
            step.fail(INVALID, f"the one that is stored is a {type(before).__name__}")
            return
        step.after = _updated(step.submission.action, artefact, before)
        for fault in faults_within(step.after):
            step.fail(INVALID, fault.text, fault.item)
        if before is None:
            step.code = INVALID if step.faults else DONE if step.is_for_information else CREATED
            step.warning = broken_promise(step.after, self._registry.structures)
        elif same(before, step.after) or self._says_no_more(before, artefact):
            step.is_change = False
        elif step.submission.action is StructureAction.APPEND:
            _refuse_overwriting(step, artefact, before)

    def _says_no_more(self, before: Maintainable, artefact: Maintainable) -> bool:
        """Tell whether an artefact is the stored one as its format has it, which may be less than is stored."""
        sent = self._as_sent(before)
        return sent is not None and same(sent, artefact)

    def _refuse_final(self, step: _Step, before: Maintainable | None) -> None:
        if before is not None and is_final_artefact(before):
            what = "deleted" if step.submission.action is StructureAction.DELETE else "changed"
            step.fail(
                CONFLICT,
                f"version {before.version} is final and cannot be {what}; "
                "submit the change as a new version (SDMX 3.1 Section 6, Versioning)",
            )

    # -- all of them -------------------------------------------------------------------------------

    def _check_together(self, steps: Sequence[_Step]) -> None:
        old = self._registry.structures
        new = with_changes(old, ((step.submission.urn, step.after) for step in steps))
        references = References(new)
        for step in steps:
            if step.after is not None:
                for fault in references.faults(step.after):
                    step.fail(CONFLICT if fault.conflict else INVALID, fault.text, fault.item)
        touched = {_key(step.submission.urn): step for step in steps}
        self._check_referrers(steps, touched, references)
        if any(step.faults for step in steps):
            return
        self._check_restrictions(steps, touched, new)
        if self._data is not None:
            displaced = [(step, found) for step in steps for found in self._displaced(step)]
            for step, text in orphaning_faults(self._registry, new, self._data, displaced):
                step.fail(CONFLICT, text)

    def _displaced(self, step: _Step) -> list[Maintainable]:
        """Return the artefacts in whose place another may be found after a change.

        That which is changed; of a new version all others, as a reference such as `1.0+.0` may find it from now on.
        """
        if step.before is not None:
            return [step.before]
        urn = step.submission.urn
        return list(self._registry.structures.versions(urn.type, urn.agency, urn.id).values())

    def _check_referrers(
        self, steps: Iterable[_Step], touched: dict[Identity, _Step], references: References
    ) -> None:
        before = References(self._registry.structures)
        for step in steps:
            referrers = {
                identity(referrer): referrer
                for displaced in self._displaced(step)
                for referrer in self._registry.graph.parents(displaced)
            }
            # The references of those that change too are checked as they will be.
            for key in sorted(referrers.keys() - touched.keys()):
                referrer = referrers[key]
                known = set(before.broken(referrer))
                for text in references.broken(referrer):
                    if text not in known:
                        step.fail(
                            CONFLICT,
                            f"{referrer.type_name} {referrer.urn.short} refers to it, and would name "
                            f"what is not there: {text}",
                        )

    def _check_restrictions(
        self, steps: Sequence[_Step], touched: dict[Identity, _Step], new: Structures
    ) -> None:
        """Check constraints against what they restrict, of whichever of both has changed."""
        old = self._registry.structures
        for step in steps:
            concerned: dict[Identity, Maintainable] = {}
            if step.submission.urn.type in _SHAPING:
                concerned = closure(self._displaced(step), self._registry.graph.parents)
            if step.after is not None:
                concerned[identity(step.after)] = step.after
            for key, artefact in concerned.items():
                if key in touched and touched[key] is not step:
                    continue
                known = set(restriction_faults(artefact, old)) if artefact is not step.after else ()
                for text in restriction_faults(artefact, new):
                    if text not in known:
                        owner = "" if artefact is step.after else f"{artefact.urn.short}: "
                        step.fail(CONFLICT if owner else INVALID, f"{owner}{text}")


_SHAPING = frozenset(("Codelist", "ConceptScheme", "DataStructure", "Dataflow", "DataConstraint"))
"""Types whose change can make a constraint say what is impossible."""


def _is_update(action: StructureAction, artefact: Maintainable) -> bool:
    """Tell whether a submission says only a part of an artefact, so that there must be the rest."""
    if action in (StructureAction.REPLACE, StructureAction.MERGE):
        return False
    partial = isinstance(artefact, ItemScheme) and artefact.is_partial
    return partial or artefact.is_partial_language


def _updated(
    action: StructureAction, artefact: Maintainable, before: Maintainable | None
) -> Maintainable:
    """Return the artefact as it will be."""
    if before is None or action is StructureAction.REPLACE:
        return artefact
    merging = action is StructureAction.MERGE
    if (
        isinstance(artefact, ItemScheme)
        and isinstance(before, ItemScheme)
        and (merging or artefact.is_partial)
    ):
        return merged(before, artefact)
    if artefact.is_partial_language:
        return replaced(
            with_other_languages(before, artefact),
            is_partial_language=before.is_partial_language,
        )
    return artefact


def _refuse_overwriting(step: _Step, artefact: Maintainable, before: Maintainable) -> None:
    """Refuse what Append may not do: change an artefact, or an item that is there."""
    partial = isinstance(artefact, ItemScheme) and artefact.is_partial
    if not (partial and isinstance(artefact, ItemScheme) and isinstance(before, ItemScheme)):
        step.fail(CONFLICT, "it is there already, and Append adds only; use Replace")
        return
    known = {item.id: item for item in before.items}
    for item in artefact.items:
        if item.id in known and item != known[item.id]:
            text = f"item {item.id} is there already, and Append adds only; use Replace or Merge"
            step.fail(CONFLICT, text, item.id)


def same(one: Maintainable, other: Maintainable) -> bool:
    """Tell whether two artefacts say the same; links, which tell where one was got, are no part of it."""
    return replaced(one, links=()) == replaced(other, links=())


def with_changes(
    structures: Structures, changes: Iterable[tuple[Urn, Maintainable | None]]
) -> Structures:
    """Return the structures after changes; None deletes."""
    after = {_key(urn): artefact for urn, artefact in changes}
    kept = [artefact for artefact in structures if identity(artefact) not in after]
    return Structures([*kept, *(artefact for artefact in after.values() if artefact is not None)])


def _key(urn: Urn) -> Identity:
    return urn.type, urn.agency, urn.id, urn.version


def _refuse_repeated(steps: Sequence[_Step]) -> None:
    seen: set[Urn] = set()
    for step in steps:
        if step.submission.urn in seen and step.submission.item is None:
            step.fail(INVALID, "it stands in the message twice; leave one")
        seen.add(step.submission.urn)


def _concluded(steps: Sequence[_Step]) -> Plan:
    refused = any(step.faults for step in steps)
    outcomes = tuple(_outcome(step, refused) for step in steps)
    if refused:
        return Plan(outcomes)
    changes = tuple(
        _planned(step) for step in steps if step.is_change and not step.is_for_information
    )
    return Plan(outcomes, changes)


def _planned(step: _Step) -> Planned:
    deletes = step.after is None
    return Planned(step.submission.urn, "Delete" if deletes else step.action, step.after)


def _outcome(step: _Step, refused: bool) -> Outcome:
    urn = step.submission.urn
    told = Outcome(urn, step.action, step.code, "")
    name = f"{urn.type} {urn.short}"
    if step.faults:
        shown = "; ".join(fault.text for fault in step.faults[:_MOST_FAULTS])
        more = len(step.faults) - _MOST_FAULTS
        rest = f"; and {more} more" if more > 0 else ""
        return replace(told, text=f"{name}: {shown}{rest}", faults=tuple(step.faults))
    if refused:
        text = f"{name}: nothing was done, because another artefact of the message fails"
        return replace(told, code=DEPENDENT, text=text)
    return replace(told, text=f"{name}{_done(step)}", warning=step.warning)


def _done(step: _Step) -> str:
    item = step.submission.item
    if step.is_for_information:
        return " is well; nothing was done, as the action Information asks"
    if item is not None:
        return f": item {item} was deleted"
    if step.submission.action is StructureAction.DELETE:
        return " was deleted"
    if not step.is_change:
        return " is there as submitted: unchanged"
    return " was created" if step.before is None else " was replaced"
