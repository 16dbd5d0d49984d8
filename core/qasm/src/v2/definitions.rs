//! Definitions of gates that `qelib1.inc` lacks, in gates that the specification's own
//! `qelib1.inc` has.
//!
//! Each is exact, global phase included, if `rx`, `ry` and `rz` have determinant 1 as in the gate
//! table; so the controlled gate follows from controlling each step.

/// The definition of a gate in OpenQASM 2.
#[derive(Debug)]
pub(super) struct Body {
    /// The gate's name.
    pub(super) name: &'static str,
    /// Its parameters, with the parentheses.
    pub(super) params: &'static str,
    /// Its qubits.
    pub(super) qubits: &'static str,
    /// Its statements.
    pub(super) body: &'static str,
}

impl Body {
    /// The definition of the gate with this name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        BODIES.iter().find(|body| body.name == name)
    }

    /// The `gate` statement.
    pub(super) fn text(&self) -> String {
        format!("gate {}{} {} {{ {} }}", self.name, self.params, self.qubits, self.body)
    }
}

macro_rules! bodies {
    ($($name:literal $params:literal $qubits:literal $body:literal;)*) => {
        /// All definitions.
        pub(super) static BODIES: &[Body] = &[$(
            Body { name: $name, params: $params, qubits: $qubits, body: $body },
        )*];
    };
}

bodies! {
    "r" "(theta,phi)" "a" "u3(theta,phi-pi/2,pi/2-phi) a;";
    "swap" "" "a,b" "cx a,b; cx b,a; cx a,b;";
    "iswap" "" "a,b" "s a; s b; h a; cx a,b; cx b,a; h b;";
    "dcx" "" "a,b" "cx a,b; cx b,a;";
    "ecr" "" "a,b"
        "h b; cx a,b; rz(pi/4) b; cx a,b; h b; x a; h b; cx a,b; rz(-pi/4) b; cx a,b; h b;";
    "rxx" "(theta)" "a,b" "h a; h b; cx a,b; rz(theta) b; cx a,b; h a; h b;";
    "ryy" "(theta)" "a,b"
        "rx(pi/2) a; rx(pi/2) b; cx a,b; rz(theta) b; cx a,b; rx(-pi/2) a; rx(-pi/2) b;";
    "rzz" "(theta)" "a,b" "cx a,b; rz(theta) b; cx a,b;";
    "rzx" "(theta)" "a,b" "h b; cx a,b; rz(theta) b; cx a,b; h b;";
    // After `cx a,b` the parity of the two qubits stands in b: `a` turns where it is even, or odd.
    "xx_minus_yy" "(theta,beta)" "a,b"
        "cx a,b; x b; cu3(theta,beta-pi/2,pi/2-beta) b,a; x b; cx a,b;";
    "xx_plus_yy" "(theta,beta)" "a,b" "cx a,b; cu3(theta,-beta-pi/2,pi/2+beta) b,a; cx a,b;";
    "rccx" "" "a,b,c"
        "h c; t c; cx b,c; tdg c; cx a,c; t c; cx b,c; tdg c; h c;";
    "rc3x" "" "a,b,c,d"
        "h d; t d; cx c,d; tdg d; h d; cx a,d; t d; cx b,d; tdg d; \
         cx a,d; t d; cx b,d; tdg d; h d; t d; cx c,d; tdg d; h d;";
    "cs" "" "a,b" "cu1(pi/2) a,b;";
    "csdg" "" "a,b" "cu1(-pi/2) a,b;";
    "cu2" "(phi,lambda)" "a,b" "cu3(pi/2,phi,lambda) a,b;";
    "ccz" "" "a,b,c" "h c; ccx a,b,c; h c;";
}
