"""Worth it? Where the time of a program goes, what a move to Rust can remove of it, and whether it did.

A unit's time is split into compute, wait and sleep before any speed-up is promised: Rust removes compute and
nothing else.
"""
