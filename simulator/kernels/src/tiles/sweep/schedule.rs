//! Which rotations share a round through the registers.

use super::Rotation;
use crate::simd::Registers;

/// Rotations that are looked at for a round: so many that the time to schedule grows with
/// their number alone.
const WINDOW: usize = 256;

/// The rounds: the bits of their slots, ascending, and their rotations. Every round has
/// all its slots filled, with idle bits if need be.
pub(super) fn rounds(
    rotations: &[Rotation],
    n_tile_bits: usize,
    registers: Registers,
) -> Vec<(Vec<usize>, Vec<Rotation>)> {
    let lanes = (1 << registers.lane_bits) - 1;
    let mut rest = rotations.iter().copied();
    let mut waiting: Vec<Rotation> = rest.by_ref().take(WINDOW).collect();
    let mut rounds = Vec::new();
    while !waiting.is_empty() {
        let slots = choose(&waiting, lanes, registers.slots, (1 << n_tile_bits) - 1);
        // A rotation has to wait when one before it on the same bit does.
        let (mut taken, mut blocked) = (Vec::new(), 0);
        waiting.retain(|rotation| {
            let mask = rotation.mask();
            let fits = mask & blocked == 0 && mask & !(lanes | slots) == 0;
            match fits {
                true => taken.push(*rotation),
                false => blocked |= mask,
            }
            !fits
        });
        debug_assert!(!taken.is_empty(), "every round takes a rotation");
        rounds.push((bits(slots).collect(), taken));
        let room = WINDOW - waiting.len();
        waiting.extend(rest.by_ref().take(room));
    }
    rounds
}

/// The slots of the next round, as a mask.
fn choose(waiting: &[Rotation], lanes: usize, n_slots: usize, tile: usize) -> usize {
    let room = |slots: usize| n_slots - slots.count_ones() as usize;
    let (mut slots, mut ready, mut blocked) = (0_usize, 0_usize, 0);
    for rotation in waiting {
        let (mask, across) = (rotation.mask(), rotation.mask() & !lanes);
        if mask & blocked != 0 {
            blocked |= mask;
        } else if matches!(rotation, Rotation::Two { .. } | Rotation::Phase { .. }) {
            match (slots | across).count_ones() as usize <= n_slots {
                true => slots |= across,
                false => blocked |= mask,
            }
        } else {
            ready |= across;
        }
    }

    // Far bits make addresses that fall into the same set of the cache: so each round
    // takes near and far ones, as many as the others.
    let ready: Vec<usize> = bits(ready & !slots).collect();
    if room(slots) > 0 && !ready.is_empty() {
        let rounds = ready.len().div_ceil(room(slots));
        let share = ready.len().div_ceil(rounds);
        for place in 0..share {
            slots |= 1 << ready[place * ready.len() / share];
        }
    }
    let idle: Vec<usize> = bits(tile & !lanes & !slots).take(room(slots)).collect();
    idle.iter().fold(slots, |slots, bit| slots | 1 << bit)
}

/// The bits of a mask, ascending.
fn bits(mask: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |bit| mask >> bit & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTERS: Registers = Registers { lane_bits: 2, slots: 4 };

    fn one(bit: usize) -> Rotation {
        Rotation::One { bit, matrix: [[1.0, -0.5], [0.5, 1.0]] }
    }

    #[test]
    fn a_layer_takes_as_few_rounds_as_can_be() {
        let layer: Vec<Rotation> = (0..16).map(one).collect();
        let rounds = rounds(&layer, 16, REGISTERS);
        assert_eq!(rounds.len(), 4);
        assert!(rounds.iter().all(|(slots, rotations)| slots.len() == 4 && rotations.len() >= 3));
        assert_eq!(rounds.iter().map(|(_, rotations)| rotations.len()).sum::<usize>(), 16);
    }

    #[test]
    fn rotations_on_a_shared_bit_keep_their_order() {
        let matrix = [[1.0, 0.0], [0.0, 1.0]];
        let two = |a, b| Rotation::Two { bits: [a, b], even: matrix, odd: matrix };
        let chain: Vec<Rotation> = (0..600)
            .map(
                |step| {
                    if step % 3 == 0 { one(step * 7 % 13) } else { two(step % 13, step * 5 % 13) }
                },
            )
            .filter(|rotation| !matches!(rotation, Rotation::Two { bits: [a, b], .. } if a == b))
            .collect();
        let taken: Vec<Rotation> = rounds(&chain, 13, REGISTERS)
            .into_iter()
            .flat_map(|(_, rotations)| rotations)
            .collect();
        assert_eq!(taken.len(), chain.len());
        for bit in 0..13 {
            let on_bit = |all: &[Rotation]| -> Vec<Rotation> {
                all.iter().filter(|rotation| rotation.mask() >> bit & 1 == 1).copied().collect()
            };
            assert_eq!(on_bit(&taken), on_bit(&chain));
        }
    }
}
