"""`python -m jobs.cli`: the command line, where the script `ctr` is not on the path."""

from jobs.cli import main

main()
