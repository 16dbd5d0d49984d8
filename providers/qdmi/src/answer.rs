//! What a device answers: numbers and texts in buffers that it sizes itself, and status codes.

use std::{
    ffi::{c_int, c_void},
    fmt, ptr,
};

use crate::abi::{Handle, status};

/// A status code that is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) c_int);

impl Failure {
    /// Warnings are no failures.
    ///
    /// # Errors
    /// For a code below 0.
    pub(crate) fn check(code: c_int) -> Result<(), Self> {
        if code < 0 { Err(Self(code)) } else { Ok(()) }
    }

    /// The device cannot do it at all. Some say "invalid argument" where the header asks for "not
    /// supported".
    pub(crate) fn means_unsupported(self) -> bool {
        let codes = [status::NOT_SUPPORTED, status::NOT_IMPLEMENTED, status::INVALID_ARGUMENT];
        codes.contains(&self.0)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.0 {
            status::FATAL => "fatal error",
            status::OUT_OF_MEMORY => "out of memory",
            status::NOT_IMPLEMENTED => "not implemented",
            status::NOT_FOUND => "not found",
            status::OUT_OF_RANGE => "out of range",
            status::INVALID_ARGUMENT => "invalid argument",
            status::PERMISSION_DENIED => "permission denied",
            status::NOT_SUPPORTED => "not supported",
            status::BAD_STATE => "wrong state",
            status::TIMEOUT => "time-out",
            _ => "unknown error",
        };
        write!(f, "{word} (status {})", self.0)
    }
}

/// A value of a device, in memory that is aligned for any of its types.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    words: Vec<u64>,
    bytes: usize,
}

/// Devices are not asked for more bytes than this at once: the amplitudes of 32 qubits.
const MOST_BYTES: usize = 1 << 36;

/// Asks for a value: first for its size, then for the value. `None` if the device does not have it.
///
/// `call` makes the device's call with a size, a place for as many bytes or null, and a place for
/// the size needed.
///
/// # Errors
/// What the device answers, or that there is not so much memory.
pub(crate) fn ask(
    mut call: impl FnMut(usize, *mut c_void, *mut usize) -> c_int,
) -> Result<Option<Answer>, Failure> {
    let mut bytes = 0;
    match Failure::check(call(0, ptr::null_mut(), &raw mut bytes)) {
        Err(failure) if failure.means_unsupported() => return Ok(None),
        asked => asked?,
    }
    let mut words = Vec::new();
    let wanted = bytes.div_ceil(size_of::<u64>());
    if bytes > MOST_BYTES || words.try_reserve_exact(wanted).is_err() {
        return Err(Failure(status::OUT_OF_MEMORY));
    }
    words.resize(wanted, 0_u64);
    if bytes > 0 {
        Failure::check(call(bytes, words.as_mut_ptr().cast(), ptr::null_mut()))?;
    }
    Ok(Some(Answer { words, bytes }))
}

impl Answer {
    fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.words.iter().flat_map(|word| word.to_ne_bytes()).take(self.bytes)
    }

    /// The first `N` bytes.
    fn first<const N: usize>(&self) -> Option<[u8; N]> {
        let bytes: Vec<u8> = self.bytes().take(N).collect();
        bytes.try_into().ok()
    }

    /// A text, without what follows its end.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes().take_while(|byte| *byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A `size_t` or `uint64_t`.
    pub(crate) fn number(&self) -> Option<u64> {
        self.first().map(u64::from_ne_bytes)
    }

    /// A `double`.
    pub(crate) fn real(&self) -> Option<f64> {
        self.first().map(f64::from_ne_bytes)
    }

    /// An enumeration's number.
    pub(crate) fn code(&self) -> Option<c_int> {
        self.first().map(c_int::from_ne_bytes)
    }

    /// A `bool`.
    pub(crate) fn truth(&self) -> Option<bool> {
        self.first().map(|[byte]| byte != 0)
    }

    /// Numbers of an enumeration.
    pub(crate) fn codes(&self) -> Vec<c_int> {
        let bytes: Vec<u8> = self.bytes().collect();
        let codes = bytes.chunks_exact(size_of::<c_int>());
        codes.map(|code| c_int::from_ne_bytes(code.try_into().expect("as long as one"))).collect()
    }

    /// Handles.
    pub(crate) fn handles(&self) -> Vec<Handle> {
        self.whole_words().map(|word| ptr::with_exposed_provenance_mut(word as usize)).collect()
    }

    /// Numbers of 64 bits.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.whole_words().collect()
    }

    /// Numbers of double precision.
    pub(crate) fn reals(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.words[..self.bytes / size_of::<u64>()].iter().map(|word| f64::from_bits(*word))
    }

    fn whole_words(&self) -> impl Iterator<Item = u64> + '_ {
        self.words[..self.bytes / size_of::<u64>()].iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_asked_for_by_its_size_first() {
        let mut calls = Vec::new();
        let empty = ask(|size, place, needed| {
            calls.push((size, place.is_null(), needed.is_null()));
            0
        });
        assert_eq!(empty.unwrap().unwrap().text(), "");
        // Where nothing is to be had, no place is given.
        assert_eq!(calls, [(0, true, false)]);
        let refusals = [status::NOT_SUPPORTED, status::INVALID_ARGUMENT, status::NOT_IMPLEMENTED];
        for code in refusals {
            assert_eq!(ask(|_, _, _| code), Ok(None));
        }
        assert_eq!(ask(|_, _, _| status::FATAL), Err(Failure(status::FATAL)));
    }

    #[test]
    fn values_are_read_as_what_they_are() {
        let answer = |words: &[u64], bytes| Answer { words: words.to_vec(), bytes };
        let text = u64::from_ne_bytes(*b"idle\0??\0");
        assert_eq!(answer(&[text], 8).text(), "idle");
        assert_eq!(answer(&[text], 3).text(), "idl");
        assert_eq!(answer(&[7], 8).number(), Some(7));
        assert_eq!(answer(&[7], 4).number(), None);
        assert_eq!(answer(&[1.5_f64.to_bits()], 8).real(), Some(1.5));
        assert_eq!(answer(&[1 << 32 | 5], 8).codes(), [5, 1]);
        assert_eq!(answer(&[1], 1).truth(), Some(true));
        assert_eq!(answer(&[1, 2], 12).numbers(), [1]);
        assert_eq!(answer(&[], 0).code(), None);
    }

    #[test]
    fn codes_are_told_in_words() {
        assert_eq!(Failure(-9).to_string(), "not supported (status -9)");
        assert_eq!(Failure(-99).to_string(), "unknown error (status -99)");
        assert_eq!((Failure::check(1), Failure::check(0)), (Ok(()), Ok(())));
    }
}
