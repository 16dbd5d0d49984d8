//! The choice of a layout: one without swaps if there is one, else the best of several that SABRE
//! finds by routing the circuit forth and back.

use super::{dag::Dag, layout::Layout, perfect, sabre};
use crate::{CompileError, Options, Target, coupling::Coupling, node::Node, rng::Rng};

/// A layout, and the seed with which routing from it was best.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) layout: Layout,
    pub(crate) seed: u64,
}

/// Rounds forth and back for each trial.
const ROUNDS: usize = 2;

/// The circuit fits somewhere without swaps.
pub(crate) fn fits(nodes: &[Node], target: &Target, n_virtual: u32) -> bool {
    perfect::find(&Dag::of_pairs(nodes, n_virtual), target, n_virtual).is_some()
}

/// Places a circuit of `n_virtual` qubits on a device.
pub(crate) fn place(
    nodes: &[Node],
    target: &Target,
    coupling: &Coupling,
    circuit: (&str, u32),
    options: &Options,
) -> Result<Placed, CompileError> {
    let (name, n_virtual) = circuit;
    let n = coupling.n_qubits();
    let dag = Dag::of_pairs(nodes, n_virtual);
    let trivial = Layout::trivial(n);
    let seed = options.seed;
    let coupled = |pair: [u32; 2]| coupling.coupled(pair[0], pair[1]);
    let fits = dag.items.iter().filter_map(|item| item.pair).all(coupled);
    if fits && !(options.optimise && target.has_errors()) {
        return Ok(Placed { layout: trivial, seed });
    }
    if options.optimise
        && let Some(places) = perfect::find(&dag, target, n_virtual)
    {
        return Ok(Placed { layout: Layout::from_places(&places, n), seed });
    }

    let mut active: Vec<u32> = dag.items.iter().filter_map(|item| item.pair).flatten().collect();
    active.sort_unstable();
    active.dedup();
    let part = coupling.largest_part();
    if active.len() > part.len() {
        return Err(CompileError::Disconnected {
            backend: target.backend.clone(),
            circuit: name.to_owned(),
            needed: active.len() as u32,
            largest: part.len() as u32,
        });
    }
    let connected = part.len() == n as usize;
    if !options.optimise && connected {
        return Ok(Placed { layout: trivial, seed });
    }

    let back = dag.reversed();
    let mut rng = Rng::new(seed);
    let mut best: Option<(u64, Layout, u64)> = None;
    for trial in 0..options.trials.max(1) {
        let mut layout = if trial == 0 && connected {
            trivial.clone()
        } else {
            region(coupling, &part, &active, trial, &mut rng)
        };
        for _ in 0..ROUNDS {
            sabre::route(&dag, coupling, &mut layout, &mut rng, &mut |_, _| {});
            sabre::route(&back, coupling, &mut layout, &mut rng, &mut |_, _| {});
        }
        for _ in 0..2 {
            let seed = rng.next();
            let mut walked = layout.clone();
            let mut rng = Rng::new(seed);
            let cost = sabre::route(&dag, coupling, &mut walked, &mut rng, &mut |_, _| {});
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, layout.clone(), seed));
            }
        }
    }
    let (_, layout, seed) = best.expect("there is at least one trial");
    Ok(Placed { layout, seed })
}

/// The active qubits in a region that was grown from a random place, most coupled neighbours first.
fn region(coupling: &Coupling, part: &[u32], active: &[u32], trial: u32, rng: &mut Rng) -> Layout {
    let n = coupling.n_qubits();
    let mut inside = vec![false; n as usize];
    let mut links = vec![0_u32; n as usize];
    // The first region starts at a qubit with many neighbours.
    let most = part.iter().copied().max_by_key(|&q| coupling.neighbours(q).len());
    let start = if trial == 1 { most } else { part.get(rng.below(part.len())).copied() };
    let mut region: Vec<u32> = Vec::with_capacity(active.len());
    let mut next = start;
    while let Some(q) = next.filter(|_| region.len() < active.len()) {
        inside[q as usize] = true;
        region.push(q);
        coupling.neighbours(q).iter().for_each(|&other| links[other as usize] += 1);
        let rim = part.iter().copied().filter(|&q| !inside[q as usize] && links[q as usize] > 0);
        next = rim.max_by_key(|&q| (links[q as usize], std::cmp::Reverse(q)));
    }
    rng.shuffle(&mut region);
    let mut places = vec![None; active.last().map_or(0, |&q| q as usize + 1)];
    for (&v, &p) in active.iter().zip(&region) {
        places[v as usize] = Some(p);
    }
    Layout::from_places(&places, n)
}
