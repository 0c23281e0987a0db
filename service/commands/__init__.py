"""The commands of `ilms`, one module a command or a group of them; `service.cli` lists them.

Imports of the rooms are inside the commands: a laptop starts fast and needs only what it uses.
"""
