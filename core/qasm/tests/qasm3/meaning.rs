//! What programs mean, as listings of their circuits.

use std::collections::BTreeMap;

use ketch_interface::Circuit;
use ketch_qasm::{Diagnostic, Inputs, NoIncludes, Source, parse_str, read};

use crate::{listing::listing, trace::outcome};

fn circuit(program: &str) -> Circuit {
    let text = format!("include \"stdgates.inc\";\n{program}");
    let circuit = parse_str(&text, "t").unwrap_or_else(|error| panic!("{error}"));
    circuit.validate().unwrap();
    circuit
}

/// The listing, lines joined by `; `.
fn meaning(program: &str) -> String {
    listing(&circuit(program))
}

fn errors(program: &str) -> Vec<String> {
    let text = format!("include \"stdgates.inc\";\n{program}");
    let error = parse_str(&text, "t").expect_err(program);
    let line = |d: &Diagnostic| {
        let help = d.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
        format!("{}:{}: {}{help}", d.line - 1, d.column, d.message)
    };
    error.diagnostics().iter().map(line).collect()
}

fn error(program: &str) -> String {
    let errors = errors(program);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].clone()
}

/// The clbits at the end, the last one first.
fn result(program: &str) -> String {
    outcome(&circuit(program))
}

#[test]
fn registers_and_gates() {
    assert_eq!(
        meaning("qubit[2] q; qubit r; bit[2] c; h q; cx q[0], r; rx(pi/2) q[-1]; c = measure q;"),
        "h q0; h q1; cx q0 q2; rx(1.5707963267948966) q1; measure q0 q1 c0 c1"
    );
    assert_eq!(
        meaning("qubit[3] q; let a = q[{2, 0}]; let b = q[1:2] ++ a; x b[3]; cx a[0], b[0];"),
        "x q0; cx q2 q1"
    );
    assert_eq!(meaning("x $1; cx $0, $1; bit c; c = measure $0;"), "x q1; cx q0 q1; measure q0 c0");
    assert_eq!(
        meaning("qreg q[2]; creg c[2]; measure q -> c; reset q[1]; barrier q;"),
        "measure q0 q1 c0 c1; reset q1; barrier q0 q1"
    );
    assert_eq!(
        meaning("qubit q; delay[100ns] q; delay[2 * 1.5us + 500ns] q; box [1ms] { x q; }"),
        "delay(100) q0; delay(3500) q0; x q0"
    );
}

#[test]
fn plain_lines_mean_what_other_lines_mean() {
    let lines = [
        "h q[0];",
        "U(1, 2, 3) q[1];",
        "u2(0.5, -pi) q[0];",
        "u3(pi/2, 0, 3*pi/4) q[1];",
        "rz(-(1.5 - 2)*pi) q[0];",
        "cu(1,2,3,4) q[0], q[1];",
        "cp(2*3) q[1],q[0];",
        "x r;",
        "c[1] = measure q[0];",
        "crx(1e-3) q[0], r;",
        "sxdg q[0];",
        "rzz(0.1) q[0], q[1];",
    ];
    for line in lines {
        let head = "qubit[2] q; qubit r; bit[2] c;";
        // A block's lines go through the tree.
        let (plain, tree) =
            (meaning(&format!("{head}{line}")), meaning(&format!("{head}{{{line}}}")));
        assert_eq!(plain, tree, "{line}");
    }
    for line in [
        "h q[2];",
        "cx q[0], q[0];",
        "rx(1) q[0], q[1];",
        "rx() q[0];",
        "h c;",
        "hh q;",
        "rx(1/0) q[0];",
        "rx(1e999) q[0];",
        "u(1) q[0];",
        "c[2] = measure q[0];",
    ] {
        let head = "qubit[2] q; bit[2] c;\n";
        let plain = errors(&format!("{head}{line}"));
        assert_eq!(plain.len(), 1, "{line}");
        assert!(plain[0].starts_with("2:"), "{plain:?}");
    }
}

#[test]
fn modifiers_are_applied() {
    assert_eq!(
        meaning("qubit[3] q; ctrl @ x q[0], q[1]; ctrl(2) @ z q[0], q[1], q[2];"),
        "cx q0 q1; ccz q0 q1 q2"
    );
    assert_eq!(meaning("qubit[3] q; negctrl @ ctrl @ h q[0], q[1], q[2];"), "c2h_o2 q0 q1 q2");
    assert_eq!(
        meaning("qubit q; inv @ s q; inv @ rx(1) q; inv @ inv @ t q; inv @ u1(2) q;"),
        "sdg q0; rx(-1) q0; t q0; u1(-2) q0"
    );
    assert_eq!(
        meaning("qubit q; pow(2) @ t q; pow(1/2) @ z q; pow(-3) @ rz(0.5) q; pow(2) @ x q;"),
        "p(1.5707963267948966) q0; p(1.5707963267948966) q0; rz(-1.5) q0; x q0; x q0"
    );
    // A phase that controls make visible.
    assert_eq!(
        meaning("qubit[2] q; ctrl @ gphase(0.25) q[0]; ctrl @ ctrl @ gphase(1) q[0], q[1];"),
        "p(0.25) q0; cp(1) q0 q1"
    );
    assert_eq!(meaning("qubit q; negctrl @ gphase(0.25) q;"), "x q0; p(0.25) q0; x q0");
    assert_eq!(meaning("qubit[2] q; ctrl @ U(1, 2, 3) q[0], q[1];"), "cu(1,2,3,0.5) q0 q1");
    assert_eq!(circuit("qubit q; gphase(0.5); gphase(-1.5);").global_phase, -1.0);
}

#[test]
fn gates_of_the_program() {
    assert_eq!(
        meaning(
            "gate g(a, b) x, y { rx(a + b) x; cx x, y; gphase(a); } qubit[2] q; ctrl @ g(1, 2) q[0], q[1], $0;"
        ),
        "crx(3) q0 q1; ccx q0 q1 q2; p(1) q0"
    );
    assert_eq!(
        meaning("gate g a { s a; h a; } qubit q; inv @ g q; pow(2) @ g q; pow(-1) @ g q;"),
        "h q0; sdg q0; s q0; h q0; s q0; h q0; h q0; sdg q0"
    );
    // Qiskit's later gates may be defined by the program.
    assert_eq!(meaning("gate sxdg a { x a; } qubit q; sxdg q;"), "x q0");
}

#[test]
fn what_is_known_is_computed() {
    let value = |expression: &str| {
        let circuit = circuit(&format!("qubit q; rx({expression}) q;"));
        circuit.instruction(0).params[0].as_number().unwrap()
    };
    let close = |expression: &str, expected: f64| {
        let found = value(expression);
        assert!((found - expected).abs() < 1e-12, "{expression}: {found}, expected {expected}");
    };
    for (expression, expected) in [
        ("1 + 2 * 3 - 4", 3.0),
        ("-2 ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512.0),
        ("3 / 5", 0.6),
        ("int(7) / int(2)", 3.0),
        ("7 % 4", 3.0),
        ("5 & 6 | 8 ^ 1", 13.0),
        ("1 << 4 >> 1", 8.0),
        ("uint[4](15) + uint[4](2)", 1.0),
        ("int[4](9)", -7.0),
        ("0x1F + 0b11 + 0o17 + 1_000", 1049.0),
        ("sin(pi / 6) + arccos(0)", 0.5 + std::f64::consts::FRAC_PI_2),
        ("sqrt(2.0) * exp(1) / euler", std::f64::consts::SQRT_2),
        ("mod(7, 3) + pow(2, 3) + abs(-2)", 11.0),
        ("floor(2.5) + ceiling(2.5)", 5.0),
        ("popcount(\"1011\") + rotl(uint[4](9), 1)", 6.0),
        ("float(angle[4](9 * pi / 8)) / pi", 1.125),
        ("real((1 + 2im) * (3 - 1im)) + imag(2im)", 7.0),
        ("1us / 100ns", 10.0),
        ("τ / π", 2.0),
    ] {
        close(expression, expected);
    }
    assert_eq!(
        meaning(
            "const int n = 3; qubit[n] q; uint[4] k = 1; for int i in [0:n - 1] { if (k == 2 || i == 0) x q[i]; k <<= 1; }"
        ),
        "x q0; x q1"
    );
    assert_eq!(
        meaning(
            "qubit[4] q; int i = 0; while (i < 4) { if (i == 1) { i += 1; continue; } if (i == 3) break; x q[i]; i += 1; }"
        ),
        "x q0; x q2"
    );
    assert_eq!(
        meaning(
            "qubit[9] q; for uint i in {1, 4} { for int j in [4:-2:0] { if (j == 2) continue; x q[i + j]; } }"
        ),
        "x q5; x q1; x q8; x q4"
    );
    assert_eq!(
        meaning("qubit q; switch (1 + 1) { case 1 { x q; } case 2, 3 { y q; } default { z q; } }"),
        "y q0"
    );
    assert_eq!(
        meaning(
            "def fib(int n) -> int { if (n < 2) { return n; } return fib(n - 1) + fib(n - 2); } qubit q; rx(fib(9)) q;"
        ),
        "rx(34) q0"
    );
}

#[test]
fn what_happens_decides() {
    assert_eq!(
        meaning("qubit[2] q; bit c; c = measure q[0]; if (c) x q[1]; else { z q[1]; }"),
        "measure q0 c0; if c0 {; x q1; } else {; z q1; }"
    );
    assert_eq!(
        meaning("qubit[2] q; bit[2] c; while (c != 3) { c = measure q; if (c[0]) break; }"),
        "while (uint(c0..2) != 3) {; measure q0 q1 c0 c1; if c0 {; break; }; }"
    );
    // The variable is written before what happens decides about it.
    assert_eq!(
        meaning("qubit q; bit c; int[8] n = 5; c = measure q; if (c) n = n + 1; if (n == 6) x q;"),
        "measure q0 c0; v0 = 5; if c0 {; v0 = 6; }; if (v0 == 6) {; x q0; }"
    );
    assert_eq!(
        meaning(
            "qubit q; bit[2] c; rx(float(uint[2](c)) * pi) q; uint[2] k = uint[2](c); k += 3; switch (k) { case 1 { x q; } default { } }"
        ),
        "rx((float(uint(c0..2)) * 3.141592653589793)) q0; v0 = uint(c0..2); v0 = (v0 + 3); \
         switch int(v0) {; case 1 {; x q0; }; case  {; }; }"
    );
}

#[test]
fn subroutines_are_put_where_they_are_called() {
    assert_eq!(
        meaning("def m(qubit a) -> bit { h a; return measure a; } qubit[2] q; bit c; c = m(q[1]);"),
        "h q1; measure q1 v0[0]; c0 = uint(bool(v0))"
    );
    assert_eq!(
        meaning(
            "def f(int n, qubit[2] q) { for int i in [1:n] x q; } qubit[2] r; f(1, r); f(2) r;"
        ),
        "x q0; x q1; x q0; x q1; x q0; x q1"
    );
    assert_eq!(
        meaning(
            "def add(readonly array[int[8], #dim = 1] a, mutable array[int[8], 1] b) {\n\
                 for uint i in [0:sizeof(a) - 1] { b[0] += a[i]; } }\n\
                 array[int[8], 3] a = {1, 2, 3}; array[int[8], 1] b; add(a, b); qubit q; rx(b[0]) q;"
        ),
        "rx(6) q0"
    );
}

#[test]
fn inputs_get_values() {
    let program = "input int n; input float[64] a; input bool b; qubit[n] q; rx(a / 2) q[n - 1]; if (b) x q[0];";
    let text = format!("include \"stdgates.inc\"; {program}");
    let source = Source::new(text.as_str(), "t");
    let inputs = |values: &[(&str, f64)]| -> Inputs {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect::<BTreeMap<_, _>>()
    };
    let given = inputs(&[("n", 2.0), ("a", 0.5), ("b", 1.0)]);
    let all = read(&source, &NoIncludes, &given).unwrap();
    assert_eq!(listing(&all.circuit), "rx(0.25) q1; x q0");
    assert_eq!(all.inputs, ["n", "a", "b"]);
    let some = read(&source, &NoIncludes, &inputs(&[("n", 2.0), ("b", 0.0)])).unwrap().circuit;
    assert_eq!(some.parameters(), ["a"]);
    assert_eq!(listing(&some.bind(&[3.0]).unwrap()), "rx(1.5) q1");
    let error = read(&source, &NoIncludes, &Inputs::new()).unwrap_err().to_string();
    assert!(error.contains("the input `n` of type `int[64]` has no value"), "{error}");
    assert!(error.contains("help: give it one: `-p n=1`"), "{error}");
}

#[test]
fn errors_name_what_is_wrong() {
    for (program, expected) in [
        ("qubit q; hh q;", "1:10: unknown gate `hh` (did you mean `h`?)"),
        ("qubit q; x p;", "1:12: a gate is no value"),
        ("qubit q; x qq;", "1:12: unknown name `qq` (did you mean `q`?)"),
        ("qubit q; rx q;", "1:10: `rx` takes 1 parameter, found 0"),
        ("qubit[2] q; ctrl @ x q[0];", "1:20: `x` with its controls takes 2 qubits, found 1"),
        ("qubit[2] q; cx q[0], q[0];", "1:13: qubit `q[0]` stands twice"),
        ("qubit[2] q; qubit[3] r; cx q, r;", "1:25: registers of different sizes, 2 and 3"),
        ("qubit q; qubit q;", "1:16: `q` has a meaning here already"),
        ("const int n = m;", "1:15: unknown name `m`"),
        (
            "qubit q; bit c; const bit d = measure q;",
            "1:17: the constant `d` must be known before the program runs",
        ),
        ("int n = 1 / int(0);", "1:9: division by 0"),
        ("bit[2] c = \"011\";", "1:12: 3 bits are assigned to 2"),
        ("break;", "1:1: `break` stands in no loop"),
        ("def f() { continue; } for int i in [0:1] f();", "1:11: `continue` stands in no loop"),
        ("return;", "1:1: `return` stands in no subroutine"),
        (
            "int n; def f() -> int { return n; } n = f();",
            "1:32: `n` is not visible in the body of a gate or subroutine (bodies see global constants and what is handed to them)",
        ),
        ("def f() -> int { } int n = f();", "1:5: `f` returns no `int[64]` at its end"),
        (
            "def f(bit b) -> int { if (b) { return 1; } } qubit q; int n = f(measure q);",
            "1:5: `f` returns no `int[64]` at its end",
        ),
        (
            "def f(bit b) -> int { while (true) { if (b) break; if (!b) return 2; } } qubit q; int n = f(measure q);",
            "1:5: `f` returns no `int[64]` at its end",
        ),
        (
            "def f(int n) -> int { switch (n) { case 0 { return 1; } } } qubit q; int n = f(int(measure q));",
            "1:5: `f` returns no `int[64]` at its end",
        ),
        (
            "qubit q; cal { } ",
            "1:10: `cal` is for hardware that plays pulses: no backend here runs it",
        ),
        (
            "defcal zx90 $0 { play(...); } zx90 $0;",
            "1:31: unknown gate `zx90` (it has only a `defcal`: pulses are not played here, define it by `gate` too)",
        ),
        ("array[int, 2, 2, 2, 2, 2, 2, 2, 2] a;", "1:1: an array of 8 dimensions: 1 to 7"),
        ("array[int, 3] a; a[3] = 1;", "1:20: index 3 of 3 things: expected -3 to 2"),
        ("qubit q; delay[5] q;", "1:16: a delay takes a duration such as `100ns`, not a `int`"),
        (
            "qubit q; delay[1dt + 1ns] q;",
            "1:16: `dt` and seconds do not meet: the length of a tick is the device's",
        ),
        ("qubit q; sin(1, 2);", "1:10: `sin` takes 1 argument, found 2"),
        ("foo(1);", "1:1: unknown function or subroutine `foo`"),
        ("uint[65] n;", "1:6: a size of 65 bits: at most 64 are supported"),
    ] {
        assert_eq!(error(program), expected, "{program}");
    }
    assert_eq!(
        errors("qubit[2] q\nqubit r;"),
        ["2:1: expected `;`, found `qubit`"].map(|_| "1:11: expected `;`, found `qubit`")
    );
    // What follows from an error is not told again.
    assert_eq!(
        errors("qubit[n] q;\nh q;\nx q[0];\nfoo q;"),
        ["1:7: unknown name `n`", "4:1: unknown gate `foo`"]
    );
}

#[test]
fn wide_registers_are_compared_with_numbers() {
    for width in [64, 65, 126, 127, 128, 129, 1000] {
        let flip = |places: &str| format!("for int i in [{places}] {{ x q[i]; }}");
        let states = [("", 0), ("x q[0];", 1), (flip(&format!("0:{}", width - 1)).as_str(), -1)]
            .map(|(prepare, value)| (prepare.to_owned(), value));
        for (prepare, value) in states {
            for number in [0, 1, -1] {
                let program = format!(
                    "qubit[{width}] q; qubit a; bit[{width}] c; bit r; {prepare} \
                     c = measure q; if (c == {number}) x a; r = measure a;"
                );
                let equal = result(&program).starts_with('1');
                assert_eq!(equal, value == number, "{width} bits of {value}, {number}");
            }
        }
        // The same of bits that are known.
        let (zeros, ones) = ("0".repeat(width - 1), "1".repeat(width));
        for (bits, value) in [(format!("{zeros}0"), 0), (format!("{zeros}1"), 1), (ones, -1)] {
            for number in [0, 1, -1] {
                let program =
                    format!("const bit[{width}] k = \"{bits}\"; qubit q; if (k == {number}) x q;");
                assert_eq!(meaning(&program) == "x q0", value == number, "{program}");
            }
        }
    }
    // All ones of more than 64 bits are more than the largest number of 64 bits.
    let program = format!("const bit[128] k = \"{}\";", "1".repeat(128));
    assert_eq!(meaning(&format!("{program} qubit q; if (k == 18446744073709551615) x q;")), "");
}

#[test]
fn jumps_that_were_tried_leave_no_mark() {
    let found = result(
        "def f(qubit[3] q) -> int {
             for int i in [1:2] {
                 while (bool(measure q[0])) { bit b = measure q[1]; if (b) return 1; }
                 bit d = measure q[2];
                 if (d) break;
             }
             return 7;
         }
         qubit[3] q; bit[3] c; x q[2]; uint[3] n = f(q); c = n;",
    );
    assert_eq!(found, "111");
}

#[test]
fn what_branches_may_change_is_no_longer_known_behind_them() {
    let head = "def f(mutable array[int, 1] a) -> int { a[0] = 1; return 0; }
                def g(mutable array[int, 1] a) -> float { a[0] = 1; return 0.5; }
                def truth(mutable array[int, 1] a) -> bool { a[0] = 1; return true; }
                def time(mutable array[int, 1] a) -> duration { a[0] = 1; return 1ns; }
                array[int, 1] a = {0}; qubit[2] q; bit c; bit r; c = measure q[0];";
    for branch in [
        "gphase(g(a));",
        "x q[f(a)];",
        "pow(f(a)) @ x q[0];",
        "ctrl(f(a) + 1) @ x q[0], q[1];",
        "reset q[f(a)];",
        "barrier q[f(a)];",
        "delay[time(a)] q;",
        "delay[1ns] q[f(a)];",
        "box [time(a)] { }",
        "measure q[f(a)];",
        "bit d = measure q[f(a)];",
        "bit[4] d; d[f(a)] = true;",
        "bit[4] d; d[f(a)] = measure q[0];",
        "bit[4] d; d[0] = bool(int[f(a) + 8](0));",
        "int[f(a) + 8] d;",
        "array[int, f(a) + 1] d;",
        "for int i in [f(a):1] { }",
        "for int i in [0:f(a)] { }",
        "for int i in [0:f(a) + 1:1] { }",
        "for int i in {f(a)} { }",
        "switch (0) { case f(a) { } }",
        "if (truth(a)) { }",
        "while (!truth(a)) { }",
        "let b = a; b[0] = 1;",
        "let b = a; let d = b; d[0] = 1;",
        "let b = a[0:0]; f(b);",
        "let b = q[f(a):1];",
        "array[int, 1] b = {f(a)};",
        "rx(g(a)) q[0];",
    ] {
        for taken in ["if (c)", "while (c)"] {
            let end = "if (a[0] == 1) x q[1]; r = measure q[1];";
            assert_eq!(result(&format!("{head} {taken} {{ {branch} }} {end}")), "00", "{branch}");
        }
    }
}

#[test]
fn values_are_those_of_where_they_are_read() {
    let head = "def add(int n, mutable array[int, 2] a) -> int { a[0] = a[0] + n; return 0; }
                def second(int n, mutable array[int, 2] a) -> int { a[0] = 3; return n; }
                def both(int n, int m) -> int { return 4 * n + m; }
                def next(mutable array[int, 2] a) -> int { a[0] = a[0] + 1; return 0; }
                def set(mutable array[int, 2] a) -> int { a[0] = 1; return 1; }
                qubit[4] q; bit[4] c; bit[2] two; x q[1]; two = measure q[0:1]; reset q[1];
                array[int, 2] a = {int(two), int(two) - 1}; array[int, 2] k = {2, 1};
                array[int, 3] e = {int(two) - 2, int(two) - 1, int(two)}; uint[4] m;";
    for (body, expected) in [
        // a is {2, 1} while the circuit runs, k is known to be.
        ("a = {a[1], a[0]}; m = 4 * a[0] + a[1];", 6),
        ("k = {k[1], k[0]}; m = 4 * k[0] + k[1];", 6),
        ("e[1:2] = e[0:1]; m = 4 * e[1] + e[2];", 1),
        (
            "array[int, 2, 2] d = {{a[0], a[1]}, {0, 3}}; d = {d[1], d[0]}; m = 4 * d[1][0] + d[0][1];",
            11,
        ),
        ("m = second(a[0], a);", 2),
        ("m = both(a[0], second(1, a));", 9),
        ("m = both(a[0] + 0 * second(0, a), a[0]);", 11),
        ("m = a[0] + next(a);", 2),
        ("m = a[0] + next(a) + next(a) + a[0];", 6),
        ("m = mod(a[0], 2 + next(a));", 0),
        ("m = 4 * a[0] + pow(a[0], set(a));", 10),
        ("array[int, 2] d = {a[0], next(a)}; m = d[0];", 2),
        ("array[int, 2] d = {next(a), a[0]}; m = d[1];", 3),
        ("e[a[0] - 1] = 3 + next(a); m = e[1];", 3),
        ("array[int, 3, 2] d; d[a[0] - 1][next(a)] = 3; m = d[1][0];", 3),
        ("m = e[a[0] + 0 * next(a)];", 2),
        ("x q[a[0] + next(a)]; m = uint[4](bit[4](measure q));", 4),
        ("for int i in {a[0], a[1]} { a[1] = 3; m = 4 * m + i; }", 9),
        ("for int i in a { a[1] = 3; m = 4 * m + i; }", 9),
        ("for bit i in two { two[1] = 0; m = 2 * m + int(i); }", 1),
        ("for int i in [a[0] - 2:2 + next(a)] { m = 4 * m + a[0]; }", 15),
        ("int n = 0; while (next(a) + a[0] < 5) { m = a[0]; n += 1; }", 4),
        ("while (set(a) < int(two)) { m = 4 * m + a[0]; if (m > 3) break; }", 5),
    ] {
        let bits = result(&format!("{head} {body} c = bit[4](m);"));
        assert_eq!(bits[2..], format!("{expected:04b}"), "{body}");
    }
}

#[test]
fn negative_indices_count_from_the_end_while_the_circuit_runs_too() {
    // `m` is what is measured, 0, as far as the parser knows any number.
    let head = "qubit[3] q; bit d; bit[3] c; d = measure q[0]; int m = int(d);";
    // The bits of `c`, behind which that of `d` stands.
    let result = |program: &str| result(program).strip_suffix('0').unwrap().to_owned();
    for (index, expected) in [("m - 1", "100"), ("m - 2", "010"), ("m - 3", "001"), ("m", "001")] {
        assert_eq!(result(&format!("{head} x q[{index}]; c = measure q;")), expected, "{index}");
        assert_eq!(result(&format!("{head} c[{index}] = true;")), expected, "{index}");
        let variable = "bit[3] b; b[K] = true; c = b;".replace('K', index);
        assert_eq!(result(&format!("{head} {{ {variable} }}")), expected, "{index}");
        let array = "array[int, 3] a = {1, 2, 4}; uint[3] n = a[K]; c = n;".replace('K', index);
        assert_eq!(result(&format!("{head} {array}")), expected, "{index}");
        let narrow = format!("int[3] n = {index}; x q[n]; c = measure q;");
        assert_eq!(result(&format!("{head} {narrow}")), expected, "{index}");
    }
    let read =
        "c = \"100\"; bool e = c[m - 1]; uint[3] n = 4; c[1] = n[m - 1]; if (e) c[0] = true;";
    assert_eq!(result(&format!("{head} {read}")), "111");
    let rows = "array[int, 2, 3] a; a[m - 1][m - 3] = 5; uint[3] n = a[1][0]; c = n;";
    assert_eq!(result(&format!("{head} {rows}")), "101");
    // Out of range is nothing.
    for index in ["m - 4", "m + 3"] {
        assert_eq!(result(&format!("{head} x q[{index}]; c = measure q;")), "000", "{index}");
        assert_eq!(result(&format!("{head} c[{index}] = true;")), "000", "{index}");
        let read = format!("c = \"111\"; bool e = c[{index}]; c[0] = e;");
        assert_eq!(result(&format!("{head} {read}")), "110", "{index}");
    }
}

#[test]
fn subroutines_need_no_return_where_their_end_is_not_reached() {
    for (body, expected) in [
        ("if (b) { return 1; } else { return 2; }", "010"),
        ("if (!b) { return 1; } return 2;", "001"),
        ("switch (int(b)) { case 0 { return 5; } default { return 2; } }", "101"),
        ("int n = 0; while (true) { n += 1; if (n > 2) { if (!b) return n; } }", "011"),
        (
            "int n = 0; while (true) { n += 1; if (b) continue; if (n > int(b) + 5) return n; }",
            "110",
        ),
    ] {
        let program = format!(
            "def f(bit b) -> int {{ {body} }} qubit q; bit[3] c; {{ uint[3] n = f(measure q); c = n; }}"
        );
        assert_eq!(result(&program), expected, "{body}");
    }
}

#[test]
fn end_within_a_subroutine_ends_the_program() {
    for (program, expected) in [
        ("def f() { end; } qubit q; bit r; { f(); x q; r = measure q; }", "0"),
        (
            "def f() -> int { end; } qubit q; bit r; x q; { r = measure q; int n = f() + 1; r = 0; }",
            "1",
        ),
        ("def f() { end; } def g() { f(); } qubit q; bit r; x q; g(); r = measure q;", "0"),
        ("def f() { end; } qubit q; bit r; x q; for int i in [0:1] { f(); r = measure q; }", "0"),
        ("def f() { end; } qubit q; bit r; x q; while (true) { r = measure q; f(); r = 0; }", "1"),
        // Only where it is reached.
        (
            "def f(bit b) { if (b) { end; } } qubit q; bit r; { f(measure q); x q; r = measure q; }",
            "1",
        ),
        (
            "def f(bit b) { if (b) { end; } } qubit q; bit r; x q; { f(measure q); r = measure q; }",
            "0",
        ),
        ("def f() { end; } qubit q; bit r; x q; r = measure q; if (r) { f(); r = 0; } r = 0;", "1"),
    ] {
        assert_eq!(result(program), expected, "{program}");
    }
}
