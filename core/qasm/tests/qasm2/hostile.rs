//! Programs that were made to break the parser: each is refused, or read, in little time and
//! memory.

use ketch_qasm::parse_str;

const HEAD: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[4]; creg c[4];\n";

fn message(program: &str) -> String {
    parse_str(program, "t").unwrap_err().diagnostics()[0].message.clone()
}

#[test]
fn deep_expressions_are_refused() {
    let long = format!("{HEAD}rx{}", "(".repeat(10_000_000));
    assert_eq!(message(&long), "the expression nests more than 200 deep");
    for open in ["(", "-", "+", "sin(", "2^", "1+(", "3^-"] {
        let program = format!("{HEAD}rx({}", open.repeat(100_000));
        assert_eq!(message(&program), "the expression nests more than 200 deep", "{open}");
        let body = format!("{HEAD}gate g(x) a {{ rx({}", open.repeat(100_000));
        assert_eq!(message(&body), "the expression nests more than 200 deep", "{open}");
    }
}

#[test]
fn long_expressions_are_read() {
    for operator in ["+", "*-1*-"] {
        let chain = vec!["1"; 100_001].join(operator);
        let circuit = parse_str(&format!("{HEAD}rx({chain}-1) q[0];"), "t").unwrap();
        let expected = if operator == "+" { 1e5 } else { 0.0 };
        assert_eq!(circuit.instruction(0).params[0].as_number(), Some(expected), "{operator}");
    }
}

#[test]
fn doubling_gates_are_refused() {
    let mut bomb = format!("{HEAD}gate g0 a {{ h a; }}\n");
    let mut empty = format!("{HEAD}gate g0 a {{ }}\n");
    for i in 1..100 {
        let line = format!("gate g{i} a {{ g{} a; g{} a; }}\n", i - 1, i - 1);
        bomb.push_str(&line);
        empty.push_str(&line);
    }
    let expected = "inlined gates and whole registers name more than 8388608 qubits";
    assert_eq!(message(&format!("{bomb} g99 q[0];")), expected);
    assert_eq!(message(&format!("{bomb} g22 q;")), expected);
    assert_eq!(message(&format!("{bomb} g10 q[0]; g23 q[0]; ")), expected);
    let expected = "inlined gates take more than 67108864 steps";
    assert_eq!(message(&format!("{empty} g99 q[0];")), expected);
    assert_eq!(message(&format!("{empty} g99 q;")), expected);
    // Not used, they cost nothing; used a little, they work.
    assert_eq!(parse_str(&format!("{bomb} g10 q[0];"), "t").unwrap().len(), 1024);
}

#[test]
fn towers_of_gates_are_refused() {
    let mut tower = format!("{HEAD}gate g0 a {{ h a; }}\n");
    for i in 1..1000 {
        tower.push_str(&format!("gate g{i} a {{ g{} a; }}\n", i - 1));
    }
    assert_eq!(message(&tower), "`g256` builds on more than 256 gates in a row");
}

#[test]
fn registers_do_not_multiply() {
    let gates = "barrier q;".repeat(7) + "x q; CX q,r;";
    let program = format!("OPENQASM 2.0; gate x a {{}} qreg q[1048575]; qreg r[1]; {gates}");
    assert_eq!(message(&program), "`CX` on registers of different sizes, 1048575 and 1");
    let program =
        format!("OPENQASM 2.0; gate g a {{ {} }} qreg q[1048576]; g q;", "U(0,0,0) a;".repeat(9));
    assert!(message(&program).starts_with("inlined gates and whole registers name more than"));
    let program = format!("OPENQASM 2.0; qreg q[1048576]; {}", "barrier q;".repeat(100));
    assert!(message(&program).starts_with("inlined gates and whole registers name more than"));
    let empty = "OPENQASM 2.0; gate g a {} qreg q[1048576];";
    let message_of_empty = message(&format!("{empty} {}", "g q;".repeat(1000)));
    assert_eq!(message_of_empty, "inlined gates take more than 67108864 steps");
    let name = "n".repeat(1_000_000);
    let program = format!("OPENQASM 2.0; qreg q[1000]; opaque {name} a; {name} q;");
    assert!(message(&program).starts_with("inlined gates and whole registers name more than"));
    let many = format!(
        "OPENQASM 2.0; creg c[1048576]; qreg q[1]; {}",
        "if(c==1) U(0,0,0) q[0];".repeat(1000)
    );
    assert!(message(&many).starts_with("inlined gates and whole registers name more than"));
}

#[test]
fn long_words_and_numbers() {
    let long = "a".repeat(10_000_000);
    assert!(message(&format!("{HEAD}{long} q;")).len() < 500);
    assert!(message(&format!("{HEAD}h {long};")).len() < 500);
    assert!(message(&format!("{HEAD}include \"{long}\";")).len() < 500);
    let digits = "9".repeat(10_000_000);
    assert!(message(&format!("{HEAD}h q[{digits}];")).len() < 500);
    assert!(message(&format!("{HEAD}qreg r[{digits}];")).len() < 500);
    assert!(message(&format!("{HEAD}rx({digits}) q[0];")).len() < 500);
    assert!(message(&format!("{HEAD}rx(1e{digits}) q[0];")).len() < 500);
    let tiny = format!("{HEAD}rx(1e-{digits}) q[0];");
    assert_eq!(parse_str(&tiny, "t").unwrap().instruction(0).params[0].as_number(), Some(0.0));
    let exact = format!("{HEAD}rx(0.{digits}) q[0];");
    assert_eq!(parse_str(&exact, "t").unwrap().instruction(0).params[0].as_number(), Some(1.0));
}

#[test]
fn many_names_are_found_quickly() {
    let mut program = String::from(HEAD);
    for i in 0..100_000 {
        program.push_str(&format!("gate g{i:07} a{{}}\n"));
    }
    program.push_str("g0099999 q[0]; g0099998 q[1]; nosuchname q[0];");
    assert_eq!(message(&program), "unknown gate `nosuchname`");
}

#[test]
fn a_program_cut_anywhere_is_refused_or_read() {
    let program = format!(
        "{HEAD}gate g(a,b) x,y {{ rx(a/b) x; barrier x,y; cx y,x; }} // é\nopaque o(p) a;\n\
         g(-pi/2,1.5e-3) q[0],q[1]; if(c==12) measure q -> c; reset q; barrier q[0],q[1]; o(1) q[3];"
    );
    for end in (0..program.len()).filter(|&end| program.is_char_boundary(end)) {
        if let Err(error) = parse_str(&program[..end], "t") {
            assert!(!error.to_string().is_empty());
        }
    }
    assert!(parse_str(&program, "t").is_ok());
}

#[test]
fn odd_bytes_are_refused() {
    for text in ["\0", "\u{1b}[31m", "\u{7f}", "\u{202e}", "\u{fffd}", "\\", "'", "#", "@"] {
        let error = parse_str(&format!("{HEAD}h q[0]{text};"), "t").unwrap_err().to_string();
        assert!(!error.contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
    }
}
