//! Random damage to programs that use the whole language: never a panic, and a circuit that is
//! valid or errors that have a place.

use ketch_qasm::parse_str;
use proptest::prelude::*;

const PROGRAM: &str = "OPENQASM 3.1; include \"stdgates.inc\";
const int n = 3; qubit[n] q; qubit r; bit[n] c; bit d = 1; int[8] i = 5; uint[4] k; angle[8] a = pi / 4;
float f = 1.5e-3; bool t0 = true; complex[float] z0 = 1.0 + 2im; duration w = 10ns; stretch s0;
array[int[8], 2, 3] m = {{1, 2, 3}, {4, 5, 6}}; input float theta; output bit o;
gate g(x0, x1) y0, y1 { rx(x0 / x1) y0; ctrl @ x y0, y1; inv @ t y0; pow(1/3) @ s y1; gphase(x0); }
def h1(int[8] p, qubit[2] y, mutable array[int[8], #dim = 2] b) -> bit[2] {
  if (p > 3) { return measure y; } b[0, 1] += p; h y; return measure y; }
extern e(int, bit[2]) -> bit; let al = q[{0, 2}] ++ q[1:1]; defcalgrammar \"g\"; defcal x $0 { a{b} }
c[0] = measure q[0]; measure q -> c; g(theta, 2) q[0], r; negctrl(2) @ h q[0], q[1], r;
for uint j in [0:2] { if (c[j] ^ d) { x q[j]; continue; } z q[j]; m[1, j] = i; }
while (c != 3) { c = measure q; k <<= 1; if (k == 4) break; }
switch (k) { case 1, 2 { x r; } default { y al; } } a[0] = c[1]; i = m[k, 1] * 2 - popcount(c);
c[0:1] = h1(i, q[0:1], m); rx(a + theta) q[k]; delay[2 * w + s0] q; box { barrier q, r; }
reset al[0]; for int l in {1, 2} { i += l; } f = sin(f) ** 2; d = c[k]; rz(f) r; end; x r;
";

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_programs_never_panic(
        damage in proptest::collection::vec((0..PROGRAM.len(), 0..5, any::<u8>(), 0..PROGRAM.len()), 1..6)
    ) {
        let mut bytes = PROGRAM.as_bytes().to_vec();
        for (at, kind, byte, from) in damage {
            let at = at.min(bytes.len().saturating_sub(1));
            match kind {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte & 0x7f),
                _ => {
                    let from = from.min(bytes.len() - 1);
                    let piece: Vec<u8> = bytes[from..].iter().take(usize::from(byte) / 4).copied().collect();
                    bytes.splice(at..at, piece);
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match parse_str(&text, "damaged") {
            Ok(circuit) => prop_assert!(circuit.validate().is_ok()),
            Err(error) => {
                prop_assert!(!error.diagnostics().is_empty());
                for diagnostic in error.diagnostics() {
                    prop_assert!(diagnostic.line <= text.matches('\n').count() + 1);
                    prop_assert!(!diagnostic.message.is_empty());
                }
            }
        }
    }
}

#[test]
fn the_whole_program_is_read_and_cut_anywhere_too() {
    let circuit = parse_str(PROGRAM, "t").unwrap_or_else(|error| panic!("{error}"));
    circuit.validate().unwrap();
    for end in (0..PROGRAM.len()).step_by(7) {
        if let Err(error) = parse_str(&PROGRAM[..end], "t") {
            assert!(!error.to_string().is_empty());
        }
    }
}
