"""The benchmark: what the pipeline costs, side by side with other ways to do the same work.

Every comparison runs all its sides in one run, in turn, several times, each in a process of its own, on the same data;
what is compared are ratios within a round. Sides that are not ours are written as well as we can write them, and what
they yield is checked against what ours yields.
"""
