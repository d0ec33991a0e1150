"""The only layer with side effects: one module a step of the night, the command line, tables, engine and services."""
