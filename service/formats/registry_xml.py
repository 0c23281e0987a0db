"""Registrations and subscriptions as SDMX-ML registry messages of all versions. SDMXRegistry*.xsd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dsd.registration import Registration
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from dsd.subscription import Subscription
from service.formats.contract import EncodeOptions, Header
from service.formats.sdmx_ml21 import DECLARATION, attribute_text, tag
from service.formats.structure_losses import Writing
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml import form_of, message_header, parsed
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
    spaces = (("mes", "message"), ("com", "common"), ("reg", "registry"))
    declared = "".join(
        f' xmlns:{prefix}="{namespace(writing.form, part)}"' for prefix, part in spaces
    )
    write_one = writer_of(request.layout, writing.form)
    chunks = [
        f"{DECLARATION}<mes:RegistryInterface{declared}>"
        f"<mes:Header>{message_header(header)}{tag('mes:Receiver', {'id': receiver})}</mes:Header>"
        f"<mes:{request.message}>",
        *(
            f'<reg:{request.request} action="{attribute_text(action)}">'
            f"{write_one(one, writing, f'reg:{request.layout}')}</reg:{request.request}>"
            for one in things
        ),
        f"</mes:{request.message}></mes:RegistryInterface>\n",
    ]
    return (chunk.encode() for chunk in chunks)


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
