"""Structures, constraints, periods, the columnar batch and findings: vocabulary, no rules."""
