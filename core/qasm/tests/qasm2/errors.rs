//! What is wrong with wrong programs, and where.

use ketch_qasm::{NoIncludes, Source, parse_str, v2};

/// `place: message`, and the help if there is some.
fn summary(program: &str) -> String {
    let error = parse_str(program, "test.qasm").expect_err(program);
    let [diagnostic] = error.diagnostics() else { panic!("one error a program") };
    let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
    format!("{}:{}: {}{help}", diagnostic.line, diagnostic.column, diagnostic.message)
}

/// Checks what is said about statements on line 2, behind the version line, `qelib1.inc` and
/// `qreg q[4]; creg c[4];`.
fn check(statements: &str, expected: &str) {
    let head = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[4]; creg c[4];";
    let found = summary(&format!("{head}\n{statements}"));
    assert_eq!(found, expected, "{statements}");
}

fn check_whole(program: &str, expected: &str) {
    assert_eq!(summary(program), expected, "{program}");
}

#[test]
fn the_version_line_is_needed() {
    // Without one, a program is one of version 3; this version's own parser asks for it.
    let missing = "the program does not begin with its version";
    for (program, place) in [("", "1:1"), ("qreg q[1];", "1:1"), ("// c\n  qreg q[1];", "2:3")] {
        let error = v2::parse(&Source::new(program, "t"), &NoIncludes).unwrap_err();
        let diagnostic = &error.diagnostics()[0];
        let found = format!("{}:{}: {}", diagnostic.line, diagnostic.column, diagnostic.message);
        assert_eq!(found, format!("{place}: {missing}"));
    }
    check_whole("OPENQASM 2.1;", "1:10: there is no OpenQASM 2.1, expected 2.0");
    check_whole("OPENQASM;", "1:9: expected a version such as `3.0`, found `;`");
    check_whole("OPENQASM 2.0", "1:13: expected `;`, found the end of the program");
    check("OPENQASM 2.0;", "2:1: the version stands once, at the beginning of the program");
}

#[test]
fn misspelt_names_are_recognised() {
    check("hh q[0];", "2:1: unknown gate `hh` (did you mean `h`?)");
    check("toffol q[0],q[1],q[2];", "2:1: unknown gate `toffol` (did you mean `toffoli`?)");
    check("mesure q -> c;", "2:1: unknown gate `mesure` (did you mean `measure`?)");
    check("nothinglikeit q[0];", "2:1: unknown gate `nothinglikeit`");
    check("h qq[0];", "2:3: unknown quantum register `qq` (did you mean `q`?)");
    check("measure q[0] -> cc[0];", "2:17: unknown classical register `cc` (did you mean `c`?)");
    check("rx(p1) q[0];", "2:4: unknown name `p1` in an expression (did you mean `pi`?)");
    check("rx(sine(1)) q[0];", "2:4: unknown name `sine` in an expression (did you mean `sin`?)");
    check_whole(
        "OPENQASM 2.0;\nqreg q[1];\nh q[0];",
        "3:1: unknown gate `h` (add `include \"qelib1.inc\";` behind the version line)",
    );
}

#[test]
fn names_mean_one_thing() {
    check("gate h a {}", "2:6: `h` is already a gate");
    check("opaque cu3 a;", "2:8: `cu3` is already a gate");
    check("qreg q[1];", "2:6: `q` is already a quantum register");
    check("creg c[1];", "2:6: `c` is already a classical register");
    check("creg q[1];", "2:6: `q` is already a quantum register");
    check("qreg h[1];", "2:6: `h` is already a gate");
    check("gate g a {} gate g a {}", "2:18: `g` is already a gate");
    check("gate measure a {}", "2:6: `measure` is a word of the language");
    check("gate U a {}", "2:6: `U` is already a gate");
    check_whole(
        "OPENQASM 2.0; gate h a {}\ninclude \"qelib1.inc\";",
        "2:9: `qelib1.inc` defines `h`, which is defined already",
    );
    check("gate g(a,a) x {}", "2:10: `a` stands twice");
    check("gate g(a) a {}", "2:11: `a` stands twice");
    check("gate g(pi) a {}", "2:8: `pi` is a number");
}

#[test]
fn operands_fit() {
    check("h q[4];", "2:3: `q` has bits 0 to 3, found bit 4");
    check("h q[99999999999999999999];", "2:3: `q` has bits 0 to 3, found bit 2^64 or more");
    check("h c[0];", "2:3: expected a quantum register, `c` is a classical register");
    check(
        "measure q[0] -> q[1];",
        "2:17: expected a classical register, `q` is a quantum register",
    );
    check("h h;", "2:3: expected a quantum register, `h` is a gate");
    check("q q;", "2:1: `q` is a quantum register");
    check("cx q[0];", "2:1: `cx` takes 2 qubits, found 1");
    check("h q[0],q[1];", "2:1: `h` takes 1 qubit, found 2");
    check("rx q[0];", "2:1: `rx` takes 1 parameter, found 0");
    check("u2(1) q[0];", "2:1: `u2` takes 2 parameters, found 1");
    check("h(1) q[0];", "2:1: `h` takes 0 parameters, found 1");
    check("cx q[1],q[1];", "2:1: qubit `q[1]` stands twice");
    check("cx q,q[2];", "2:1: qubit `q[2]` stands twice");
    check("barrier q,q[1];", "2:1: qubit `q[1]` stands twice");
    check("qreg r[3]; cx q,r;", "2:12: `cx` on registers of different sizes, 4 and 3");
    check("qreg r[1]; cx q,r;", "2:12: `cx` on registers of different sizes, 4 and 1");
    check(
        "creg d[3]; measure q -> d;",
        "2:12: `measure` of a register of 4 qubits into a register of 3 clbits",
    );
    check("measure q -> c[0];", "2:1: `measure` of a register of 4 qubits into one clbit");
}

#[test]
fn registers_have_sensible_sizes() {
    check("qreg r[0];", "2:8: a register of no bits");
    check_whole(
        "OPENQASM 2.0; qreg q[4294967295];",
        "1:22: a register of 4294967295 qubits: at most 1048576 are allowed",
    );
    check(
        "qreg r[1048573];",
        "2:8: 1048573 qubits more than 4: a program may have at most 1048576",
    );
    check(
        "creg r[99999999999999999999999999999];",
        "2:8: 99999999999999999999999999999 clbits more than 4: a program may have at most 1048576",
    );
    check("qreg r[-1];", "2:8: expected the size of the register, found `-`");
    check("qreg r[1.5];", "2:9: expected `]`, found `.5`");
}

#[test]
fn numbers_are_finite() {
    check("rx(1/0) q[0];", "2:5: division by zero");
    check("rx(1/(1-1)) q[0];", "2:5: division by zero");
    check("rx(1e999) q[0];", "2:4: the number is too large for double precision");
    check("rx(ln(0)) q[0];", "2:4: the value is too large for double precision");
    check("rx(sqrt(-1)) q[0];", "2:4: the value is not a number");
    check("rx((-1)^0.5) q[0];", "2:8: the value is not a number");
    check("rx(10^999) q[0];", "2:6: the value is too large for double precision");
    check("gate g a { rx(1/0) a; }", "2:16: division by zero");
    check(
        "gate g(x) a { rx(1/x) a; } g(0) q[0];",
        "2:28: in the body of `g` with these parameters: division by zero",
    );
}

#[test]
fn bodies_hold_gates_on_their_qubits() {
    check("gate g a { g a; }", "2:12: `g` is used in its own definition");
    check("gate iswap a,b { iswap a,b; }", "2:18: `iswap` is used in its own definition");
    check("gate g a { later a; }", "2:12: unknown gate `later`");
    check("gate g a { h b; }", "2:14: `b` is not a qubit of the gate");
    check("gate g a { h q[0]; }", "2:14: `q` is not a qubit of the gate");
    check(
        "gate g a { h a[0]; }",
        "2:15: the body of a gate names its qubits, not bits of registers",
    );
    check("gate g(x) a { h x; }", "2:17: `x` is a parameter of the gate");
    check(
        "gate g(x) a { rx(a) a; }",
        "2:18: unknown name `a` in an expression (did you mean `x`?)",
    );
    check("gate g a,b { cx a,a; }", "2:17: a qubit stands twice");
    check("gate g a { cx a; }", "2:12: `cx` takes 2 qubits, found 1");
    check("gate g a { rx a; }", "2:12: `rx` takes 1 parameter, found 0");
    check(
        "gate g a { measure a -> c; }",
        "2:12: the body of a gate holds gates and barriers, found `measure`",
    );
    check(
        "gate g a { reset a; }",
        "2:12: the body of a gate holds gates and barriers, found `reset`",
    );
    check("gate g { }", "2:8: expected the name of a qubit, found `{`");
    check(
        "gate g a { h a; ",
        "2:17: expected a gate, `barrier` or `}`, found the end of the program",
    );
    check("gate g a {} g q[0],q[1];", "2:13: `g` takes 1 qubit, found 2");
}

#[test]
fn conditions_are_on_registers() {
    check(
        "if(c[0]==1) x q[0];",
        "2:4: the condition of `if` is on a whole register, not on one bit (give the bit a register of its own)",
    );
    check("if(q==1) x q[0];", "2:4: expected a classical register, `q` is a quantum register");
    check("if(c=1) x q[0];", "2:5: expected `==`, found `=`");
    check("if(c==-1) x q[0];", "2:7: expected a whole number, found `-`");
    check("if(c==1) barrier q;", "2:10: expected a gate, `measure` or `reset`, found `barrier`");
    check("if(c==1) if(c==2) x q[0];", "2:10: expected a gate, `measure` or `reset`, found `if`");
    check(
        "if(c==18446744073709551616) x q[0];",
        "2:7: the number does not fit 4 bits: the condition never holds",
    );
    let digits = "9".repeat(5000);
    check(&format!("if(c=={digits}) x q[0];"), "2:7: a number of more than 4096 digits");
}

#[test]
fn punctuation_is_expected() {
    check("h q[0]\ncx q[0],q[1];", "2:7: expected `,` or `;`, found `cx`");
    check("h q[0] h", "2:8: expected `,` or `;`, found `h`");
    check("rx(1 2) q[0];", "2:6: expected an operator, `,` or `)`, found `2`");
    check("rx(1+) q[0];", "2:6: expected an expression, found `)`");
    check("rx(", "2:4: expected an expression, found the end of the program");
    check("measure q[0], c[0];", "2:13: expected `->`, found `,`");
    check("h q[];", "2:5: expected the number of a bit, found `]`");
    check(";", "2:1: expected a statement, found `;`");
    check("é q;", "2:1: expected a statement, found `é`");
    check("// é é\nh é;", "3:3: expected a register or a bit of one, found `é`");
    check("include qelib1.inc;", "2:9: expected a file name in double quotes, found `qelib1`");
    check("include \"qelib1.inc;\n\"", "2:9: expected a file name in double quotes, found `\"`");
}

#[test]
fn diagnostics_point_at_the_place() {
    let error = parse_str("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nhh q[0];\n", "bell.qasm");
    let expected = "\
error: unknown gate `hh`
 --> bell.qasm:3:1
  |
3 | hh q[0];
  | ^^
  = help: did you mean `h`?";
    assert_eq!(error.unwrap_err().to_string(), expected);
}

#[test]
fn diagnostics_count_characters_and_keep_long_lines_short() {
    let program = format!("OPENQASM 2.0; qreg größe[{}];", 2);
    let expected = "\
error: expected `[`, found `ö`
 --> t.qasm:1:22
  |
1 | OPENQASM 2.0; qreg größe[2];
  |                      ^";
    assert_eq!(parse_str(&program, "t.qasm").unwrap_err().to_string(), expected);

    let long = format!("OPENQASM 2.0;\n\n{}h\tq;{}", " ".repeat(5000), " ".repeat(5000));
    let error = parse_str(&long, "t.qasm").unwrap_err();
    let diagnostic = &error.diagnostics()[0];
    assert_eq!((diagnostic.line, diagnostic.column, diagnostic.width), (3, 5001, 1));
    assert_eq!(diagnostic.source_line, format!("{}h q;", " ".repeat(50)));
    assert_eq!(diagnostic.source_offset, 4950);
    let caret = format!("\n  | {}^\n", " ".repeat(50));
    assert!(error.to_string().contains(&caret), "{error}");
}

#[test]
fn callers_of_the_interface_get_the_place_and_the_help() {
    let error = parse_str("OPENQASM 2.0;\nqreg q[1];\nu q[0];", "t.qasm").unwrap_err();
    let error = ketch_interface::Error::from(error);
    assert_eq!(error.code(), "qasm.invalid");
    assert_eq!(error.to_string(), "t.qasm:3:1: unknown gate `u`");
    assert!(error.hint().unwrap().contains("qelib1.inc"));
}
