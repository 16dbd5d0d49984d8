//! Programs that were made to break the parser: each is refused, or read, in little time and
//! memory.

use std::time::{Duration, Instant};

use ketch_qasm::parse_str;

const HEAD: &str = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[4] q; bit[4] c;\n";

fn message(program: &str) -> String {
    let start = Instant::now();
    let error = parse_str(program, "t").expect_err(&program[..program.len().min(200)]);
    // Far more than any takes, far less than one without bounds.
    assert!(start.elapsed() < Duration::from_secs(60), "{}", start.elapsed().as_secs());
    let message = error.diagnostics()[0].message.clone();
    assert!(message.len() < 500);
    message
}

#[test]
fn deep_nesting_is_refused() {
    let expected = "the program nests more than 100 deep";
    for open in ["(", "-", "!", "sin(", "2 ** ", "1 + (", "[", "int(", "{", "a[", "uint[", "-(1 * "]
    {
        let program = format!("{HEAD}rx({}", open.repeat(100_000));
        let found = message(&program);
        assert!(found == expected || found.starts_with("expected"), "{open}: {found}");
        let found = message(&format!("{HEAD}int y = {}", open.repeat(100_000)));
        assert!(found == expected || found.starts_with("expected"), "{open}: {found}");
    }
    for open in [
        "{",
        "if (c[0]) ",
        "if (c[0]) x q; else ",
        "while (c[0]) {",
        "box {",
        "for int i in [0:1] ",
    ] {
        assert_eq!(message(&format!("{HEAD}{}", open.repeat(100_000))), expected, "{open}");
    }
}

#[test]
fn long_chains_are_read() {
    let sum = vec!["1"; 100_000].join("+");
    let circuit = parse_str(&format!("{HEAD}rx({sum}) q[0];"), "t").unwrap();
    assert_eq!(circuit.instruction(0).params[0].as_number(), Some(1e5));
    let run_time = vec!["c[0]"; 5000].join("^");
    let found = message(&format!("{HEAD}if ({run_time}) x q;"));
    assert!(found.contains("is too large"), "{found}");
    let calls = "f();".repeat(10_000);
    assert!(parse_str(&format!("{HEAD}def f() {{ }} {calls}"), "t").is_ok());
}

#[test]
fn expansion_is_bounded() {
    let mut gates = format!("{HEAD}gate g0 a {{ h a; }}\n");
    let mut subs = format!("{HEAD}def g0(qubit a) {{ h a; }}\n");
    let mut empty = format!("{HEAD}gate g0 a {{ }}\n");
    for i in 1..60 {
        let j = i - 1;
        gates.push_str(&format!("gate g{i} a {{ g{j} a; g{j} a; }}\n"));
        empty.push_str(&format!("gate g{i} a {{ g{j} a; g{j} a; }}\n"));
        subs.push_str(&format!("def g{i}(qubit a) {{ g{j}(a); g{j}(a); }}\n"));
    }
    for bomb in [gates, subs, empty] {
        let found = message(&format!("{bomb} g59 q[0];"));
        assert!(found.contains("more than"), "{found}");
        assert!(parse_str(&format!("{bomb} g5 q[0];"), "t").is_ok());
    }
    for bomb in [
        "pow(1000000000000) @ h q[0];",
        "gate g a { pow(1000000) @ s a; pow(1000000) @ h a; } pow(99999999) @ g q[0];",
        "pow(64) @ pow(64) @ pow(64) @ pow(64) @ pow(64) @ dcx q[0], q[1];",
        "gate w a, b, c, d { h a; h b; h c; h d; cx a, b; } gate v a, b, c, d, e, f { w a, b, c, d; w c, d, e, f; } qubit[2] r; pow(0.5) @ v q[0], q[1], q[2], q[3], r[0], r[1];",
    ] {
        let program = format!("{HEAD}{bomb}");
        let start = Instant::now();
        let _ = parse_str(&program, "t");
        assert!(start.elapsed() < Duration::from_secs(60), "{bomb}");
    }
}

#[test]
fn loops_without_end_are_bounded() {
    for (program, expected) in [
        ("int n = 0; while (true) { n += 1; rx(n) q[0]; }", None),
        ("for int i in [0:9223372036854775807] { h q[0]; }", None),
        ("for int i in [0:1000] for int j in [0:1000] for int k in [0:1000] h q[0];", None),
        ("def f() { f(); } f();", Some("calls deep")),
        ("gate f a { f a; } f q[0];", Some("calls deep")),
        ("def f(int n) -> int { return f(n + 1) + f(n + 2); } rx(f(0)) q[0];", Some("deep")),
        ("for int i in [0:1023] for int j in [0:63] { array[int, 60000] a; }", Some("more than")),
        (
            "for int i in [0:1023] { for int j in [0:63] { for int k in [0:1] { bit[1000000] b; b[5] = c[0]; } } }",
            Some("more than"),
        ),
        (
            "for int i in [0:1023] barrier q; qubit[100000] r; for int i in [0:1023] { x r; }",
            Some("more than"),
        ),
    ] {
        let program = format!("{HEAD}{program}");
        match expected {
            None => {
                let circuit = parse_str(&program, "t").unwrap();
                assert!(circuit.len() < 200_000);
            }
            Some(expected) => {
                let found = message(&program);
                assert!(found.contains(expected), "{found}");
            }
        }
    }
}

#[test]
fn sizes_are_bounded() {
    for program in [
        "qubit[1048577] r;",
        "qubit[340282366920938463463374607431768211455] r;",
        "bit[1048577] r;",
        "array[int, 65537] a;",
        "array[int, 1000, 1000, 1000] a;",
        "array[int, 99999999999999999999] a;",
        "x $4294967295;",
        "x $99999999999999;",
        "x q[0:99999999999];",
        "x q[-99999999999];",
        "let a = q[0:0:1];",
        "ctrl(99999999999) @ x q[0];",
        "int n = 2 ** 200;",
        "int n = 1 << 200;",
        "rx(10 ** 400) q[0];",
        "delay[1e400s] q[0];",
        "uint[99999999999] a;",
    ] {
        message(&format!("{HEAD}{program}"));
    }
}

#[test]
fn long_words_and_numbers() {
    let long = "a".repeat(10_000_000);
    let digits = "9".repeat(10_000_000);
    for program in [
        format!("{long} q;"),
        format!("h {long};"),
        format!("include \"{long}\";"),
        format!("h q[{digits}];"),
        format!("rx(1e{digits}) q[0];"),
        format!("bit[4] d = \"{}\";", "1".repeat(2_000_000)),
        format!("def f({long}) {{ }}"),
        format!("@{long} {long}\npragma {long}\nh {long};"),
    ] {
        message(&format!("{HEAD}{program}"));
    }
    assert!(parse_str(&format!("{HEAD}/*{long}*/ // {long}\nrx(0.{digits}) q[0];"), "t").is_ok());
}

#[test]
fn many_names_are_found_quickly() {
    let mut program = String::from(HEAD);
    for i in 0..100_000 {
        program.push_str(&format!("gate g{i:07} a{{}} const int n{i} = {i};\n"));
    }
    program.push_str("g0099999 q[0]; rx(n99999) q[1]; nosuchname q[0];");
    assert_eq!(message(&program), "unknown gate `nosuchname`");
    // Many variables and many branches: what is known is copied, and paid for.
    let mut program = String::from(HEAD);
    for i in 0..20_000 {
        program.push_str(&format!("int v{i} = {i}; if (c[0]) {{ v{i} = 1; }}\n"));
    }
    let start = Instant::now();
    let _ = parse_str(&program, "t");
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn odd_bytes_are_refused() {
    for text in ["\0", "\u{1b}[31m", "\u{7f}", "\u{202e}", "\u{fffd}", "\\", "'", "#", "`", "é\0"]
    {
        let error = parse_str(&format!("{HEAD}h q[0]{text};"), "t").unwrap_err().to_string();
        assert!(!error.contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
    }
}

#[test]
fn whole_numbers_of_127_bits_do_not_overflow() {
    let most = i128::MAX;
    for (program, expected) in [
        (format!("rx(-(-{most} - 1)) q[0];"), Some("too large")),
        (format!("rx(-(~{most})) q[0];"), Some("too large")),
        (format!("rx(abs(~{most})) q[0];"), Some("too large")),
        (format!("rx((~{most}) / -1) q[0];"), Some("too large")),
        (format!("rx((~{most}) * -1) q[0];"), Some("too large")),
        (format!("rx({most} + 1) q[0];"), Some("too large")),
        (format!("rx((~{most}) - 1) q[0];"), Some("too large")),
        (format!("rx((~{most}) ** 2) q[0];"), Some("too large")),
        (format!("rx({most} << 1) q[0];"), Some("too large")),
        (format!("rx(1 / ({most} * 0)) q[0];"), Some("division by 0")),
        (format!("rx(mod({most}, 0)) q[0];"), Some("division by 0")),
        (format!("rx((~{most}) % -1) q[0];"), None),
        (
            format!(
                "rx(({most} >> 126) + rotl(int[5](~{most}), {most}) + popcount(~{most})) q[0];"
            ),
            None,
        ),
        (format!("for int i in [~{most}:{most}] x q[0];"), Some("more than 64 bits")),
        (format!("for int i in [{most}:-1:~{most}] x q[0];"), Some("more than 64 bits")),
        (format!("for int i in [0:~{most}:{most}] x q[0];"), None),
        (format!("for int i in [0:{most}:{most}] x q[0];"), None),
        (format!("for int i in [~{most}:{most}:{most}] x q[0];"), None),
        (format!("x q[~{most}];"), Some("index")),
        (format!("x q[{most}];"), Some("index")),
        (format!("let a = q[0:{most}:3]; x a;"), None),
        (format!("let a = q[3:~{most}:0]; x a;"), None),
        (format!("pow(~{most}) @ rz(1) q[0];"), None),
        (format!("pow(~{most}) @ x q[0];"), None),
        (format!("ctrl(~{most}) @ x q[0];"), Some("controls")),
        (format!("bit[~{most}] d;"), Some("size")),
        (format!("array[int, ~{most}] d;"), Some("elements")),
        (format!("if (c == ~{most}) x q[0];"), Some("more than 64 bits")),
        ("if (c == 18446744073709551616) x q[0];".to_owned(), Some("more than 64 bits")),
        ("if (c[0] == 18446744073709551616) x q[0];".to_owned(), Some("more than 64 bits")),
        ("if (uint[4](c) == 18446744073709551616) x q[0];".to_owned(), Some("more than 64 bits")),
        (
            "const uint n = 0; if (n == 18446744073709551616) x q[0];".to_owned(),
            Some("more than 64 bits"),
        ),
        ("for int i in [0:1 << 64] x q[0];".to_owned(), Some("more than 64 bits")),
        ("switch (int[4](c)) { case 1 << 64 { x q[0]; } }".to_owned(), Some("more than 64 bits")),
        (format!("switch (int[4](c)) {{ case {most} {{ x q[0]; }} }}"), Some("64 bits")),
    ] {
        let program = format!("{HEAD}{program}");
        match expected {
            Some(expected) => {
                let found = message(&program);
                assert!(found.contains(expected), "{program}: {found}");
            }
            None => drop(parse_str(&program, "t").unwrap_or_else(|e| panic!("{program}: {e}"))),
        }
    }
}

#[test]
fn what_every_bit_and_qubit_costs_is_bounded() {
    let rounds = "for int i in [0:1023] for int j in [0:63]";
    for program in [
        format!(
            "bit[4000] d; bit[2000] e; let b = d[0:2:3999]; {rounds} {{ if (b == e) U(0, 0, 0) q[0]; }}"
        ),
        format!(
            "{{ bit[4000] d; bit[2000] e; d[0] = c[0]; {rounds} {{ if (d[0:2:3999] == e) x q[0]; }} }}"
        ),
        format!("bit[100000] d; {rounds} {{ if (d[0:2:99999] == \"1\") x q[0]; }}"),
        format!("bit[4096] d; uint n = uint[4](c); {rounds} {{ if (d[n]) x q[0]; }}"),
        format!("qubit[1000000] r; {rounds} delay[durationof({{ barrier; }}) + 1ns] r[0];"),
    ] {
        let program = format!("{HEAD}{program}");
        let found = message(&program);
        assert!(found.contains("more than"), "{program}: {found}");
    }
    // What the length of statements costs is theirs alone.
    let program = format!(
        "{HEAD}qubit[1000000] r; for int i in [0:1023] delay[durationof({{ delay[1us] r[7]; }})] r[8];"
    );
    assert_eq!(parse_str(&program, "t").unwrap().len(), 1024);
    // Each qubit that an index may choose stands once in a barrier.
    let barrier = |operands: usize| {
        let operands = "r[n], ".repeat(operands);
        format!("{HEAD}qubit[4096] r; uint n = uint[4](c); barrier r[7], {operands} r[3];")
    };
    let circuit = parse_str(&barrier(2), "t").unwrap();
    assert_eq!(circuit.instruction(circuit.len() - 1).qubits.len(), 4096);
    let found = message(&barrier(3000));
    assert!(found.contains("more than"), "{found}");
}
