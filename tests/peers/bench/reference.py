"""What answers are checked against: amplitudes and marginals that another simulator found.

The first simulator of a row that can show its whole state writes the reference of a circuit: the
32 largest amplitudes, 32 random ones, and the probability of 1 for each qubit. Where none holds
the state, the first one's samples are the reference, with their own spread.
"""

import json
import math
import zlib

# Largest difference of an amplitude up to the global phase, relative to the largest amplitude.
TOLERANCE = {"double": 1e-6, "single": 2e-3}
# Standard deviations that a share of ones may be off. A full run looks at 30,000 shares, most of
# them of rare events: a correct program raises a false alarm in less than one run of a thousand.
SIGMA = 6
# Shots of a surface code that the shares of ones are taken of.
LOOKED_AT = 10_000


class Reference:
    """The reference of one circuit: a file, which may not be there yet."""

    def __init__(self, folder, name, n):
        self.path, self.name, self.n = folder / f"{name}.json", name, n
        self.known = json.loads(self.path.read_text()) if self.path.exists() else None

    def states(self):
        """The basis states whose amplitudes are asked for."""
        return self.known["states"] if self.known and "states" in self.known else [0]

    def offer_state(self, amplitudes):
        """Takes all amplitudes as the reference, if there is none yet but samples of a run in which
        nobody showed a state."""
        if self.known is not None and "amplitudes" in self.known:
            return
        import numpy as np

        p = np.abs(np.asarray(amplitudes)) ** 2
        random = np.random.default_rng(zlib.crc32(self.name.encode())).integers(0, len(p), 32)
        largest = np.argpartition(p, -32)[-32:] if len(p) > 64 else np.arange(len(p))
        states = sorted({int(i) for i in largest} | {int(i) for i in random})
        ones = [float(p.reshape(-1, 2, 1 << q)[:, 1, :].sum()) for q in range(self.n)]
        shown = [[float(amplitudes[i].real), float(amplitudes[i].imag)] for i in states]
        self._write({"states": states, "amplitudes": shown, "marginals": ones, "shots": None})

    def offer_marginals(self, marginals, shots=None):
        """Takes marginals as the reference, if there is none yet; exact ones without `shots`."""
        if self.known is None:
            self._write({"marginals": list(marginals), "shots": shots})

    def _write(self, known):
        self.known = known
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(known))

    def check_amplitudes(self, found, precision):
        """`ok`, or what differs. `found` are the amplitudes of `states()`, in order."""
        if self.known is None or "amplitudes" not in self.known:
            return "no reference"
        expected = [complex(*pair) for pair in self.known["amplitudes"]]
        largest = max(range(len(expected)), key=lambda i: abs(expected[i]))
        if abs(found[largest]) == 0:
            return "differs: 0 where the largest amplitude should be"
        phase = expected[largest] / found[largest]
        phase /= abs(phase)
        difference = max(abs(a - b * phase) for a, b in zip(expected, found, strict=True))
        difference /= abs(expected[largest])
        return "ok" if difference < TOLERANCE[precision] else f"amplitudes differ {difference:.1e}"

    def check_marginals(self, marginals, shots):
        """`ok`, or by how many standard deviations the worst qubit is off."""
        if self.known is None:
            return "no reference"
        worst = 0.0
        for expected, found in zip(self.known["marginals"], marginals, strict=True):
            samples = 1 / shots + (1 / self.known["shots"] if self.known["shots"] else 0)
            # A qubit that is never seen as 1 may still be 1 in one of a billion shots.
            variance = max(expected * (1 - expected), 1e-9) * samples + 1e-9 / shots
            if self.known["shots"]:
                # Laplace's estimate: a share of 0 in so many shots does not show that it is 0.
                variance += 1 / self.known["shots"] ** 2
            worst = max(worst, abs(expected - found) / math.sqrt(variance))
        return "ok" if worst < SIGMA else f"marginals differ {worst:.1f} sigma"


def marginals_of_integers(samples, n):
    """Shares of ones, from samples that are numbers with qubit 0 lowest."""
    import numpy as np

    samples = np.asarray(samples, dtype=np.uint64)
    return [float(((samples >> np.uint64(q)) & np.uint64(1)).mean()) for q in range(n)]


def marginals_of_counts(counts, n):
    """Shares of ones, from counts by bit string or hexadecimal number, qubit 0 lowest."""
    total, ones = sum(counts.values()), [0] * n
    for key, count in counts.items():
        value = int(key, 16) if key.startswith("0x") else int(key.replace(" ", ""), 2)
        for q in range(n):
            ones[q] += count if value >> q & 1 else 0
    return [share / total for share in ones]
