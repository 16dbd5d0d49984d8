"""Ketch against other simulators, in one run on one machine; `docs/benchmarks.md` explains it.

    circuits    the suite, the same bytes every time
    plan        which simulators run which circuit, how often, and the ratio that is wanted
    cell        one simulator on one circuit, in a process of its own
    timer       repetitions
    reference   what the answers are checked against
    peers       the simulators, one file each
    limits      what the machine can do at most
    floor       how long a circuit must take on such a machine
    table       the results as Markdown
"""
