"""Structures as REST asks for them: built-in and pushed, with what refers to what."""
