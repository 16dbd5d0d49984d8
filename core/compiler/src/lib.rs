//! Makes a circuit fit a device.
//!
//! [`compile`] translates a [`Circuit`] to the basis of a [`Target`], places its qubits on the
//! device, brings together those that are not coupled, and shortens what comes out. [`check`] says
//! whether a circuit fits as it stands.
//!
//! The compiled circuit does the same as the original: its unitary is equal up to the places of the
//! qubits ([`Compiled::initial_layout`], [`Compiled::final_layout`]), every measurement goes into
//! the same clbit, and control flow is kept. The same circuit, target and options give the same
//! result on every machine.
//!
//! In order: operations on one and two qubits (`expand`), cancellation (`cancel`), runs on the same
//! two qubits joined (`blocks`), layout and swaps (`route`), runs made into as few gates as can be
//! (`blocks` again), gates of the device (`emit`).
//!
//! ```
//! use ketch_compiler::{Options, Target, compile};
//! use ketch_interface::{BackendConfiguration, Circuit};
//!
//! let mut device = BackendConfiguration::simulator("line", "1.0.0", 3);
//! device.basis_gates = ["rz", "sx", "x", "cx"].map(String::from).to_vec();
//! device.coupling_map = Some(vec![vec![0, 1], vec![1, 2]]);
//! let target = Target::new(&device)?;
//!
//! let ring = Circuit::new(3, 3).h(0).cx(0, 1).cx(1, 2).cx(2, 0).measure_all();
//! let compiled = compile(&ring, &target, &Options::default())?;
//! assert!(ketch_compiler::check(&compiled.circuit, &target).is_ok());
//! # Ok::<(), ketch_compiler::CompileError>(())
//! ```

#![forbid(unsafe_code)]

mod blocks;
mod cancel;
mod check;
mod compiled;
mod coupling;
mod emit;
mod error;
mod expand;
mod linear;
mod node;
mod rng;
mod route;
mod synthesis;
mod target;

use blocks::Form;
use ketch_interface::Circuit;
use node::Node;
use route::Layout;

pub use check::check;
pub use compiled::{Compiled, GateCounts};
pub use error::CompileError;
pub use target::Target;

/// How to compile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Layout and routing draw from it; the same seed gives the same circuit.
    pub seed: u64,
    /// Shorten the circuit and look for a good layout. Without, gates are only translated, and
    /// qubits stay at their numbers where they can.
    pub optimise: bool,
    /// How many layouts are tried where none fits without swaps.
    pub trials: u32,
}

impl Options {
    /// The default with another seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, optimise: true, trials: 4 }
    }
}

/// Makes a circuit fit a target.
///
/// A simulator without couplings runs what it knows as it stands; only other instructions are
/// translated for it. Angles that are not bound yet stay symbolic.
///
/// # Errors
/// If the circuit is not valid, does not fit the device in size, or has an instruction that cannot
/// be translated to the basis.
pub fn compile(
    circuit: &Circuit,
    target: &Target,
    options: &Options,
) -> Result<Compiled, CompileError> {
    circuit.validate()?;
    check::check_size(circuit, target)?;
    let mut out = emit::empty_like(circuit, target.coupling.as_ref().map(|c| c.n_qubits()));
    let (nodes, phase) = expand::expand(circuit, target, &mut out)?;
    out.global_phase += phase;

    let as_it_stands = target.coupling.is_none() && target.simulator;
    let shorten = options.optimise && !as_it_stands;
    let n_virtual = circuit.n_qubits();
    let (nodes, joined_phase) = if shorten {
        blocks::rewrite(cancel::cancel(nodes, n_virtual), n_virtual, Form::Joined)
    } else {
        (nodes, 0.0)
    };
    out.global_phase += joined_phase;

    let fitted = fit(nodes, circuit, target, options)?;
    out.global_phase += fitted.phase;
    emit::emit(&fitted.nodes, circuit, target, &mut out)?;
    Ok(Compiled {
        before: GateCounts::of(circuit),
        after: GateCounts::of(&out),
        circuit: out,
        initial_layout: fitted.initial,
        final_layout: fitted.last,
        added_swaps: fitted.swaps,
    })
}

/// Operations on physical qubits.
struct Fitted {
    nodes: Vec<Node>,
    phase: f64,
    initial: Vec<u32>,
    last: Vec<u32>,
    swaps: usize,
}

impl Fitted {
    fn n_pairs(&self) -> usize {
        self.nodes.iter().filter(|node| node.pair().is_some()).count()
    }
}

/// Places and routes, then makes joined runs into gates.
fn fit(
    nodes: Vec<Node>,
    circuit: &Circuit,
    target: &Target,
    options: &Options,
) -> Result<Fitted, CompileError> {
    let n_virtual = circuit.n_qubits();
    let form = Form::Gates { ising: target.ising.is_some() };
    let Some(coupling) = &target.coupling else {
        let stay: Vec<u32> = (0..n_virtual).collect();
        let (nodes, phase) = blocks::rewrite(nodes, n_virtual, form);
        return Ok(Fitted { nodes, phase, initial: stay.clone(), last: stay, swaps: 0 });
    };
    let one = |nodes: &[Node], moved: &[u32]| -> Result<Fitted, CompileError> {
        let name = (circuit.name.as_str(), n_virtual);
        let placed = route::place(nodes, target, coupling, name, options)?;
        let initial = placed.layout.places(n_virtual);
        let routed = route::route(nodes, circuit, coupling, placed.layout, placed.seed);
        let (nodes, phase) = blocks::rewrite(routed.nodes, coupling.n_qubits(), form);
        let last = moved.iter().map(|&v| routed.layout.physical(v)).collect();
        Ok(Fitted { nodes, phase, initial, last, swaps: routed.swaps })
    };
    let stay: Vec<u32> = (0..n_virtual).collect();
    let has_swaps = nodes.iter().any(|node| matches!(node, Node::Swap(..)));
    if !(options.optimise && has_swaps) {
        return one(&nodes, &stay);
    }
    // A swap of the circuit's own is only remembered, unless the circuit fits with all of them: then
    // somebody has routed it for this device, and it may be best so.
    let (without, moved) = elide(nodes.clone(), n_virtual);
    let elided = one(&without, &moved)?;
    if elided.swaps == 0 || !route::fits(&nodes, target, n_virtual) {
        return Ok(elided);
    }
    let kept = one(&nodes, &stay)?;
    Ok(if kept.n_pairs() < elided.n_pairs() { kept } else { elided })
}

/// Leaves out the program's swaps: from each on, the other qubit is meant. Also returns which qubit
/// is meant in the end by each.
fn elide(nodes: Vec<Node>, n_virtual: u32) -> (Vec<Node>, Vec<u32>) {
    let mut layout = Layout::trivial(n_virtual);
    let mut out = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Swap(a, b) => {
                let (p, q) = (layout.physical(a), layout.physical(b));
                layout.swap(p, q);
            }
            node => out.push(relabel(node, &layout)),
        }
    }
    (out, layout.places(n_virtual))
}

fn relabel(node: Node, layout: &Layout) -> Node {
    match node {
        Node::Flow(mut flow) => {
            for block in &mut flow.blocks {
                *block = std::mem::take(block).into_iter().map(|n| relabel(n, layout)).collect();
            }
            Node::Flow(Box::new(node::Flow::new(flow.source, flow.blocks)))
        }
        node => node.on(|v| layout.physical(v)),
    }
}
