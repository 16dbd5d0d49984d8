//! The couplings of a device in the form that routing looks at them.

use std::collections::VecDeque;

use ketch_interface::device::CouplingMap;

use crate::CompileError;

/// Devices with more coupled qubits than this are refused: the table of distances is quadratic.
pub(crate) const MAX_DEVICE: u32 = 4096;

/// No way between two qubits.
pub(crate) const UNREACHABLE: u16 = u16::MAX;

/// Which qubits are coupled, and how far apart all are.
#[derive(Clone, Debug)]
pub(crate) struct Coupling {
    n_qubits: usize,
    neighbours: Vec<Vec<u32>>,
    /// Bit `a * n_qubits + b`: a gate can go from `a` to `b`.
    directed: Vec<u64>,
    /// By `a * n_qubits + b`, the least number of couplings between.
    distances: Vec<u16>,
    /// For each qubit, the number of its connected part.
    part: Vec<u32>,
    part_sizes: Vec<u32>,
}

impl Coupling {
    pub(crate) fn new(
        backend: &str,
        n_qubits: u32,
        map: &CouplingMap,
    ) -> Result<Self, CompileError> {
        if n_qubits > MAX_DEVICE {
            let (backend, limit) = (backend.to_owned(), MAX_DEVICE);
            return Err(CompileError::DeviceTooLarge { backend, n_qubits, limit });
        }
        let n = n_qubits as usize;
        let mut directed = vec![0_u64; (n * n).div_ceil(64)];
        let mut neighbours = vec![Vec::new(); n];
        for (a, b) in map.edges().filter(|(a, b)| a != b) {
            if a.max(b) >= n_qubits {
                let (backend, qubit) = (backend.to_owned(), a.max(b));
                return Err(CompileError::NoSuchQubit { backend, qubit, n_qubits });
            }
            let bit = a as usize * n + b as usize;
            directed[bit / 64] |= 1 << (bit % 64);
            neighbours[a as usize].push(b);
            neighbours[b as usize].push(a);
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        let mut distances = vec![UNREACHABLE; n * n];
        for (start, row) in distances.chunks_mut(n.max(1)).enumerate() {
            row[start] = 0;
            let mut frontier = VecDeque::from([start]);
            while let Some(at) = frontier.pop_front() {
                for &next in &neighbours[at] {
                    if row[next as usize] == UNREACHABLE {
                        row[next as usize] = row[at] + 1;
                        frontier.push_back(next as usize);
                    }
                }
            }
        }
        let mut part = vec![u32::MAX; n];
        let mut part_sizes = Vec::new();
        for start in 0..n {
            if part[start] == u32::MAX {
                let members = (0..n).filter(|&q| distances[start * n + q] != UNREACHABLE);
                let mut size = 0;
                members.for_each(|q| {
                    part[q] = part_sizes.len() as u32;
                    size += 1;
                });
                part_sizes.push(size);
            }
        }
        Ok(Self { n_qubits: n, neighbours, directed, distances, part, part_sizes })
    }

    pub(crate) fn n_qubits(&self) -> u32 {
        self.n_qubits as u32
    }

    pub(crate) fn neighbours(&self, qubit: u32) -> &[u32] {
        &self.neighbours[qubit as usize]
    }

    /// A gate can go from the first qubit to the second.
    pub(crate) fn directed(&self, a: u32, b: u32) -> bool {
        let bit = a as usize * self.n_qubits + b as usize;
        self.directed[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Coupled, in either direction.
    pub(crate) fn coupled(&self, a: u32, b: u32) -> bool {
        self.distance(a, b) == 1
    }

    pub(crate) fn distance(&self, a: u32, b: u32) -> u16 {
        self.distances[a as usize * self.n_qubits + b as usize]
    }

    /// The qubits of the largest connected part; of the first one of several.
    pub(crate) fn largest_part(&self) -> Vec<u32> {
        let largest = self.part_sizes.iter().max().copied().unwrap_or(0);
        let which = self.part_sizes.iter().position(|&size| size == largest).unwrap_or(0) as u32;
        (0..self.n_qubits()).filter(|&q| self.part[q as usize] == which).collect()
    }
}
