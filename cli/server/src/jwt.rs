//! Access tokens: signed by the server, good for an hour, and gone as soon as the token is revoked
//! that they were given for.
//!
//! JSON Web Tokens (RFC 7519) with HMAC-SHA256 (RFC 2104), because clients look at the times in
//! them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The id of the token that it was given for.
    pub(crate) sub: String,
    /// When it was given, in seconds since 1970.
    pub(crate) iat: u64,
    /// Until when it is good.
    pub(crate) exp: u64,
}

/// For how many seconds an access token is good.
pub(crate) const LIFE: u64 = 3600;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// An access token that says this.
pub(crate) fn sign(key: &[u8], claims: &Claims) -> String {
    let claims = serde_json::to_vec(claims).expect("text and numbers are JSON");
    let mut token =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac(key, token.as_bytes()));
    token.push('.');
    token.push_str(&signature);
    token
}

/// What an access token says, if it was signed by this key and is still good at this time.
pub(crate) fn verify(key: &[u8], token: &str, now: u64) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !equal(&signature, &hmac(key, signed.as_bytes())) {
        return None;
    }
    // Whoever can sign says how; another header was not written here.
    if URL_SAFE_NO_PAD.decode(header).ok()? != HEADER.as_bytes() {
        return None;
    }
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    (now < claims.exp).then_some(claims)
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut padded = [0; BLOCK];
    match key.len() {
        0..=BLOCK => padded[..key.len()].copy_from_slice(key),
        _ => padded[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let inner = Sha256::new().chain_update(padded.map(|byte| byte ^ 0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(padded.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

/// Takes as long for all signatures of a length.
fn equal(one: &[u8], other: &[u8]) -> bool {
    let differs = one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == other.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Test cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn the_signature_is_the_standards() {
        let long: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let table: [(&[u8], &[u8], &str); 3] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                long,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in table {
            assert_eq!(hex(&hmac(key, message)), expected);
        }
    }

    #[test]
    fn what_was_signed_is_read_and_nothing_else() {
        let claims = Claims { sub: "ab".to_owned(), iat: 100, exp: 200 };
        let token = sign(b"key", &claims);
        assert_eq!(verify(b"key", &token, 150), Some(claims));
        assert_eq!(verify(b"key", &token, 200), None);
        assert_eq!(verify(b"other", &token, 150), None);
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(verify(b"key", &changed, 150), None, "{changed}");
        }
        for garbled in ["", ".", "..", "a.b.c", "é.é.é"] {
            assert_eq!(verify(b"key", garbled, 0), None);
        }
    }
}
