//! Small circuits of the gates that a backend says it has.

use std::f64::consts::{FRAC_PI_2, PI};

use ketch_core::{Backend, Circuit, circuit::Gate};

use crate::Outcome;

/// The most qubits of [`Gates::busy`], and how often its gates are repeated. A unitary of ten
/// qubits takes 16 MiB.
const BUSY_QUBITS: u32 = 10;
const BUSY_ROUNDS: usize = 150;

/// The gates of a backend, and two coupled qubits to use them on.
#[derive(Clone, Debug)]
pub struct Gates {
    names: Vec<String>,
    /// All that there are.
    n_qubits: u32,
    /// A qubit.
    pub first: u32,
    /// A qubit coupled to the first; `None` on a backend of one qubit.
    pub second: Option<u32>,
}

impl Gates {
    /// From a backend's configuration.
    ///
    /// # Errors
    /// If there is no configuration.
    pub fn of(backend: &dyn Backend) -> Result<Self, Outcome> {
        let configuration = backend.configuration()?;
        let pair = configuration.coupling_map.as_ref().and_then(|groups| {
            groups.iter().find(|group| group.len() == 2).map(|pair| (pair[0], pair[1]))
        });
        let (first, second) = match pair {
            Some((first, second)) => (first, Some(second)),
            None => (0, (configuration.n_qubits() != Some(1)).then_some(1)),
        };
        let n_qubits = configuration.n_qubits().unwrap_or(u32::MAX);
        Ok(Self { names: configuration.basis_gates.clone(), n_qubits, first, second })
    }

    /// An empty circuit with the pair in it and two clbits.
    #[must_use]
    pub fn circuit(&self, name: &str) -> Circuit {
        let n_qubits = self.first.max(self.second.unwrap_or(0)) + 1;
        Circuit::new(n_qubits, 2).named(name)
    }

    /// Flips a qubit.
    ///
    /// # Errors
    /// Not applicable if the backend has no gate that does.
    pub fn x(&self, circuit: Circuit, q: u32) -> Result<Circuit, Outcome> {
        Ok(match () {
            () if self.has("x") => circuit.x(q),
            () if self.has("u") => circuit.u(PI, 0.0, PI, q),
            () if self.has("u3") => circuit.gate(Gate::U3, 0, &[PI, 0.0, PI], &[q]),
            () if self.has("sx") => circuit.sx(q).sx(q),
            () if self.has("rx") => circuit.rx(PI, q),
            () => return Err(self.lacks("x, u, u3, sx or rx")),
        })
    }

    /// An even superposition from |0>.
    ///
    /// # Errors
    /// As [`x`](Self::x).
    pub fn h(&self, circuit: Circuit, q: u32) -> Result<Circuit, Outcome> {
        Ok(match () {
            () if self.has("h") => circuit.h(q),
            () if self.has("u") => circuit.u(FRAC_PI_2, 0.0, PI, q),
            () if self.has("u3") => circuit.gate(Gate::U3, 0, &[FRAC_PI_2, 0.0, PI], &[q]),
            () if self.has("sx") && self.has("rz") => {
                circuit.rz(FRAC_PI_2, q).sx(q).rz(FRAC_PI_2, q)
            }
            () => return Err(self.lacks("h, u, u3, or sx with rz")),
        })
    }

    /// Controlled X on the pair.
    ///
    /// # Errors
    /// As [`x`](Self::x), or if there is but one qubit.
    pub fn cx(&self, circuit: Circuit) -> Result<Circuit, Outcome> {
        let (control, target) = (self.first, self.second()?);
        if self.has("cx") || self.has("CX") {
            return Ok(circuit.cx(control, target));
        }
        if self.has("cz") {
            let circuit = self.h(circuit, target)?.cz(control, target);
            return self.h(circuit, target);
        }
        Err(self.lacks("cx or cz"))
    }

    /// The second qubit.
    ///
    /// # Errors
    /// Not applicable if there is but one.
    pub fn second(&self) -> Result<u32, Outcome> {
        self.second.ok_or_else(|| Outcome::not_applicable("it has one qubit"))
    }

    /// Measures the pair, the first qubit into clbit 0.
    #[must_use]
    pub fn measure(&self, circuit: Circuit) -> Circuit {
        let circuit = circuit.measure(self.first, 0);
        self.second.into_iter().fold(circuit, |circuit, second| circuit.measure(second, 1))
    }

    /// The first qubit flipped and the pair measured: `01`.
    ///
    /// # Errors
    /// As [`x`](Self::x).
    pub fn one(&self, name: &str) -> Result<Circuit, Outcome> {
        Ok(self.measure(self.x(self.circuit(name), self.first)?))
    }

    /// Something random if the backend can do that, else something that is not, measured.
    ///
    /// # Errors
    /// As [`x`](Self::x).
    pub fn any(&self, name: &str) -> Result<Circuit, Outcome> {
        let random = self.h(self.circuit(name), self.first);
        random.map(|circuit| self.measure(circuit)).or_else(|_| self.one(name))
    }

    /// A circuit that keeps a processor busy for about a millisecond, in little memory.
    ///
    /// # Errors
    /// As [`x`](Self::x).
    pub fn busy(&self, name: &str) -> Result<Circuit, Outcome> {
        let h = self.h(self.circuit(name), self.first).is_ok();
        let cx = self.cx(self.circuit(name)).is_ok();
        let n_qubits = self.circuit(name).n_qubits().max(self.n_qubits.min(BUSY_QUBITS));
        let mut circuit = Circuit::new(n_qubits, 2).named(name);
        for _ in 0..BUSY_ROUNDS {
            for qubit in 0..n_qubits {
                circuit = if h { self.h(circuit, qubit)? } else { self.x(circuit, qubit)? };
            }
            circuit = if cx { self.cx(circuit)? } else { circuit };
        }
        Ok(self.measure(circuit))
    }

    /// A rotation of the first qubit by a parameter that is bound later.
    ///
    /// # Errors
    /// As [`x`](Self::x).
    pub fn rotation(&self, circuit: Circuit, parameter: &str) -> Result<Circuit, Outcome> {
        let q = self.first;
        Ok(match () {
            () if self.has("rx") => circuit.rx(parameter, q),
            () if self.has("ry") => circuit.ry(parameter, q),
            () if self.has("rz") => circuit.rz(parameter, q),
            () if self.has("u") => circuit.u(parameter, 0.0, 0.0, q),
            () => return Err(self.lacks("rx, ry, rz or u")),
        })
    }

    /// Whether the backend lists this gate.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn lacks(&self, names: &str) -> Outcome {
        Outcome::not_applicable(format!("it has none of the gates {names}"))
    }
}
