//! What programs mean.

use ketch_qasm::parse_str;

use crate::listing::listing;

/// Parses statements behind the version line, `qelib1.inc` and `qreg q[4]; creg c[4];`.
fn check(statements: &str, expected: &[&str]) {
    let head = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[4]; creg c[4];";
    check_whole(&format!("{head}\n{statements}"), expected);
}

fn check_whole(program: &str, expected: &[&str]) {
    let circuit = parse_str(program, "test.qasm").unwrap_or_else(|error| panic!("{error}"));
    circuit.validate().unwrap();
    assert_eq!(listing(&circuit), expected.join("\n"), "{program}");
}

#[test]
fn gates_name_bits() {
    check("h q[0]; cx q[0],q[3];", &["h q0", "cx q0 q3"]);
    check("u3(0.5,-1,2e-1) q[1];", &["u3(0.5,-1,0.2) q1"]);
    check("U(0,0,1) q[0]; CX q[1], q[2];", &["u(0,0,1) q0", "cx q1 q2"]);
    check("h() q[0];", &["h q0"]);
    check("qreg r[1]; c4x q[0],q[1],q[2],q[3],r[0];", &["c4x q0 q1 q2 q3 q4"]);
}

#[test]
fn registers_follow_each_other() {
    let circuit =
        parse_str("OPENQASM 2.0; qreg a[2]; creg x[3]; qreg b[1]; creg y[1];", "t").unwrap();
    let show = |registers: &[ketch_interface::circuit::Register]| {
        let texts: Vec<String> =
            registers.iter().map(|r| format!("{}:{}+{}", r.name, r.start, r.size)).collect();
        texts.join(" ")
    };
    assert_eq!(show(circuit.qregs()), "a:0+2 b:2+1");
    assert_eq!(show(circuit.cregs()), "x:0+3 y:3+1");
}

#[test]
fn gates_spread_over_registers() {
    check("h q;", &["h q0", "h q1", "h q2", "h q3"]);
    check("qreg r[4]; cx q,r;", &["cx q0 q4", "cx q1 q5", "cx q2 q6", "cx q3 q7"]);
    check("qreg r[2]; cx q[3],r;", &["cx q3 q4", "cx q3 q5"]);
    check("qreg r[2]; cx r,q[3];", &["cx q4 q3", "cx q5 q3"]);
    check("qreg r[2]; qreg w[2]; ccx r,q[0],w;", &["ccx q4 q0 q6", "ccx q5 q0 q7"]);
    check("qreg r[1]; cx r,q[0];", &["cx q4 q0"]);
    check(
        "gate g(a) x,y { rx(a) x; cx x,y; } qreg r[2]; g(1) r,q[0];",
        &["rx(1) q4", "cx q4 q0", "rx(1) q5", "cx q5 q0"],
    );
}

#[test]
fn measure_reset_and_barrier_take_registers_at_once() {
    check("measure q[2] -> c[1];", &["measure q2 c1"]);
    check("measure q->c;", &["measure q0 q1 q2 q3 c0 c1 c2 c3"]);
    check("reset q[1]; reset q;", &["reset q1", "reset q0 q1 q2 q3"]);
    check("barrier q;", &["barrier q0 q1 q2 q3"]);
    check("qreg r[2]; barrier q[3],r,q[0];", &["barrier q3 q4 q5 q0"]);
}

#[test]
fn conditions_hold_one_statement() {
    let holds =
        |value: &str| format!("if Clbits {{ start: 0, size: 4 }} == Literal(Uint({value}))");
    check("if(c==3) x q[0]; h q[0];", &[&holds("\"0011\""), "  x q0", "h q0"]);
    check("if ( c == 1 ) h q;", &[&holds("\"0001\""), "  h q0", "  h q1", "  h q2", "  h q3"]);
    check("if(c==0) measure q[0] -> c[0];", &[&holds("\"0000\""), "  measure q0 c0"]);
    check("if(c==0) reset q[0];", &[&holds("\"0000\""), "  reset q0"]);
    check("if(c==16) x q[0];", &[&holds("\"10000\""), "  x q0"]);
    check("gate g a { x a; y a; } if(c==7) g q[0];", &[&holds("\"0111\""), "  x q0", "  y q0"]);
}

#[test]
fn conditions_compare_registers_of_any_width() {
    let wide = "creg w[70]; if(w==1180591620717411303423) x q[0];";
    let ones = "1".repeat(70);
    let condition = format!("if Clbits {{ start: 4, size: 70 }} == Literal(Uint(\"{ones}\"))");
    check(wide, &[&condition, "  x q0"]);
}

#[test]
fn expressions_are_computed() {
    for (text, expected) in [
        ("pi", "3.141592653589793"),
        ("-pi/2", "-1.5707963267948966"),
        ("1+2*3", "7"),
        ("(1+2)*3", "9"),
        ("7-2-1", "4"),
        ("8/2/2", "2"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("2^-1", "0.5"),
        ("2*-3", "-6"),
        ("+1", "1"),
        ("--1", "1"),
        ("1-2^2*3", "-11"),
        ("sin(0)+cos(0)", "1"),
        ("tan(0)", "0"),
        ("exp(0)", "1"),
        ("ln(exp(1))", "1"),
        ("sqrt(16)", "4"),
        ("asin(0)+acos(1)+atan(0)", "0"),
        ("3.", "3"),
        (".5", "0.5"),
        ("1.5e1", "15"),
        ("25E-1", "2.5"),
        ("9007199254740993", "9007199254740992"),
        ("( ( 1 ) )", "1"),
    ] {
        check(&format!("rz({text}) q[0];"), &[&format!("rz({expected}) q0")]);
        // The same inside a body, where code is written and run.
        let body = format!("gate g(a) x {{ rz(a*0+({text})) x; }} g(1) q[0];");
        check(&body, &[&format!("rz({expected}) q0")]);
    }
}

#[test]
fn bodies_are_inlined() {
    check(
        "gate g(a,b) x,y { rx(a/b) x; barrier x,y; cx y,x; U(a,b,a+b) y; }
         gate f(t) x,y,z { g(t,2) z,x; h y; g(2*t,-t) y,z; }
         f(1) q[3],q[1],q[0];",
        &[
            "rx(0.5) q0",
            "barrier q0 q3",
            "cx q3 q0",
            "u(1,2,3) q3",
            "h q1",
            "rx(-2) q1",
            "barrier q1 q0",
            "cx q0 q1",
            "u(2,-1,1) q0",
        ],
    );
    check("gate nothing a {} nothing q[0]; x q[0];", &["x q0"]);
    check("gate g() a { h a; } g q[1]; g() q[2];", &["h q1", "h q2"]);
    // Names of a body hide those outside.
    check("gate g(q) c { rx(q) c; } g(2) q[1];", &["rx(2) q1"]);
    check("gate g(sin) a { rx(sin + sin(0)) a; } g(2) q[1];", &["rx(2) q1"]);
}

#[test]
fn a_program_may_define_what_it_did_not_include() {
    check_whole("OPENQASM 2.0; gate h a { U(0,0,1) a; } qreg q[1]; h q[0];", &["u(0,0,1) q0"]);
    // Neither is in the file that the specification prints.
    check("gate iswap a,b { cx a,b; } iswap q[0],q[1];", &["cx q0 q1"]);
    check("gate swap a,b { cx b,a; } swap q[0],q[1];", &["cx q1 q0"]);
    check("qreg r[1]; qreg p[1]; h r[0]; h p;", &["h q4", "h q5"]);
    check("iswap q[0],q[1];", &["iswap q0 q1"]);
    check("include \"qelib1.inc\"; h q[0];", &["h q0"]);
}

#[test]
fn opaque_gates_are_known_by_name() {
    check("opaque magic(a) x,y; magic(0.5) q[1],q[0];", &["magic(0.5) q1 q0"]);
    check("opaque wait x; gate g a { wait a; } g q[1];", &["wait q1"]);
    check("opaque o a; o q;", &["o q0", "o q1", "o q2", "o q3"]);
}

#[test]
fn layout_does_not_matter() {
    check_whole(
        "\u{feff}// first\r\nOPENQASM\t2.0 ;\r\n//\r\nqreg q [ 2 ] ; // größer\r\nCX q [ 0 ] ,q[1]\n;//",
        &["cx q0 q1"],
    );
    check_whole("OPENQASM 2; qreg q[1];", &[]);
    check_whole("OPENQASM 2.0;", &[]);
}

#[test]
fn all_gates_of_the_library_are_known() {
    use ketch_interface::circuit::{Controls, Library, SPELLINGS};
    for spelling in SPELLINGS {
        let Controls::Exactly(controls) = spelling.controls else { continue };
        let info = spelling.gate.info();
        let n = u32::from(controls) + info.n_qubits;
        let params = vec!["0.5"; info.n_params as usize].join(",");
        let qubits: Vec<String> = (0..n).map(|i| format!("q[{i}]")).collect();
        let call = format!("{}({params}) {};", spelling.name, qubits.join(","));
        let program = format!("OPENQASM 2.0; include \"qelib1.inc\"; qreg q[9]; {call}");
        let known = spelling.library != Library::Qobj;
        let circuit = parse_str(&program, "t");
        assert_eq!(circuit.is_ok(), known, "{call}");
        if let Ok(circuit) = circuit {
            let op = ketch_interface::circuit::GateOp::new(spelling.gate, controls);
            assert_eq!(*circuit.instruction(0).op, ketch_interface::circuit::Op::Gate(op));
        }
    }
}
