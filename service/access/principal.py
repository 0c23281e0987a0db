"""A caller that is known, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account is there for."""

    AGENCY = "agency"
    """Maintains the structures of its agency and of those under it."""
    ADMINISTRATOR = "administrator"
    """Maintains the structures of every agency."""


@dataclass(frozen=True)
class Principal:
    """An account whose credential was verified."""

    account: str
    agency: str
    role: Role

    def may_maintain(self, agency: str) -> bool:
        """Tell whether it may change structures of an agency; `A.B` is under `A`.

        >>> Principal("x", "ILMS", Role.AGENCY).may_maintain("ILMS.STATS")
        True
        """
        if self.role is Role.ADMINISTRATOR:
            return True
        return agency == self.agency or agency.startswith(f"{self.agency}.")
