"""How the parts of a query are written, as regular expressions that JavaScript, Python and JSON Schema read alike.

What the parsers take is in them, so that nobody is kept from asking it; that a code or a version is there is no matter of them.
"""

from __future__ import annotations


def _several(one: str, separator: str) -> str:
    return f"^{one}({separator}{one})*$"


_IDS = r"[A-Za-z0-9_@$\-]+"
_AGENCIES = r"[A-Za-z][A-Za-z0-9_\-]*(\.[A-Za-z][A-Za-z0-9_\-]*)*"
_ITEMS = rf"{_IDS}(\.{_IDS})*"

ID = f"^{_IDS}$"
"""Of a component."""
COMPONENTS = rf"^(\*|{_IDS})([,+](\*|{_IDS}))*$"
CHOSEN = _several(_IDS, ",")
SORT = rf"^(\*|{_IDS}(:asc|:desc)?(\+{_IDS}(:asc|:desc)?)*)$"
IDS_V1, IDS_V2 = _several(_IDS, r"\+"), _several(rf"(\*|{_IDS})", ",")
"""Ids; `all` is one by its form."""
AGENCIES_V1, AGENCIES_V2 = _several(_AGENCIES, r"\+"), _several(rf"(\*|{_AGENCIES})", ",")
ITEMS_V1, ITEMS_V2 = _several(_ITEMS, r"\+"), _several(rf"(\*|{_ITEMS})", ",")

VERSIONS_V1 = _several(r"(all|latest|\*|\d{1,9}(\.\d{1,9}){0,2})", r"\+")
_N = r"\d{1,9}"
_VERSION_V2 = "|".join(
    (
        rf"{_N}(\.{_N}){{0,2}}(-[0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*)?",
        r"all|latest",
        # Wildcards with what may follow them: SDMX-REST 2.2.2, doc/querying_versions.md.
        r"\+(\.0\.0)?",
        rf"{_N}\+\.{_N}\.{_N}",
        rf"{_N}\.\+\.0|{_N}\.{_N}\+\.{_N}",
        rf"{_N}\.{_N}\.({_N})?\+",
        r"[~*](\.0){0,2}",
        rf"{_N}[~*](\.{_N}){{1,2}}",
        rf"{_N}\.[~*](\.0)?|{_N}\.{_N}[~*](\.{_N})?",
        rf"{_N}\.{_N}\.({_N})?[~*]",
    )
)
VERSIONS_V2 = _several(f"({_VERSION_V2})", ",")

FLOW = rf"^({_AGENCIES}(\+{_AGENCIES})*,)?{_IDS}(\+{_IDS})*(,(all|latest|{_N}(\.{_N}){{0,2}})(\+(all|latest|{_N}(\.{_N}){{0,2}}))*)?$"
"""`[AGENCY,]FLOW[,VERSION]` of 1.5; a version stands behind an agency."""
PROVIDERS_V1 = _several(rf"({_AGENCIES},)?{_IDS}", r"\+")
PROVIDERS_V2 = _several(rf"(\*|({_AGENCIES}\.)?{_IDS})", ",")

_CODE = r"[^+,./?#\s]+"
KEY_V1 = rf"^({_CODE}(\+{_CODE})*)?(\.({_CODE}(\+{_CODE})*)?)*$"
"""Alternatives by dimension, an empty position for any."""
KEYS_V2 = _several(rf"{_CODE}(\.({_CODE})?)*", ",")

MOST = 10**18 - 1
"""Of whole numbers."""
START_DAY = r"^--(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_ZONE = r"(Z|[+\-](0\d|1[0-4]):[0-5]\d)?"
_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_TIME = r"T([01]\d|2[0-4]):[0-5]\d:[0-5]\d(\.\d+)?"
_REPORTED = (
    rf"A1|S[12]|T[1-3]|Q[1-4]|M{_MONTH}|W(0[1-9]|[1-4]\d|5[0-3])|"
    r"D(00[1-9]|0[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])"
)
PERIOD = rf"^\d{{4}}(-({_REPORTED})|-{_MONTH}(-{_DAY}({_TIME})?)?)?{_ZONE}$"
"""StandardTimePeriod: SDMX 3.1 Section 6, "Time formats"."""
