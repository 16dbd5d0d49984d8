"""The simulators that are measured, as a table; how each is driven is in the file of its name."""

import importlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """A simulator in one of its forms."""

    # The module of this package, and its function, which takes a cell.
    module: str
    function: str
    precision: str = "double"
    settings: dict = field(default_factory=dict)

    @property
    def is_ketch(self):
        return self.module == "ketch"

    @property
    def environment(self):
        """The virtual environment that has it."""
        return "prism" if self.module == "prism" else "bench"

    def run(self, cell):
        module = importlib.import_module(f"bench.peers.{self.module}")
        getattr(module, self.function)(cell, **self.settings)


def _peer(module, function, precision="double", **settings):
    return Peer(module, function, precision, settings)


PEERS = {
    "ketch-f64": _peer("ketch", "time", method="statevector"),
    "ketch-f32": _peer("ketch", "time", "single", method="statevector"),
    "ketch-auto": _peer("ketch", "time", method="automatic"),
    "ketch-dm": _peer("ketch", "time", method="density_matrix"),
    "ketch-dm-f32": _peer("ketch", "time", "single", method="density_matrix"),
    "ketch-stab": _peer("ketch", "time", method="stabilizer"),
    "ketch-mps": _peer("ketch", "time", method="matrix_product_state"),
    "ketch-code": _peer("ketch", "code"),
    "ketch-jobs": _peer("ketch", "small_jobs"),
    "aer-f64": _peer("aer", "state", method="statevector"),
    "aer-f32": _peer("aer", "state", "single", method="statevector"),
    "aer-auto": _peer("aer", "samples", method="automatic"),
    "aer-dm": _peer("aer", "noisy", method="density_matrix"),
    "aer-dm-f32": _peer("aer", "noisy", "single", method="density_matrix"),
    "aer-traj": _peer("aer", "noisy", method="statevector"),
    "aer-stab": _peer("aer", "samples", method="stabilizer"),
    "aer-mps": _peer("aer", "samples", method="matrix_product_state"),
    "aer-jobs": _peer("aer", "small_jobs"),
    "qsim-f32": _peer("qsim", "state", "single"),
    "qsim-traj": _peer("qsim", "noisy", "single"),
    "qulacs-f64": _peer("qulacs", "state"),
    "qulacs-noise": _peer("qulacs", "noisy"),
    "qulacs-jobs": _peer("qulacs", "small_jobs"),
    "scaluq-f64": _peer("scaluq", "state"),
    "scaluq-f32": _peer("scaluq", "state", "single"),
    "scaluq-jobs": _peer("scaluq", "small_jobs"),
    "prism-f64": _peer("prism", "state"),
    "prism-auto": _peer("prism", "samples", backend="auto"),
    "prism-stab": _peer("prism", "samples", backend="stabilizer"),
    "prism-mps": _peer("prism", "samples", backend="mps"),
    "prism-dm": _peer("prism", "noisy", backend="density_matrix"),
    "prism-traj": _peer("prism", "noisy", backend="statevector"),
    "prism-jobs": _peer("prism", "small_jobs"),
    "ddsim": _peer("ddsim", "samples"),
    "stim": _peer("stim", "samples"),
    "stim-code": _peer("stim", "code"),
    "quimb-mps": _peer("quimb", "chain"),
}
