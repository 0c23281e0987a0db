"""Data read in one format, made ready to be written in another.

Rows are kept in spools, so that a message may be larger than memory; those that come in the order of their key
are written as they came, others are sorted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from codelists.urn import Urn, UrnSyntaxError, parse_urn
from dsd.batch import ACTION, Batch
from dsd.dataset import Action, Dataset, PreparedDataset
from dsd.spool import Spool
from dsd.structure import Dataflow, DataStructure, ProvisionAgreement
from dsd.structures import Structures
from service.formats.contract import DataFormat
from service.formats.preamble import are_in_key_order, in_key_order, make_preamble

Tell = Callable[[int], None]


class UnknownStructureError(LookupError):
    """A name of no structure that is known; says how one is named."""


def find_structure(structures: Structures, name: str) -> Urn:
    """Return the structure that a person names: a URN, `AGENCY:ID(VERSION)`, or an id alone.

    A dataflow is found before an agreement, and that before a DSD.

    Raises:
        UnknownStructureError: there is none of that name, or several.
    """
    if name.startswith("urn:"):
        try:
            return parse_urn(name)
        except UrnSyntaxError as error:
            raise UnknownStructureError(str(error)) from error
    for kind in (Dataflow, ProvisionAgreement, DataStructure):
        found = [a.urn for a in structures.of_type(kind) if name in (a.urn.short, a.urn.id)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(urn.short for urn in found)
            raise UnknownStructureError(f"{name} may be {listed}: name one of them")
    raise UnknownStructureError(
        f"no dataflow, provision agreement or data structure is named {name}; write its URN, "
        "AGENCY:ID(VERSION) or its id"
    )


def gather(
    datasets: Iterable[Dataset], stack: ExitStack, folder: Path | None, tell: Tell
) -> list[Dataset]:
    """Return data sets with their rows in spools, neighbours that are of one piece joined.

    Args:
        datasets: as a reader yields them.
        stack: what closes the spools.
        folder: where large ones go.
        tell: called with the number of rows read so far, batch by batch.
    """
    found: list[Dataset] = []
    rows = 0

    def counted(batches: Iterable[Batch]) -> Iterator[Batch]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield batch
            tell(rows)

    for dataset in datasets:
        last = found[-1] if found else None
        if (
            last is not None
            and isinstance(last.batches, Spool)
            and _are_of_one_piece(last, dataset)
        ):
            last.batches.fill(counted(dataset.batches))
            # Whole now that the rows are read.
            found[-1] = replace(last, attributes=(*last.attributes, *dataset.attributes))
            continue
        spool = stack.enter_context(Spool(folder)).fill(counted(dataset.batches))
        found.append(replace(dataset, batches=spool, attributes=tuple(dataset.attributes)))
    return found


def _are_of_one_piece(first: Dataset, second: Dataset) -> bool:
    return (
        first.dsd.urn == second.dsd.urn
        and first.dsd.agreement == second.dsd.agreement
        and first.action is second.action
        and first.said == second.said
    )


def prepare(dataset: Dataset) -> PreparedDataset:
    """Return a data set ready to be written, its rows in the order of their key.

    Rows that delete, or have actions of their own, stay in their order: it says what comes first.

    Raises:
        UnorderedRowsError: a row that does not delete has no complete key.
    """
    preamble = make_preamble(dataset.dsd, dataset.batches, dataset.attributes)
    batches: Iterable[Batch] = dataset.batches
    if not _has_its_order(dataset) and not are_in_key_order(dataset.dsd, batches, preamble):
        batches = in_key_order(dataset.dsd, batches, preamble)
    return PreparedDataset(dataset.dsd, preamble, batches, dataset.action, dataset.said)


def _has_its_order(dataset: Dataset) -> bool:
    return dataset.action is Action.DELETE or any(
        ACTION in batch.schema.names for batch in dataset.batches
    )


def share_out(
    datasets: Sequence[PreparedDataset], data_format: DataFormat
) -> list[list[PreparedDataset]]:
    """Return the data sets of each message that it takes: all in one, where the format can."""
    capabilities = data_format.capabilities
    structures = {(dataset.dsd.urn, dataset.dsd.agreement) for dataset in datasets}
    if capabilities.several_datasets and (capabilities.several_structures or len(structures) == 1):
        return [list(datasets)]
    return [[dataset] for dataset in datasets]
