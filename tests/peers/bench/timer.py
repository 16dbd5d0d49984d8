"""Repetitions of a call: median, minimum, and how long its threads waited for a processor.

The rules are those of `src/timer.rs`, so that both sides are measured alike.
"""

import os
import resource
import statistics
import time

# Seconds; shorter calls are repeated in groups, whose median is one repetition.
GROUP = 0.05


def measure(work, reps, budget_s):
    """Calls `work` once to warm up, then up to `reps` times within the budget.

    Returns the times and what the last call returned. A call that takes more than half of the
    budget is not repeated: the first one counts.
    """
    waited_before, begun = waited(), time.perf_counter()
    value = work()
    first = time.perf_counter() - begun
    if reps == 0 or first > budget_s / 2:
        share = (waited() - waited_before) / first
        return {"median_s": first, "min_s": first, "reps": 1, "waited": share}, value

    per_group = min(50, max(1, int(GROUP / max(first, 1e-9))))
    waited_before, begun = waited(), time.perf_counter()
    medians, shortest = [], float("inf")
    while len(medians) < reps and (not medians or time.perf_counter() - begun < budget_s):
        group = []
        for _ in range(per_group):
            # What the last call returned is dropped outside of the measured time.
            value = None
            start = time.perf_counter()
            value = work()
            group.append(time.perf_counter() - start)
        medians.append(statistics.median(group))
        shortest = min(shortest, *group)
    share = (waited() - waited_before) / (time.perf_counter() - begun)
    times = {
        "median_s": statistics.median(medians), "min_s": shortest, "reps": len(medians),
        "waited": share,
    }  # fmt: skip
    return times, value


def waited():
    """The seconds that the threads of this process have waited for a processor; 0 where the system
    does not tell."""
    total = 0
    try:
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/schedstat") as file:
                total += int(file.read().split()[1])
    except OSError:
        pass
    return total / 1e9


def peak_mib():
    """The most memory that the process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
