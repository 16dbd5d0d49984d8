//! Pauli frames: how each shot of a block differs from one reference run.
//!
//! Clifford gates turn the Pauli string by which a shot differs from the reference, and Pauli noise
//! multiplies it; what a measurement answers is the reference's answer, flipped where the string
//! has an X part. So a gate costs a few operations on bits, for all shots of the block at once
//! (Gidney, "Stim: a fast stabilizer circuit simulator", arXiv:2103.02202, section 4).
//!
//! Signs do not matter here, so H, S and controlled X are exchanges and sums of rows of bits.

#![expect(unsafe_code, reason = "code for an instruction set is entered through `unsafe`")]

use super::{compiled, random::Stream, transpose::transpose};

/// Shots of a block.
pub const SHOTS: usize = 512;

/// Words of a row.
pub(super) const WORDS: usize = SHOTS / 64;

/// One bit for each shot of a block.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Row(pub(super) [u64; WORDS]);

/// One step on the frames of a block. Qubits, clbits and channels are numbers in the program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FrameOp {
    /// Exchanges X and Z: the Hadamard gate.
    H(u32),
    /// Turns X into Y: the phase gate and its inverse.
    S(u32),
    /// Turns Z into Y: the square root of X and its inverse.
    SqrtX(u32),
    /// Controlled X.
    Cx(u32, u32),
    /// Controlled Z.
    Cz(u32, u32),
    /// Exchanges two qubits.
    Swap(u32, u32),
    /// Measures a qubit into a clbit; `reference` is the reference's answer.
    Measure {
        /// The qubit.
        qubit: u32,
        /// The clbit.
        clbit: u32,
        /// What the reference run read.
        reference: bool,
    },
    /// Sets a qubit to |0>.
    Reset(u32),
    /// Multiplies a random Pauli string of a channel onto qubits, which stand in the program's
    /// operands from `operands` on.
    Channel {
        /// The channel.
        channel: u32,
        /// The place of its first qubit in the operands.
        operands: u32,
    },
    /// Flips a clbit: where it is 0 as often as the first channel acts, where it is 1 as the second.
    Misread {
        /// The clbit.
        clbit: u32,
        /// The channel whose probability is that of reading 1 for 0.
        zero: u32,
        /// The channel whose probability is that of reading 0 for 1.
        one: u32,
    },
    /// Computes with clbits.
    Bit {
        /// What is done.
        op: BitOp,
        /// The clbit that is changed.
        to: u32,
        /// The clbit that is read.
        from: u32,
    },
    /// Multiplies X onto a qubit in the shots where a clbit is 1.
    XWhere {
        /// The qubit.
        qubit: u32,
        /// The clbit.
        clbit: u32,
    },
    /// Multiplies Z onto a qubit in the shots where a clbit is 1.
    ZWhere {
        /// The qubit.
        qubit: u32,
        /// The clbit.
        clbit: u32,
    },
}

/// What is done to a clbit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// Becomes the other.
    Copy,
    /// Becomes the opposite of the other.
    Not,
    /// Stays 1 where the other is 1.
    And,
    /// Becomes 1 where the other is 1.
    Or,
    /// Is flipped where the other is 1.
    Xor,
    /// Becomes 0; the other does not matter.
    Clear,
}

/// A random Pauli string: with `probability` one of the patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameChannel {
    /// `1 / ln(1 - probability)`: what turns a uniform number into the number of shots that are
    /// skipped.
    skip: f64,
    patterns: Box<[Pattern]>,
}

/// One Pauli string of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pattern {
    /// It is taken if a random word is at most this and above that of the pattern before it.
    threshold: u64,
    /// Bit `2i` is the X part on the `i`-th qubit, bit `2i + 1` the Z part.
    mask: u16,
}

impl FrameChannel {
    /// The channel that multiplies each string with its probability, which together are at most 1.
    /// Bit `2i` of a string is the X part on the `i`-th qubit, bit `2i + 1` the Z part; the string
    /// 0 and probabilities that are not above 0 are left out.
    #[must_use]
    pub fn new(strings: &[(u16, f64)]) -> Self {
        let acts = || strings.iter().filter(|(mask, p)| *mask != 0 && *p > 0.0);
        let probability: f64 = acts().map(|(_, p)| p).sum();
        let mut so_far = 0.0;
        let mut pattern = |&(mask, p): &(u16, f64)| {
            so_far += p;
            // A cast to an integer saturates.
            Pattern { threshold: (so_far / probability * 2_f64.powi(64)) as u64, mask }
        };
        let mut patterns: Box<[Pattern]> = acts().map(&mut pattern).collect();
        if let Some(last) = patterns.last_mut() {
            last.threshold = u64::MAX;
        }
        Self { skip: (-probability.min(1.0)).ln_1p().recip(), patterns }
    }

    /// The channel does nothing.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The shots until the next one on which the channel acts: geometrically distributed.
    #[inline(always)]
    fn gap(&self, random: u64) -> u64 {
        // In (0, 1], so that the logarithm is finite.
        let uniform = ((random >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64);
        // A cast to an integer saturates. With probability 1, `skip` is -0.
        (uniform.ln() * self.skip) as u64
    }

    #[inline(always)]
    fn pick(&self, random: u64) -> u16 {
        let pattern = self.patterns.iter().find(|pattern| random <= pattern.threshold);
        pattern.map_or(0, |pattern| pattern.mask)
    }
}

/// A circuit as its frames see it.
#[derive(Clone, Debug, Default)]
pub struct FrameProgram {
    /// The number of qubits.
    pub n_qubits: usize,
    /// The number of clbits, with those that only hold intermediate values.
    pub n_clbits: usize,
    /// The steps.
    pub ops: Vec<FrameOp>,
    /// The qubits of channels.
    pub operands: Vec<u32>,
    /// The channels.
    pub channels: Vec<FrameChannel>,
}

/// The frames of a block of [`SHOTS`] shots, and what they read.
#[derive(Clone, Debug)]
pub struct Frames {
    /// For each qubit the X parts, then the Z parts.
    qubits: Vec<[Row; 2]>,
    clbits: Vec<Row>,
    /// For each channel the shots to skip before it acts again.
    gaps: Vec<u64>,
}

impl Frames {
    /// Memory for a program.
    #[must_use]
    pub fn new(program: &FrameProgram) -> Self {
        Self {
            qubits: vec![[Row::default(); 2]; program.n_qubits],
            clbits: vec![Row::default(); program.n_clbits],
            gaps: vec![0; program.channels.len()],
        }
    }

    /// The bytes that the frames of a program take.
    #[must_use]
    pub fn bytes(program: &FrameProgram) -> u64 {
        ((2 * program.n_qubits + program.n_clbits) * size_of::<Row>() + program.channels.len() * 8)
            as u64
    }
}

compiled! {
    /// Runs a program for the shots of a block. The same seed and block give the same outcomes on
    /// every machine.
    ///
    /// # Panics
    /// If `frames` was made for another program, or the program names what it has not.
    run_frames(program: &FrameProgram, frames: &mut Frames, seed: u64, block: u64), run
}

compiled! {
    /// Writes the clbits of a block's first shots: shot `s` into `out[s * stride ..][..stride]`,
    /// clbit 0 in the lowest bit of the first byte. The first `n_clbits` clbits are written.
    ///
    /// # Panics
    /// If `stride` is 0 or `out` holds more than [`SHOTS`] shots.
    write_shots(frames: &Frames, n_clbits: usize, out: &mut [u8], stride: usize), write
}

#[inline(always)]
fn write(frames: &Frames, n_clbits: usize, out: &mut [u8], stride: usize) {
    assert!(stride == n_clbits.div_ceil(8) && out.len() <= SHOTS * stride, "room for the shots");
    transpose(&frames.clbits[..n_clbits], out, stride);
}

#[inline(always)]
fn run(program: &FrameProgram, frames: &mut Frames, seed: u64, block: u64) {
    let mut random = Stream::new(seed, block);
    let Frames { qubits, clbits, gaps } = frames;
    for [x, z] in qubits.iter_mut() {
        *x = Row::default();
        // Z on |0> is no difference: a random one makes the outcomes of later measurements random.
        *z = fresh(&mut random);
    }
    clbits.fill(Row::default());
    for (gap, channel) in gaps.iter_mut().zip(&program.channels) {
        *gap = channel.gap(random.word());
    }
    for op in &program.ops {
        match *op {
            FrameOp::H(q) => {
                let [x, z] = &mut qubits[q as usize];
                std::mem::swap(x, z);
            }
            FrameOp::S(q) => {
                let [x, z] = &mut qubits[q as usize];
                xor(z, x);
            }
            FrameOp::SqrtX(q) => {
                let [x, z] = &mut qubits[q as usize];
                xor(x, z);
            }
            FrameOp::Cx(c, t) => {
                let (x, z) = (qubits[c as usize][0], qubits[t as usize][1]);
                xor(&mut qubits[t as usize][0], &x);
                xor(&mut qubits[c as usize][1], &z);
            }
            FrameOp::Cz(a, b) => {
                let (at_a, at_b) = (qubits[a as usize][0], qubits[b as usize][0]);
                xor(&mut qubits[b as usize][1], &at_a);
                xor(&mut qubits[a as usize][1], &at_b);
            }
            FrameOp::Swap(a, b) => qubits.swap(a as usize, b as usize),
            FrameOp::Measure { qubit, clbit, reference } => {
                let [x, z] = &mut qubits[qubit as usize];
                let flip = if reference { u64::MAX } else { 0 };
                clbits[clbit as usize] = Row(x.0.map(|word| word ^ flip));
                xor(z, &fresh(&mut random));
            }
            FrameOp::Reset(q) => qubits[q as usize] = [Row::default(), fresh(&mut random)],
            FrameOp::Channel { channel, operands } => {
                let gap = &mut gaps[channel as usize];
                if *gap >= SHOTS as u64 {
                    *gap -= SHOTS as u64;
                    continue;
                }
                let channel = &program.channels[channel as usize];
                let operands = &program.operands[operands as usize..];
                act(channel, gap, &mut random, |shot, mut mask| {
                    let mut place = 0;
                    while mask != 0 {
                        let [x, z] = &mut qubits[operands[place] as usize];
                        x.0[shot / 64] ^= u64::from(mask & 1) << (shot % 64);
                        z.0[shot / 64] ^= u64::from(mask >> 1 & 1) << (shot % 64);
                        (mask, place) = (mask >> 2, place + 1);
                    }
                });
            }
            FrameOp::Misread { clbit, zero, one } => {
                let mut flips = [Row::default(); 2];
                for (flips, channel) in flips.iter_mut().zip([zero, one]) {
                    let gap = &mut gaps[channel as usize];
                    let channel = &program.channels[channel as usize];
                    act(channel, gap, &mut random, |shot, _| {
                        flips.0[shot / 64] |= 1 << (shot % 64);
                    });
                }
                let [where_zero, where_one] = &flips;
                for (word, bits) in clbits[clbit as usize].0.iter_mut().enumerate() {
                    *bits ^= (where_zero.0[word] & !*bits) | (where_one.0[word] & *bits);
                }
            }
            FrameOp::Bit { op, to, from } => {
                let from = clbits[from as usize].0;
                let to = &mut clbits[to as usize].0;
                for (to, from) in to.iter_mut().zip(from) {
                    *to = match op {
                        BitOp::Copy => from,
                        BitOp::Not => !from,
                        BitOp::And => *to & from,
                        BitOp::Or => *to | from,
                        BitOp::Xor => *to ^ from,
                        BitOp::Clear => 0,
                    };
                }
            }
            FrameOp::XWhere { qubit, clbit } => {
                xor(&mut qubits[qubit as usize][0], &clbits[clbit as usize]);
            }
            FrameOp::ZWhere { qubit, clbit } => {
                xor(&mut qubits[qubit as usize][1], &clbits[clbit as usize]);
            }
        }
    }
}

/// Calls `flip` with each shot of the block on which a channel acts and with what it does there.
#[inline(always)]
fn act(
    channel: &FrameChannel,
    gap: &mut u64,
    random: &mut Stream,
    mut flip: impl FnMut(usize, u16),
) {
    if channel.is_identity() {
        return;
    }
    while *gap < SHOTS as u64 {
        flip(*gap as usize, channel.pick(random.word()));
        *gap = channel.gap(random.word()).saturating_add(*gap + 1);
    }
    *gap -= SHOTS as u64;
}

#[inline(always)]
fn fresh(random: &mut Stream) -> Row {
    Row(std::array::from_fn(|_| random.word()))
}

#[inline(always)]
fn xor(to: &mut Row, from: &Row) {
    to.0.iter_mut().zip(from.0).for_each(|(to, from)| *to ^= from);
}
