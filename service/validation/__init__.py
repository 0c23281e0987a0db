"""Checks of messages and rules on content."""
