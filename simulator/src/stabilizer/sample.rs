//! Running frames for all shots, block by block.

use std::sync::Mutex;

use ketch_kernels::{AllocError, FrameProgram, Frames, Kernels, SHOTS, Threads};

use crate::{Cancel, Error, Options, progress::Unit, run::Outcomes};

/// Bytes of packed shots that are held at a time where their memory was not asked for.
const BATCH_BYTES: u64 = 1 << 28;

/// Blocks for each thread and turn: a few, so that a thread that the system holds up does not hold
/// up the others.
const PARTS_PER_THREAD: usize = 4;

/// Steps of all blocks that are done before other threads have woken.
const SERIAL_STEPS: usize = 1 << 14;

/// Runs all shots. Block `b` has a stream of random numbers of its own, so the outcome depends
/// neither on the number of threads nor on which shots are run together.
pub(super) fn sample(
    program: &FrameProgram,
    width: u32,
    options: &Options,
    threads: &Threads,
    cancel: &Cancel,
) -> Result<Outcomes, Error> {
    let stride = ketch_interface::result::Memory::stride_of(width).max(1);
    let whole_blocks = (BATCH_BYTES / (SHOTS * stride) as u64).max(1) * SHOTS as u64;
    let batch = if options.memory { options.shots } else { options.shots.min(whole_blocks) };
    let mut outcomes = Outcomes::new(width, false, 0)?;
    cancel.expects(Unit::Shots, options.shots);
    let mut first = 0;
    while first < options.shots {
        let n = batch.min(options.shots - first);
        let packed = run(program, width, first / SHOTS as u64, n, options.seed, threads, cancel)?;
        outcomes.add_packed(packed, options.memory);
        first += n;
    }
    Ok(outcomes)
}

/// The packed clbits of `shots` shots from the first shot of a block on.
fn run(
    program: &FrameProgram,
    width: u32,
    first_block: u64,
    shots: u64,
    seed: u64,
    threads: &Threads,
    cancel: &Cancel,
) -> Result<Vec<u8>, Error> {
    let kernels = Kernels::detect();
    let stride = ketch_interface::result::Memory::stride_of(width);
    let bytes = usize::try_from(shots).unwrap_or(usize::MAX).saturating_mul(stride);
    let mut packed = Vec::new();
    packed.try_reserve_exact(bytes).map_err(|_| AllocError { bytes })?;
    packed.resize(bytes, 0);
    if stride == 0 {
        return Ok(packed);
    }
    let n_blocks = (shots as usize).div_ceil(SHOTS);
    let serial = Threads::serial();
    let is_short = program.ops.len().saturating_mul(n_blocks) < SERIAL_STEPS;
    let threads = if is_short { &serial } else { threads };
    let per_part = n_blocks.div_ceil(threads.count() * PARTS_PER_THREAD);
    let parts: Vec<_> = packed.chunks_mut(per_part * SHOTS * stride).map(Mutex::new).collect();
    let results = threads.map(parts.len(), |part| {
        let mut out = parts[part].lock().expect("each part is locked once");
        let mut frames = Frames::new(program);
        for (block, out) in (part * per_part..).zip(out.chunks_mut(SHOTS * stride)) {
            cancel.poll()?;
            kernels.run_frames(program, &mut frames, seed, first_block + block as u64);
            kernels.write_shots(&frames, width as usize, out, stride);
            cancel.did(Unit::Shots, (out.len() / stride) as u64);
        }
        Ok(())
    });
    drop(parts);
    results.into_iter().collect::<Result<(), Error>>()?;
    Ok(packed)
}
