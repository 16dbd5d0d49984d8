//! How each gate of the table is said in OpenQASM 3.

use ketch_interface::circuit::{Gate, GateOp};

/// The gates of `stdgates.inc` that are written by name: gate, controls, name.
///
/// Their matrices are the gate table's, so more controls can be put around them.
const STANDARD: &[(Gate, u16, &str)] = &[
    (Gate::Id, 0, "id"),
    (Gate::X, 0, "x"),
    (Gate::Y, 0, "y"),
    (Gate::Z, 0, "z"),
    (Gate::H, 0, "h"),
    (Gate::S, 0, "s"),
    (Gate::Sdg, 0, "sdg"),
    (Gate::T, 0, "t"),
    (Gate::Tdg, 0, "tdg"),
    (Gate::Sx, 0, "sx"),
    (Gate::P, 0, "p"),
    (Gate::U1, 0, "p"),
    (Gate::Rx, 0, "rx"),
    (Gate::Ry, 0, "ry"),
    (Gate::Rz, 0, "rz"),
    (Gate::Swap, 0, "swap"),
    (Gate::GlobalPhase, 0, "gphase"),
    (Gate::X, 1, "cx"),
    (Gate::Y, 1, "cy"),
    (Gate::Z, 1, "cz"),
    (Gate::H, 1, "ch"),
    (Gate::P, 1, "cp"),
    (Gate::U1, 1, "cp"),
    (Gate::Rx, 1, "crx"),
    (Gate::Ry, 1, "cry"),
    (Gate::Rz, 1, "crz"),
    (Gate::PhasedU, 1, "cu"),
    (Gate::X, 2, "ccx"),
    (Gate::Swap, 1, "cswap"),
];

/// All names of `stdgates.inc` and of the language's own gates.
const STANDARD_NAMES: &str = "
    p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap cu CX phase cphase
    id u1 u2 u3 U gphase
";

/// The name is that of a gate which no program must define.
pub(super) fn is_standard_gate(name: &str) -> bool {
    STANDARD_NAMES.split_whitespace().any(|known| known == name)
}

/// A gate that is defined at the head of the program.
#[derive(Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) gate: Gate,
    pub(super) name: &'static str,
    params: &'static str,
    qubits: &'static str,
    body: &'static str,
}

macro_rules! definitions {
    ($($gate:ident $name:literal $params:literal $qubits:literal $body:literal;)*) => {
        /// Exact, global phase included, so that controls can be put around them.
        ///
        /// The parameters' names are in alphabetical order, because Qiskit's reader
        /// (qiskit-qasm3-import 0.6.0) binds those of a definition in that order.
        pub(super) const DEFINITIONS: &[Definition] = &[$(Definition {
            gate: Gate::$gate,
            name: $name,
            params: $params,
            qubits: $qubits,
            body: $body,
        }),*];
    };
}

definitions! {
    PhasedU "phased_u" "(p0, p1, p2, p3)" "a"
        "gphase(p3 + (p1 + p2)/2); rz(p2) a; ry(p0) a; rz(p1) a;";
    Sxdg "sxdg" "" "a" "inv @ sx a;";
    R "r" "(p0, p1)" "a" "rz(-p1) a; rx(p0) a; rz(p1) a;";
    Iswap "iswap" "" "a, b" "s a; s b; h a; cx a, b; cx b, a; h b;";
    Dcx "dcx" "" "a, b" "cx a, b; cx b, a;";
    Ecr "ecr" "" "a, b"
        "rzx(pi/4) a, b; x a; rzx(-pi/4) a, b;";
    Rxx "rxx" "(p0)" "a, b" "h a; h b; cx a, b; rz(p0) b; cx a, b; h a; h b;";
    Ryy "ryy" "(p0)" "a, b"
        "rx(pi/2) a; rx(pi/2) b; cx a, b; rz(p0) b; cx a, b; rx(-pi/2) a; rx(-pi/2) b;";
    Rzz "rzz" "(p0)" "a, b" "cx a, b; rz(p0) b; cx a, b;";
    Rzx "rzx" "(p0)" "a, b" "h b; cx a, b; rz(p0) b; cx a, b; h b;";
    // After `cx a, b` the parity of the two qubits stands in b: `a` turns where it is even, or odd.
    XxMinusYy "xx_minus_yy" "(p0, p1)" "a, b"
        "cx a, b; x b; cu(p0, p1-pi/2, pi/2-p1, 0) b, a; x b; cx a, b;";
    XxPlusYy "xx_plus_yy" "(p0, p1)" "a, b"
        "cx a, b; cu(p0, -p1-pi/2, pi/2+p1, 0) b, a; cx a, b;";
    Rccx "rccx" "" "a, b, c" "h c; t c; cx b, c; tdg c; cx a, c; t c; cx b, c; tdg c; h c;";
    Rc3x "rc3x" "" "a, b, c, d"
        "h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; \
         cx a, d; t d; cx b, d; tdg d; h d; t d; cx c, d; tdg d; h d;";
}

impl Definition {
    /// The `gate` statement, after those of the gates that its body uses.
    pub(super) fn text(&self) -> String {
        format!("gate {}{} {} {{ {} }}\n", self.name, self.params, self.qubits, self.body)
    }

    /// What must be defined before it.
    pub(super) fn needs(&self) -> Option<&'static Self> {
        let needed = match self.gate {
            Gate::Ecr => Gate::Rzx,
            _ => return None,
        };
        DEFINITIONS.iter().find(|definition| definition.gate == needed)
    }
}

/// How a gate is said.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// The name.
    pub(super) name: &'static str,
    /// The name holds all controls; otherwise they become modifiers.
    pub(super) controls_within: bool,
    /// The definition that the program needs.
    pub(super) definition: Option<&'static Definition>,
    /// What is done to the parameters.
    pub(super) params: Params,
}

/// From the table's parameters to those of the name that is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Params {
    /// As they are.
    Same,
    /// Only the first three.
    Three,
    /// None.
    Dropped,
    /// φ, λ become π/2, φ, λ.
    AfterHalfPi,
    /// φ, λ become π/2, φ, λ, 0.
    AfterHalfPiThenZero,
    /// θ, φ, λ become θ, φ, λ, 0.
    ThenZero,
}

/// How to say a gate.
pub(super) fn said(op: GateOp) -> Said {
    // `U`, `u2` and `u3` of the language have phases of their own, which show once the gate is
    // controlled; `cu` and our own definition are the gate table's.
    let (gate, params) = match (op.gate, op.controls) {
        (Gate::U | Gate::U3, 0) => return built_in("U", Params::Same),
        (Gate::U2, 0) => return built_in("U", Params::AfterHalfPi),
        (Gate::PhasedU, 0) => return built_in("U", Params::Three),
        (Gate::U0, 0) => return built_in("id", Params::Dropped),
        (Gate::U | Gate::U3, _) => (Gate::PhasedU, Params::ThenZero),
        (Gate::U2, _) => (Gate::PhasedU, Params::AfterHalfPiThenZero),
        (Gate::U0, _) => (Gate::Id, Params::Dropped),
        (gate, _) => (gate, Params::Same),
    };
    let named = |controls: u16| {
        STANDARD.iter().find(|row| row.0 == gate && row.1 == controls).map(|row| row.2)
    };
    let whole = named(op.controls).filter(|_| op.state.is_all());
    if let Some(name) = whole.or(named(0)) {
        return Said { name, controls_within: whole.is_some(), definition: None, params };
    }
    let definition = DEFINITIONS
        .iter()
        .find(|definition| definition.gate == gate)
        .expect("a gate that the standard library lacks has a definition");
    Said { name: definition.name, controls_within: false, definition: Some(definition), params }
}

fn built_in(name: &'static str, params: Params) -> Said {
    Said { name, controls_within: true, definition: None, params }
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::GATES;

    use super::*;

    #[test]
    fn every_gate_can_be_said() {
        for info in GATES {
            for controls in 0..4 {
                let said = said(GateOp::new(info.gate, controls));
                let known = is_standard_gate(said.name) || said.definition.is_some();
                assert!(known, "{}", said.name);
            }
        }
    }

    #[test]
    fn the_name_holds_the_controls_where_it_can() {
        let name = |gate, controls| {
            let said = said(GateOp::new(gate, controls));
            (said.name, said.controls_within)
        };
        assert_eq!(name(Gate::X, 2), ("ccx", true));
        assert_eq!(name(Gate::X, 3), ("x", false));
        assert_eq!(name(Gate::S, 1), ("s", false));
        assert_eq!(name(Gate::PhasedU, 1), ("cu", true));
        assert_eq!(name(Gate::U2, 3), ("phased_u", false));
    }
}
