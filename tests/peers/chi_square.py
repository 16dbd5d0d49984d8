"""Counts against exact probabilities."""

from scipy.stats import chi2

# Below this, a probability is the rounding error of a zero.
ZERO = 1e-12
# Shots that a group of outcomes must expect for the chi-square distribution to hold well.
GROUP = 20


def test(probabilities, counts):
    """(p, words): how likely counts so far off are by chance, and the test in words.

    Both map numbers to how often they come; impossible outcomes may be left out of
    `probabilities`, and one that was seen nevertheless gives p = 0. For a correct program,
    p < f happens with probability f.
    """
    impossible = [outcome for outcome in counts if probabilities.get(outcome, 0) < ZERO]
    if impossible:
        return 0.0, f"impossible outcomes {[bin(outcome) for outcome in impossible]}"

    # Outcomes are taken by falling probability into groups that are large enough.
    shots = sum(counts.values())
    statistic, groups, expected, found, left = 0.0, 0, 0.0, 0, shots
    for outcome in sorted(probabilities, key=probabilities.get, reverse=True):
        expected += shots * probabilities[outcome]
        found += counts.get(outcome, 0)
        # What is left after this group must be able to fill another.
        if expected >= GROUP and left - expected >= GROUP:
            statistic += (found - expected) ** 2 / expected
            groups += 1
            left -= expected
            expected, found = 0.0, 0
    if expected > 0:
        statistic += (found - expected) ** 2 / expected
        groups += 1
    if groups == 1:
        return 1.0, "one possible outcome, and it is the one"
    freedom = groups - 1
    p = float(chi2.sf(statistic, freedom))
    return p, f"chi-square {statistic:.1f} with {freedom} degrees of freedom, p = {p:.3g}"
