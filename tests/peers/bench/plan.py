"""What is run: rows of a circuit and the simulators that run it one right after the other.

Rows come in an order in which an interrupted run has something of every family. In a row, the
first simulator writes the reference, and Ketch stands between its strongest rivals.
"""

import fnmatch
from dataclasses import dataclass

from .peers import PEERS

STATE = ["prism-f64", "ketch-f64", "ketch-f32", "qsim-f32"]
SLOW_STATE = ["aer-f64", "aer-f32", "qulacs-f64", "scaluq-f64", "scaluq-f32"]
LARGE_STATE = ["aer-f64", "qulacs-f64"]
WIDE = ["prism-auto", "ketch-auto", "ddsim", "aer-auto"]
DENSITY = ["aer-dm", "ketch-dm", "ketch-dm-f32", "prism-dm"]
TRAJECTORIES = ["qsim-traj", "ketch-f64", "ketch-f32", "prism-traj"]
CLIFFORD = ["stim", "ketch-stab", "prism-stab"]
CHAIN = ["prism-mps", "ketch-mps", "aer-mps", "quimb-mps"]
JOBS = ["prism-jobs", "ketch-jobs", "qulacs-jobs", "scaluq-jobs", "aer-jobs"]

# Circuits of the index that fit the pattern, and who runs them. The first that fits is taken.
ROWS = [
    ("qft_20 rqc_20 qv_20 hea_20 qaoa_20", STATE + SLOW_STATE),
    ("small_jobs", JOBS),
    ("dm_8 dm_10", DENSITY + ["aer-dm-f32", "qulacs-noise"]),
    ("dm_full_*", DENSITY + ["qulacs-noise"]),
    ("traj_full_16", TRAJECTORIES + ["qulacs-noise"]),
    ("traj_full_20", TRAJECTORIES),
    ("traj_16", TRAJECTORIES + ["qulacs-noise"]),
    ("clifford_100", CLIFFORD + ["aer-stab"]),
    ("clifford_*", CLIFFORD),
    ("surface_*", ["stim-code", "ketch-code"]),
    ("mps_*", CHAIN),
    ("ghz_* bv_* w_*", WIDE),
    ("qft_24 rqc_24", STATE + LARGE_STATE + ["scaluq-f32"]),
    ("hea_24 qaoa_24 qv_24 draper_24 ripple_24", STATE),
    ("dm_12", DENSITY),
    ("traj_20", TRAJECTORIES),
    ("*_22", STATE),
    ("draper_20 ripple_20", STATE + ["aer-f64"]),
    ("grover_*", STATE + ["qulacs-f64"]),
    ("*_16", STATE),
    ("*_26", STATE),
]
QUICK = ["qft_20", "rqc_20", "dm_8", "clifford_100", "surface_5", "mps_40", "ghz_60"]

# The slow ones are never the best of a row: one repetition is enough, and they get no more time.
ONCE = {"aer-f64", "aer-f32", "aer-dm-f32", "aer-stab", "qulacs-f64", "qulacs-noise", "quimb-mps",
        "scaluq-f64", "scaluq-f32"}  # fmt: skip
BUDGET_S, BUDGET_ONCE_S = 40, 2
LIMIT_S = 200

# Wanted ratios, the best rival's time over ours: in double and in single precision.
WANTED = {
    "qft": (4, 8), "rqc": (2.5, 2.2), "hea": (4, 3), "qaoa": (3.5, 4), "draper": (4, 4),
    "qv": (1.7, 1.5), "grover": (2, 2), "dm": (10, 10), "dm_full": (10, 10), "traj": (5, 5),
    "traj_full": (5, 5), "clifford": (1, 1),
    "surface": (1, 1), "mps": (1.5, 1.5),
}  # fmt: skip
# Circuits a second: with shots, and without shots as a multiple of PRISM-Q's batch call.
WANTED_JOBS_PER_S = 100_000
WANTED_PROBABILITIES = 2


@dataclass(frozen=True)
class Cell:
    circuit: str
    peer: str
    reps: int
    budget_s: float

    @property
    def environment(self):
        return PEERS[self.peer].environment


def cells(index, reps, only=None, peers=None, quick=False):
    """The cells in the order in which they run.

    `only` and `peers` are lists of patterns; a peer that is named runs every circuit of its row.
    """
    chosen, seen = [], set()
    for patterns, names in ROWS:
        for pattern in patterns.split():
            for circuit in fnmatch.filter(index, pattern):
                if circuit in seen:
                    continue
                seen.add(circuit)
                if quick and not only and circuit not in QUICK:
                    continue
                if only and not any(fnmatch.fnmatch(circuit, glob) for glob in only):
                    continue
                for name in names:
                    if peers and not any(fnmatch.fnmatch(name, glob) for glob in peers):
                        continue
                    once = name in ONCE
                    budget = BUDGET_ONCE_S if once else BUDGET_S
                    chosen.append(Cell(circuit, name, 1 if once else reps, budget))
    return chosen
