//! Reading and writing thousands of parts side by side, on threads that the caller has.

use std::sync::{Mutex, PoisonError};

use super::{DecodeError, bytes::Writer};

/// Runs `task(0)`, `task(1)` and so on up to a count, in any order and on any threads, and returns
/// when all are done.
pub type Spread<'s> = &'s dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// A [`Spread`] on the calling thread.
pub fn one_by_one(count: usize, task: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(task);
}

/// Items that are read or written together: some tenths of a millisecond.
const TOGETHER: usize = 64;

/// What `task` makes of the items, which it is given some at a time with the place of the first, in
/// their order.
pub(super) fn in_parts<I: Sync, T: Send>(
    items: &[I],
    spread: Spread<'_>,
    task: impl Fn(usize, &[I]) -> T + Sync,
) -> Vec<T> {
    let parts: Vec<_> = items.chunks(TOGETHER).map(|part| (part, Mutex::new(None))).collect();
    spread(parts.len(), &|number| {
        let (part, place) = &parts[number];
        let made = task(number * TOGETHER, part);
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
    });
    let made = |(_, place): (_, Mutex<Option<T>>)| {
        let made = place.into_inner().unwrap_or_else(PoisonError::into_inner);
        made.expect("a spread runs every task")
    };
    parts.into_iter().map(made).collect()
}

/// What is read of all items, in their order, or the first error. `read` is told the place of the
/// first item that it gets.
pub(super) fn read_all<I: Sync, T: Send>(
    items: &[I],
    spread: Spread<'_>,
    read: impl Fn(usize, &[I]) -> Result<Vec<T>, DecodeError> + Sync,
) -> Result<Vec<T>, DecodeError> {
    let mut all = Vec::with_capacity(items.len());
    for part in in_parts(items, spread, read) {
        all.append(&mut part?);
    }
    Ok(all)
}

/// The bytes of all items in their order, as pieces that follow each other: those of the first
/// items behind what `document` has.
///
/// What an item becomes may depend on `state`, as earlier items left it. The parts are written on
/// copies of how the first one left it; `write` says whether it changed its copy, and where it did,
/// the part is written again when all before it are. Items alike change nothing, so this is rare.
pub(super) fn write_all<I: Sync, S: Clone + Send + Sync>(
    items: &[I],
    spread: Spread<'_>,
    mut document: Writer,
    state: &mut S,
    write: impl Fn(&[I], &mut S, &mut Writer) -> bool + Sync,
) -> Vec<Writer> {
    let (first, rest) = items.split_at(items.len().min(TOGETHER));
    let before = document.bytes.len();
    write(first, state, &mut document);
    // Mostly a piece is about as long as the first: to grow is to copy.
    let like_first = (document.bytes.len() - before) / 8 * 9;
    let mut pieces = vec![document];
    let as_first = state.clone();
    let written = in_parts(rest, spread, |_, part| {
        let (mut state, mut piece) = (as_first.clone(), Writer::with_capacity(like_first));
        let changed = write(part, &mut state, &mut piece);
        (!changed).then_some(piece)
    });
    for (part, piece) in rest.chunks(TOGETHER).zip(written) {
        pieces.push(piece.unwrap_or_else(|| {
            let mut piece = Writer::default();
            write(part, state, &mut piece);
            piece
        }));
    }
    pieces
}

/// Pieces as one.
pub(super) fn joined(mut pieces: Vec<Writer>) -> Vec<u8> {
    match &mut pieces[..] {
        [only] => std::mem::take(&mut only.bytes),
        _ => pieces.iter().map(|piece| &piece.bytes[..]).collect::<Vec<_>>().concat(),
    }
}
