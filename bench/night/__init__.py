"""A whole night in one process, by size: landing files in, table, report and decision out."""
