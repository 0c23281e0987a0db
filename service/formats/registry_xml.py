"""Registrations, subscriptions and submitted structures as SDMX-ML registry messages of all versions. SDMXRegistry*.xsd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from codelists.base import Maintainable
from codelists.urn import Urn, parse_urn
from dsd.finding import Report
from dsd.registration import Registration
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from dsd.subscription import Subscription
from service.formats.class_names import class_in_21, urn_from_21
from service.formats.contract import EncodeOptions, Header
from service.formats.sdmx_ml21 import DECLARATION, attribute_text, element_text, tag
from service.formats.structure_losses import Writing
from service.formats.structure_reference import read_ref
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml import decode_structures_xml, form_of, message_header, parsed
from service.formats.structure_xml_reader import clark, namespace, reader_of
from service.formats.structure_xml_writer import writer_of

REGISTRY_ACTIONS = ("Append", "Replace", "Delete")


@dataclass(frozen=True)
class _Request:
    """The names of what is asked of a registry."""

    layout: str
    message: str
    request: str


_REGISTRATIONS = _Request("Registration", "SubmitRegistrationsRequest", "RegistrationRequest")
_SUBSCRIPTIONS = _Request("Subscription", "SubmitSubscriptionsRequest", "SubscriptionRequest")


def encode_requests(
    form: Form,
    header: Header,
    things: Sequence[Registration] | Sequence[Subscription],
    structures: Structures,
    options: EncodeOptions,
    *,
    action: str = "Append",
    receiver: str = "REGISTRY",
) -> Iterator[bytes]:
    """Yield a request that a registry takes up, replaces or removes these registrations or subscriptions.

    Raises:
        NotExpressibleError: something that the form cannot express, where the options have no report for it.
    """
    writing = Writing(form, structures, (), options.report)
    is_subscription = any(isinstance(thing, Subscription) for thing in things)
    request = _SUBSCRIPTIONS if is_subscription else _REGISTRATIONS
    write_one = writer_of(request.layout, writing.form)
    chunks = [
        f"{_opening(writing.form, header, receiver)}<mes:{request.message}>",
        *(
            f'<reg:{request.request} action="{attribute_text(action)}">'
            f"{write_one(one, writing, f'reg:{request.layout}')}</reg:{request.request}>"
            for one in things
        ),
        f"</mes:{request.message}></mes:RegistryInterface>\n",
    ]
    return (chunk.encode() for chunk in chunks)


def encode_registrations(
    form: Form, header: Header, found: Sequence[Registration], structures: Structures
) -> bytes:
    """Return the answer to a query for registrations: a QueryRegistrationResponse.

    Raises:
        NotExpressibleError: something that the form cannot express.
    """
    writing = Writing(form, structures, (), None)
    write_one = writer_of("Registration", form)
    results = "".join(
        # No key was asked for, so that none is matched.
        tag(
            "reg:QueryResult",
            {"timeSeriesMatch": "false"},
            f"<reg:DataResult>{write_one(one, writing, 'reg:Registration')}</reg:DataResult>",
        )
        for one in found
    )
    return (
        f"{_opening(form, header, 'not_supplied')}<mes:QueryRegistrationResponse>"
        f"{tag('reg:StatusMessage', {'status': 'Success'})}{results}</mes:QueryRegistrationResponse>"
        "</mes:RegistryInterface>\n"
    ).encode()


def _opening(form: Form, header: Header, receiver: str) -> str:
    """Return a registry message up to what follows its header."""
    spaces = (("mes", "message"), ("com", "common"), ("reg", "registry"))
    declared = "".join(f' xmlns:{prefix}="{namespace(form, part)}"' for prefix, part in spaces)
    return (
        f"{DECLARATION}<mes:RegistryInterface{declared}>"
        f"<mes:Header>{message_header(header)}{tag('mes:Receiver', {'id': receiver})}</mes:Header>"
    )


def decode_registrations(body: bytes) -> Sequence[Registration]:
    """Return the registrations of a registry message: of a request, or of the answer to a query.

    Raises:
        StructureMessageError: `body` is no registry message, or holds something that the standard does not know.
    """
    return _decoded(body, _REGISTRATIONS)


def decode_subscriptions(body: bytes) -> Sequence[Subscription]:
    """Return the subscriptions of a registry message: of a request, or of the answer to a query.

    Raises:
        StructureMessageError: `body` is no registry message, or holds something that the standard does not know.
    """
    return _decoded(body, _SUBSCRIPTIONS)


def _decoded(body: bytes, request: _Request) -> Sequence[Any]:
    root = parsed(body)
    form = form_of(root)
    if not root.tag.endswith("}RegistryInterface"):
        raise StructureMessageError(f"line {root.sourceline}: a registry message is expected")
    read_one = reader_of(request.layout, form)
    return [read_one(one) for one in root.iter(clark(f"reg:{request.layout}", form))]


# -- structures ----------------------------------------------------------------------------------------


class SubmissionResult(NamedTuple):
    """What became of one artefact of a message, as a registry answers it."""

    urn: Urn
    action: str
    """Append, Replace, Delete or Information."""
    status: str
    """Success, Warning or Failure."""
    messages: Sequence[tuple[int, str]]
    """HTTP status and text of each."""


class StructureRequest(NamedTuple):
    """A SubmitStructureRequest: artefacts, and what a registry is to do with them."""

    artefacts: Sequence[Maintainable]
    action: str
    actions: Mapping[str, str]
    """Another action for some of the artefacts, by URN."""


def encode_structure_response(
    form: Form, header: Header, results: Sequence[SubmissionResult]
) -> bytes:
    """Return the SubmitStructureResponse of a registry. SDMXRegistryStructure.xsd."""
    content = "".join(_result(form, result) for result in results)
    return (
        f"{_opening(form, header, 'not_supplied')}"
        f"<mes:SubmitStructureResponse>{content}</mes:SubmitStructureResponse>"
        "</mes:RegistryInterface>\n"
    ).encode()


def _result(form: Form, result: SubmissionResult) -> str:
    urn = result.urn._replace(type=class_in_21(result.urn.type)) if form.is_sdmx21 else result.urn
    named = element_text(str(urn))
    reference = f"<URN>{named}</URN>" if form.is_sdmx21 else named
    messages = "".join(
        tag(
            "reg:MessageText",
            {"code": str(code)},
            tag("com:Text", {"xml:lang": "en"}, element_text(text)),
        )
        for code, text in result.messages
    )
    submitted = tag(
        "reg:SubmittedStructure",
        {"action": result.action},
        f"<reg:MaintainableObject>{reference}</reg:MaintainableObject>",
    )
    status = tag("reg:StatusMessage", {"status": result.status}, messages)
    return f"<reg:SubmissionResult>{submitted}{status}</reg:SubmissionResult>"


def decode_structure_request(body: bytes, report: Report | None = None) -> StructureRequest | None:
    """Return the SubmitStructureRequest that a message holds, None where it holds none.

    Raises:
        StructureMessageError: it is another registry message, or holds something that the standard does not know.
    """
    root = parsed(body)
    form = form_of(root)
    if root.tag.endswith("}Structure"):
        return None
    request = (
        root
        if root.tag.endswith("}SubmitStructureRequest")
        else root.find(clark("mes:SubmitStructureRequest", form))
    )
    if request is None:
        raise StructureMessageError(
            f"line {root.sourceline}: the registry message holds no SubmitStructureRequest"
        )
    if (elsewhere := request.find(clark("reg:StructureLocation", form))) is not None:
        raise StructureMessageError(
            f"line {elsewhere.sourceline}: StructureLocation is not followed; put the structures into the message"
        )
    inside = request.find(clark("mes:SubmitStructureRequest", form))
    request = request if inside is None else inside
    actions = {}
    for submitted in request.iter(clark("reg:SubmittedStructure", form)):
        if (action := submitted.get("action")) is not None:
            actions[_referred(submitted, form)] = action
    default = request.get("action", "Append")
    return StructureRequest(decode_structures_xml(body, report), default, actions)


def _referred(submitted: Any, form: Form) -> str:
    """Return the URN that a SubmittedStructure names."""
    reference = submitted.find(clark("reg:MaintainableObject", form))
    if reference is None:
        raise StructureMessageError(f"line {submitted.sourceline}: it names no artefact")
    ref, urn = reference.find("Ref"), reference.find("URN")
    text = urn.text if urn is not None else reference.text
    try:
        if ref is not None:
            return read_ref(dict(ref.attrib), None)
        return str(parse_urn(urn_from_21(text.strip() if text else "")))
    except ValueError as error:
        raise StructureMessageError(f"line {submitted.sourceline}: {error}") from error
