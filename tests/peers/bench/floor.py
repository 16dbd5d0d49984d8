"""The least time that a state-vector simulator of a known kind needs for a circuit.

It keeps blocks of `LOCAL` qubits in a cache and runs every gate there that it can before it goes
on: one stage reads and writes the state once. A gate needs those of its qubits in the block that
it mixes; diagonal gates and controls need none. It spends no more arithmetic on a gate than its
form asks for: `OPERATIONS`. The floor is the longer of the time to move the bytes and the time to
calculate, each at the rate that was measured on this machine; nothing here is a time of Ketch.
"""

from .limits import bandwidth

# Qubits of a block: 4 MiB in double precision.
LOCAL = 18
# The lowest qubits are always in the block: a line of the cache holds them.
LOW = 6
DIAGONAL = {"z", "s", "sdg", "t", "tdg", "u1", "rz", "cz", "cu1"}
# Real operations per amplitude.
OPERATIONS = {
    "x": 0, "y": 0, "z": 0.5, "s": 0.5, "sdg": 0.5, "t": 3, "tdg": 3, "u1": 3, "rz": 6, "cz": 0.25,
    "cu1": 1.5, "cx": 0, "ccx": 0, "swap": 0, "h": 4, "rx": 8, "ry": 6, "u3": 14,
}  # fmt: skip
# A whole 4x4 complex matrix.
DENSE_PAIR = 30
BYTES = {"double": 16, "single": 8}


def seconds(circuit, precision, limits):
    """The floor of a circuit in one precision."""
    amplitudes = 2.0**circuit.n
    size = amplitudes * BYTES[precision]
    moving = stages(circuit) * 2 * size / bandwidth(limits, size)
    return max(moving, amplitudes * operations(circuit) / limits[precision])


def mixed(name, qubits):
    """The qubits of a gate that its block has to hold."""
    if name in DIAGONAL:
        return ()
    return qubits[-1:] if name in ("cx", "ccx") else qubits


def stages(circuit):
    """How many passes over the state: gates are taken in order, those that fit first."""
    rest, count = [(name, qubits) for name, _, qubits in circuit.gates], 0
    while rest:
        held = set(range(min(LOW, circuit.n)))
        # Qubits that a gate left behind mixes, or is diagonal on: diagonal gates commute.
        behind_mixed, behind_diagonal, left = set(), set(), []
        for name, qubits in rest:
            mixes = mixed(name, qubits)
            blocked = any(q in behind_mixed for q in qubits)
            blocked = blocked or any(q in behind_diagonal for q in mixes)
            if blocked or len(held | set(mixes)) > LOCAL:
                left.append((name, qubits))
                for q in qubits:
                    (behind_mixed if q in mixes else behind_diagonal).add(q)
            else:
                held |= set(mixes)
        rest, count = left, count + 1
    return count


def operations(circuit):
    """Real operations per amplitude, with neighbouring gates on one or two qubits merged where
    that is less work."""
    total = 0.0
    for qubits, names in pairs(circuit):
        alone = sum(OPERATIONS[name] for name in names)
        merged = {1: OPERATIONS["u3"], 2: DENSE_PAIR}.get(len(qubits), alone)
        total += min(alone, merged)
    return total


def pairs(circuit):
    """Gates gathered into groups on at most two qubits, as (qubits, names)."""
    groups, latest = [], {}
    for name, _, qubits in circuit.gates:
        owners = {latest.get(q) for q in qubits}
        if len(owners) == 1 and None not in owners:
            # Nothing else has touched these qubits since: the gate joins the group.
            owner = owners.pop()
        else:
            # Groups on one qubit that come right before become part of this one.
            before = [o for o in owners if o is not None and len(qubits) == 2]
            before = [o for o in before if len(groups[o][0]) == 1]
            groups.append((set(qubits), [n for o in before for n in groups[o][1]]))
            for o in before:
                groups[o] = (set(), [])
            owner = len(groups) - 1
        groups[owner][1].append(name)
        latest.update(dict.fromkeys(qubits, owner))
    return [group for group in groups if group[1]]
