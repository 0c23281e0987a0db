"""The rules on content, one idea a module. A new rule is a module here and a line in the tuple."""

from __future__ import annotations

from service.validation.rule import Rule
from service.validation.rules.codes import CodeNotAllowed, UnknownCode
from service.validation.rules.components import MissingComponent, UnknownComponent
from service.validation.rules.counterpart import CounterpartIsReporter
from service.validation.rules.duplicates import DuplicateContradictory, DuplicateIdentical
from service.validation.rules.missing_values import (
    MissingAttribute,
    MissingDimensionValue,
    UnitNotStated,
    ValueNotExplained,
)
from service.validation.rules.multipliers import MixedMultipliers
from service.validation.rules.periods import (
    CodeOutsideValidity,
    PeriodFrequency,
    PeriodInFuture,
    TimeFormat,
)
from service.validation.rules.representation import FacetViolated, WrongType
from service.validation.rules.sums import PartExceedsTotal, PartitionSum
from service.validation.rules.unknown import NotStated, UnknownEqualsSubtotal
from service.validation.rules.values import NegativeValue, ValueDespiteStatus

RULES: tuple[type[Rule], ...] = (
    UnknownComponent,
    MissingComponent,
    MissingDimensionValue,
    UnknownCode,
    CodeNotAllowed,
    WrongType,
    FacetViolated,
    TimeFormat,
    PeriodFrequency,
    PeriodInFuture,
    CodeOutsideValidity,
    MissingAttribute,
    ValueNotExplained,
    ValueDespiteStatus,
    UnitNotStated,
    DuplicateContradictory,
    DuplicateIdentical,
    NegativeValue,
    PartExceedsTotal,
    PartitionSum,
    UnknownEqualsSubtotal,
    NotStated,
    CounterpartIsReporter,
    MixedMultipliers,
)
