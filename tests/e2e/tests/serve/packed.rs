//! What clients pack: zlib data (RFC 1950 and 1951) in base64 (RFC 4648), written here without any
//! compression, or with more than anybody sends.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as text.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            match place <= three.len() {
                true => text.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63])),
                false => text.push('='),
            }
        }
    }
    text
}

/// Bytes in blocks that are stored as they are.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut data = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        data.push(u8::from(blocks.peek().is_none()));
        data.extend_from_slice(&length.to_le_bytes());
        data.extend_from_slice(&(!length).to_le_bytes());
        data.extend_from_slice(block);
    }
    data.extend_from_slice(&adler(bytes).to_be_bytes());
    data
}

fn adler(bytes: &[u8]) -> u32 {
    let (one, two) = bytes.iter().fold((1_u32, 0_u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65521;
        (one, (two + one) % 65521)
    });
    two << 16 | one
}

/// A little that inflates to so many zeros, and 259 more at most: a zero, and then again and again
/// 258 bytes like the last one, which takes 13 bits each time. The sum at the end is missing.
pub(crate) fn bomb(zeros: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, of the code that is known to all.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    // Codes come with their highest bit first: the literal 0, then length 258 at distance 1.
    bits.push(0b00001100, 8);
    for _ in 0..zeros.div_ceil(258) {
        bits.push(0b10100011, 8);
        bits.push(0, 5);
    }
    // The end of the block.
    bits.push(0, 7);
    [&[0x78, 0x01], bits.bytes.as_slice()].concat()
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bits: u8, count: u32) {
        for place in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= (bits >> place & 1) << (self.used % 8);
            self.used += 1;
        }
    }
}

#[test]
fn text_is_that_of_the_standard() {
    // Source of the vectors: RFC 4648, section 10.
    for (bytes, text) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
    {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
    assert_eq!(adler(b"Wikipedia"), 0x11e6_0398);
}
