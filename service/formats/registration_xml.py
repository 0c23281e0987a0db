"""Registrations as SDMX-ML registry messages of all versions. SDMXRegistryRegistration.xsd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsd.registration import Registration
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from service.formats.contract import EncodeOptions, Header
from service.formats.sdmx_ml21 import DECLARATION, tag
from service.formats.structure_losses import Writing
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml import form_of, message_header, parsed
from service.formats.structure_xml_reader import clark, namespace, reader_of
from service.formats.structure_xml_writer import writer_of

REGISTRY_ACTIONS = ("Append", "Replace", "Delete")


def encode_registrations(
    form: Form,
    header: Header,
    registrations: Sequence[Registration],
    structures: Structures,
    options: EncodeOptions,
    *,
    action: str = "Append",
    receiver: str = "REGISTRY",
) -> Iterator[bytes]:
    """Yield a request that a registry takes up, replaces or removes these registrations.

    Raises:
        NotExpressibleError: something that the form cannot express, where the options have no report for it.
    """
    writing = Writing(form, structures, (), options.report)
    spaces = (("mes", "message"), ("com", "common"), ("reg", "registry"))
    declared = "".join(f' xmlns:{prefix}="{namespace(form, part)}"' for prefix, part in spaces)
    write_one = writer_of("Registration", form)
    requests = [
        tag(
            "reg:RegistrationRequest",
            {"action": action},
            write_one(one, writing, "reg:Registration"),
        )
        for one in registrations
    ]
    chunks = (
        f"{DECLARATION}<mes:RegistryInterface{declared}>"
        f"<mes:Header>{message_header(header)}{tag('mes:Receiver', {'id': receiver})}</mes:Header>"
        "<mes:SubmitRegistrationsRequest>",
        *requests,
        "</mes:SubmitRegistrationsRequest></mes:RegistryInterface>\n",
    )
    return (chunk.encode() for chunk in chunks)


def decode_registrations(body: bytes) -> Sequence[Registration]:
    """Return the registrations of a registry message: of a request, or of the answer to a query.

    Raises:
        StructureMessageError: `body` is no registry message, or holds something that the standard does not know.
    """
    root = parsed(body)
    form = form_of(root)
    if not root.tag.endswith("}RegistryInterface"):
        raise StructureMessageError(f"line {root.sourceline}: a registry message is expected")
    return [
        reader_of("Registration", form)(one) for one in root.iter(clark("reg:Registration", form))
    ]
