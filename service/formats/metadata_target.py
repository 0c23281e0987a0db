"""What the targets of metadataflows and agreements mean: URNs with wildcards as regular expressions."""

from __future__ import annotations

import re

ECMA = re.compile(r"[.^$*+?()\[\]{}|\\/]")
"""What has a meaning of its own in the expressions of JSON Schema."""
XSD = re.compile(r"[.^*+?()\[\]{}|\\]")
"""And in those of XML Schema."""

_ANYTHING = "[^()]*"


def target_pattern(urn: str, special: re.Pattern[str]) -> str:
    r"""Return the expression of the URNs that a target means: `*` is anything, a range of versions any version.

    >>> target_pattern("urn:sdmx:org.sdmx.infomodel.base.Agency=ILMS:*(1.0+.0)", XSD)
    'urn:sdmx:org\\.sdmx\\.infomodel\\.base\\.Agency=ILMS:[^()]*\\([^()]*\\)'
    """
    head, _, rest = urn.partition("(")
    version, _, item = rest.partition(")")
    if not rest:
        return _matching(head, special)
    versions = _ANYTHING if "+" in version else _matching(version, special)
    return rf"{_matching(head, special)}\({versions}\){_matching(item, special)}"


def _matching(text: str, special: re.Pattern[str]) -> str:
    return _ANYTHING.join(special.sub(r"\\\g<0>", part) for part in text.split("*"))
