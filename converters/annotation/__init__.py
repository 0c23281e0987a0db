"""Findings written into the provider's own workbook: coloured cells, comments, and a sheet that lists all.

The parts of the file are edited as XML, and only those that must change; everything else is copied byte for
byte. A library that reads a workbook into objects and writes it anew drops what it has no objects for.
"""
