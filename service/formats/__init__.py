"""Batches to bytes and back, one module a format family; structures likewise."""
