// Teleports the state of q[0] to q[2]. Two measured bits say how to correct q[2]; undoing the
// preparation there must give 0 in `result` every time.
OPENQASM 2.0;
include "qelib1.inc";
qreg q[3];
creg phase[1];
creg flip[1];
creg result[1];

// The state to teleport.
u3(0.3, 0.2, 0.1) q[0];
barrier q;

// A Bell pair between sender (q[1]) and receiver (q[2]).
h q[1];
cx q[1], q[2];
barrier q;

// The sender measures q[0] and q[1] in the Bell basis.
cx q[0], q[1];
h q[0];
measure q[0] -> phase[0];
measure q[1] -> flip[0];

// The receiver corrects.
if (flip == 1) x q[2];
if (phase == 1) z q[2];

// u3(a, b, c) is undone by u3(-a, -c, -b).
u3(-0.3, -0.1, -0.2) q[2];
measure q[2] -> result[0];
