//! Frames, whole and broken.

use std::os::fd::OwnedFd;

use super::*;

fn message(sizes: &[usize]) -> Message {
    let mut message = Message { format: 7, head: b"{}".to_vec(), buffers: Vec::new() };
    for &size in sizes {
        let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let reals: Vec<f64> = (0..size).map(|i| i as f64).collect();
        let complexes: Vec<Complex64> = reals.iter().map(|x| Complex64::new(*x, -x)).collect();
        message.buffers.push(Buffer::Bytes(bytes.into()));
        message.buffers.push(Buffer::Reals(reals.into()));
        message.buffers.push(Buffer::Complexes(complexes.into()));
    }
    message
}

fn frame(message: Message) -> Frame {
    let name = "bäckend".to_owned();
    Frame { kind: Kind::Call, method: 3, id: u64::MAX, object: 9, name, message }
}

#[test]
fn frames_come_back_whole_in_the_datagram_and_beside_it() {
    for (sizes, large) in [
        (&[][..], false),
        (&[0, 1, 5, 100][..], false),
        (&[100_000][..], true),
        (&[1, 0, 7, 3000, 1][..], true),
    ] {
        let frame = frame(message(sizes));
        let packed = Packed::new(&frame).unwrap();
        assert_eq!(packed.memory.is_some(), large, "{sizes:?}");
        assert!(packed.datagram.len() <= DATAGRAM);
        let back = unpack(&packed.datagram, packed.memory).unwrap();
        assert_eq!(back, frame);
        for buffer in back.message.buffers.iter().filter(|_| large) {
            let Buffer::Reals(reals) = buffer else { continue };
            assert!(reals.is_empty() || reals.as_ptr().addr().is_multiple_of(64));
        }
    }
}

#[test]
fn a_large_head_leaves_the_datagram_too() {
    let frame = frame(Message { head: vec![b' '; 1 << 20], ..Message::default() });
    let packed = Packed::new(&frame).unwrap();
    assert_eq!(packed.datagram.len(), HEADER);
    assert_eq!(unpack(&packed.datagram, packed.memory).unwrap(), frame);
}

/// What is said of a frame of which some bytes were changed.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
    let mut datagram = Packed::new(&frame(message(&[5]))).unwrap().datagram;
    change(&mut datagram);
    assert_eq!(unpack(&datagram, None).unwrap_err().to_string(), expected);
}

#[test]
fn what_breaks_the_rules_is_refused() {
    let whole = Packed::new(&frame(message(&[5]))).unwrap().datagram.len() - HEADER;
    check(|bytes| bytes.truncate(47), "a frame of 47 bytes, shorter than its header");
    check(|bytes| bytes[0] = 77, "a frame of the unknown kind 77");
    let longer = |what: &str, length: u64| {
        format!("a frame whose {what} of {length} bytes do not fit its {whole} bytes")
    };
    let all = u64::MAX;
    check(|bytes| bytes[32..40].fill(255), &longer("head", all));
    check(|bytes| bytes[HEADER..HEADER + 8].fill(255), &longer("buffer", all));
    check(|bytes| bytes[28..32].fill(255), &longer("name", u64::from(u32::MAX)));
    check(|bytes| bytes[40..44].fill(255), &longer("table", u64::from(u32::MAX) * 16));
    check(|bytes| bytes[HEADER + 48] = 255, "a name that is not UTF-8");
    check(|bytes| bytes[HEADER + 8] = 9, "a buffer of the unknown type 9");
    check(
        |bytes| bytes[HEADER + 8] = 1,
        "a buffer of 5 bytes, no whole number of elements of 8 bytes",
    );
    check(|bytes| bytes[44] = 1, "a frame that comes without the memory that it names");
}

#[test]
fn memory_that_could_change_or_is_not_there_is_refused() {
    let large = || Packed::new(&frame(message(&[100_000]))).unwrap();
    let refused = |memory: Memory| unpack(&large().datagram, Some(memory)).unwrap_err().to_string();
    let unsealed = Memory::new().unwrap();
    unsealed.write(&[0; 100], 0).unwrap();
    assert_eq!(refused(unsealed), "memory that cannot be used: it is not sealed");
    let sparse = Memory::new().unwrap();
    sparse.write(&[0; 100], 1 << 30).unwrap();
    assert_eq!(refused(sparse.sealed().unwrap()), "memory that cannot be used: it has holes");
    let empty = Memory::new().unwrap().sealed().unwrap();
    assert_eq!(refused(empty), "memory that cannot be used: it has no size");
    let short = Memory::new().unwrap();
    short.write(&[255; 100], 0).unwrap();
    assert!(refused(short.sealed().unwrap()).contains("do not fit its 100 bytes"));
    let file = Memory::from(OwnedFd::from(tempfile::tempfile().unwrap()));
    assert!(refused(file).starts_with("memory that cannot be used: Invalid argument"));
}

#[test]
fn no_change_of_bytes_harms_the_reader() {
    // A small generator of its own: the test says the same everywhere.
    let mut state = 1_u64;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let packed = Packed::new(&frame(message(&[5, 40]))).unwrap().datagram;
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut datagram = packed.clone();
        for _ in 0..1 + random() % 4 {
            let at = random() % datagram.len();
            datagram[at] = random() as u8;
        }
        datagram.truncate(datagram.len() - random() % 3);
        refused += usize::from(unpack(&datagram, None).is_err());
    }
    assert!(refused > 1000, "{refused}");
}
