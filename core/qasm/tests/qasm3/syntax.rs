//! What is a program, and where it is not one.

use std::path::Path;

use ketch_qasm::{
    Source,
    v3::{MAX_DIAGNOSTICS, check_syntax},
};

/// The official examples, and the language's standard library.
#[test]
fn every_official_example_parses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/openqasm3");
    let mut n_examples = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !matches!(path.extension().and_then(|e| e.to_str()), Some("qasm" | "inc")) {
            continue;
        }
        let source = Source::open(&path).unwrap();
        let statements = check_syntax(&source).unwrap_or_else(|error| panic!("{error}"));
        assert!(statements > 0, "{}", path.display());
        n_examples += 1;
    }
    assert_eq!(n_examples, 22);
}

/// `line:column: message` of each error.
fn errors(program: &str) -> Vec<String> {
    let error = check_syntax(&Source::new(program, "t")).unwrap_err();
    let line = |d: &ketch_qasm::Diagnostic| format!("{}:{}: {}", d.line, d.column, d.message);
    error.diagnostics().iter().map(line).collect()
}

#[test]
fn one_run_finds_several_errors() {
    let program = "OPENQASM 3.0;\nqubit q\nh q;\ngate g a { x a }\ndef f( { x q; y q; }\nh q;\n\
                   int[ x;\nbit c = ;\nx $0 $1;\n";
    assert_eq!(
        errors(program),
        [
            "2:8: expected `;`, found `h`",
            "4:16: expected `,` or `;`, found `}`",
            "5:8: expected a type, found `{`",
            "7:7: expected `]`, found `;`",
            "8:9: expected an expression, found `;`",
            "9:6: expected `,` or `;`, found `$1`",
        ]
    );
    assert_eq!(errors(&"h;;) ".repeat(100)).len(), MAX_DIAGNOSTICS);
}

#[test]
fn wrong_characters_and_ends() {
    let first = |program: &str| errors(program)[0].clone();
    assert_eq!(first("h q; /* no end"), "1:6: a comment without an end");
    assert_eq!(first("bit[2] c = \"01;"), "1:12: a string without an end");
    assert_eq!(first("bit[2] c = \"02\";"), "1:12: expected bits such as `\"0110\"`");
    assert_eq!(first("h q\0;"), "1:4: `\u{fffd}` begins nothing of the language");
    assert_eq!(first("if (a) { h q;"), "1:14: expected `}`, found the end of the program");
    assert_eq!(first("cal { { }"), "1:5: a brace that is never closed");
    assert_eq!(first("int x = 0x;"), "1:9: a number without digits");
    assert_eq!(first("OPENQASM 4.0;"), "1:10: there is no OpenQASM 4.0, expected 2.0, 3.0 or 3.1");
    assert_eq!(
        first("int gate = 1;"),
        "1:5: expected a name, found `gate`, a word of the language"
    );
    assert_eq!(first("1 = 2;"), "1:1: only a name, or a part of what it names, is assigned to");
}

#[test]
fn forms_of_the_grammar() {
    let forms = [
        "OPENQASM 3.1; include 'stdgates.inc'; pragma anything { at all\nh q;",
        "#pragma user x\n@annotation.key some words ;\nh q;",
        "int[8] a = 1_000; uint b = 0xFF; int c = 0b1010; int d = 0o17; float e = 1.5e-3; e = .5;",
        "complex[float[64]] z = 1.5 + 2im; z *= 3.0im; duration d = 10ns + 3.5 µs + 2dt;",
        "x = -a ** -b ** c; y = a + b * c << 2 < 3 == d & e ^ f | g && !h || ~i;",
        "ctrl @ x a, b; ctrl(2) @ negctrl @ inv @ pow(1/2) @ U(1, 2, 3) a, b, c, d; gphase(pi);",
        "ctrl @ gphase(pi) q; pow(2) @ x q; float y = pow(2, 3);",
        "let a = q[0:2]; let b = q[{0, 2}] ++ r[-1] ++ s[:2:]; x q[1:2:9][0];",
        "for int i in [0:2:10] x q[i]; for uint i in {1, 2,} { x q[i]; } for bit b in c { }",
        "for i in [0:3] { x q; } while (a < 3) { break; continue; } if (a) x q; else { end; }",
        "switch (i) { case 1, 2 { x q; } case 3: { } default { y q; } }",
        "measure q; c = measure q; measure q[0] -> c[0]; bit b = measure $0; reset q[0:1];",
        "delay[10ns] q; delay[a * 2] $0, $1; delay[1ms]; box [10us] { x q; } box { nop q; nop; }",
        "barrier; barrier q, r[0]; qreg q[2]; creg c[2]; qubit[2] r; qubit s; bit t; bool u = true;",
        "const float[64] a = pi / 2; input angle[16] b; output bit[2] c; array[int[8], 2, 3] d;",
        "array[bool, 2] a = {true, false}; a[0] = a[1]; a[0:1, 1] = b[:, 2]; a[-1][0] += 1;",
        "def f(int[8] a, qubit[2] q, readonly array[int, #dim = 2] b, mutable array[int, 2] c,\n\
         creg d[2]) -> bit { return measure q[0]; } def g() { return; } f(1, q); y = f(1) q;",
        "extern f(int[8], readonly array[int, 2]) -> float[64]; extern g();",
        "defcalgrammar \"openpulse\"; cal { anything; { at } all }\n\
         defcal rz(angle[20] t) $0 { play(...); } defcal x $0, q { } defcal measure q -> bit { }\n\
         defcal rz(pi / 2) $1 { }",
        "int[8](c); f(x); durationof({ x $0; }); a[0]; { h q; { } } gate g(θ, _b) a { U(θ, 0, 0) a; }",
    ];
    for form in forms {
        check_syntax(&Source::new(form, "t")).unwrap_or_else(|error| panic!("{error}"));
    }
}
