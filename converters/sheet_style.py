"""How cells of a questionnaire look."""

from __future__ import annotations

from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side

INK = "1F2A37"
ACCENT = "1B4F72"

_LINE = Side(style="thin", color="C5CED8")
BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
HEAVY = Border(left=_LINE, right=_LINE, top=_LINE, bottom=Side(style="medium", color=ACCENT))


def solid(colour: str) -> PatternFill:
    """Return a fill of one colour."""
    return PatternFill("solid", fgColor=colour)


YELLOW = PatternFill("solid", fgColor="FFF2B3")
"""A list to choose from, as in ILO's questionnaires."""
WHITE = PatternFill("solid", fgColor="FFFFFF")
GREY = PatternFill("solid", fgColor="EEF1F4")
HEADING = PatternFill("solid", fgColor="DCE6EF")
WRONG = "C0392B"
"""Of a label that does not belong to the chosen version."""

WHITE_BOLD = Font(name="Calibri", size=10, bold=True, color="FFFFFF")
TITLE = Font(name="Calibri", size=14, bold=True, color=ACCENT)
BANNER = Font(name="Calibri", size=14, bold=True, color="FFFFFF")
BOLD = Font(name="Calibri", size=10, bold=True, color=INK)
NORMAL = Font(name="Calibri", size=10, color=INK)
SMALL = Font(name="Calibri", size=9, color="5B6773")
LINK = Font(name="Calibri", size=10, color="1155AA", underline="single")

LEFT = Alignment(horizontal="left", vertical="center")
FITTED = Alignment(horizontal="left", vertical="center", shrink_to_fit=True)
FITTED_CENTRE = Alignment(horizontal="center", vertical="center", shrink_to_fit=True)
LEFT_WRAPPED = Alignment(horizontal="left", vertical="center", wrap_text=True)
TOP_WRAPPED = Alignment(horizontal="left", vertical="top", wrap_text=True)
CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
RIGHT = Alignment(horizontal="right", vertical="center")

OPEN = Protection(locked=False)
LOCKED = Protection(locked=True)
