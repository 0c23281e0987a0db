"""Receive, convert or decode, validate, write, receipt."""
