//! Names of backends as one segment of a path, and back.
//!
//! `local/qasm_simulator` is `local_qasm_simulator`, `ibmq@lab/fake_lima` is
//! `ibmq@lab_fake_lima`. The first underscore stands for the slash; one within the provider's part,
//! and whatever has a meaning of its own in a path, is a tilde and its bytes in hexadecimal. So no
//! two backends have one name.

/// The name of a backend on the wire.
pub(crate) fn to_wire(qualified: &str) -> String {
    let (provider, backend) = qualified.split_once('/').unwrap_or(("", qualified));
    let mut wire = String::with_capacity(qualified.len());
    write(&mut wire, provider, |byte| byte != b'_');
    wire.push('_');
    write(&mut wire, backend, |_| true);
    wire
}

fn write(wire: &mut String, text: &str, is_plain_here: fn(u8) -> bool) {
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte);
        match is_plain && is_plain_here(byte) {
            true => wire.push(char::from(byte)),
            false => wire.push_str(&format!("~{byte:02x}")),
        }
    }
}

/// The qualified name of a backend; `None` if nothing is written so.
pub(crate) fn from_wire(wire: &str) -> Option<String> {
    let (provider, backend) = wire.split_once('_')?;
    let qualified = format!("{}/{}", read(provider)?, read(backend)?);
    // Each backend has one name only.
    (to_wire(&qualified) == wire).then_some(qualified)
}

fn read(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'~' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        let table = [
            ("local/qasm_simulator", "local_qasm_simulator"),
            ("ibmq@lab/fake_lima", "ibmq@lab_fake_lima"),
            ("a_b/c", "a~5fb_c"),
            ("a/b_c", "a_b_c"),
            ("a/_b", "a__b"),
            ("x/é y/z~", "x_~c3~a9~20y~2fz~7e"),
        ];
        for (qualified, wire) in table {
            assert_eq!(to_wire(qualified), wire);
            assert_eq!(from_wire(wire).as_deref(), Some(qualified));
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for wire in ["", "local", "a_~", "a_~5", "a_~zz", "a_~ff", "a_~5f", "a_é", "a/b_c"] {
            assert_eq!(from_wire(wire), None, "{wire}");
        }
    }
}
