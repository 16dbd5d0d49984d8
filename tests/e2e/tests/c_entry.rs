//! Plugins through the plain C entry: the example, and what is wrong with others, built by the
//! system's compiler.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

use ketch::{Circuit, Isolation, Provider, Qobj, Registry, RunOptions, SearchPath, qobj::Program};
use ketch_conformance::assert_conformant;

use crate::sandbox::{Sandbox, finish, repository, whole_machine};

/// Builds a library of a file of C, with warnings denied.
fn build(source: &Path, to: &Path, defines: &[&str]) {
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-std=c11", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]);
    compiler.arg("-I").arg(repository("core/abi/include")).args(defines);
    finish(compiler.arg("-o").arg(to).arg(source)).ok();
}

fn example(sandbox: &Sandbox) -> PathBuf {
    let library = sandbox.path("work/libketch_provider_c-bits.so");
    build(&repository("examples/provider-c/bits.c"), &library, &[]);
    library
}

#[test]
fn a_plugin_in_c_is_used_like_any_other() {
    let sandbox = Sandbox::without_plugins();
    let library = example(&sandbox);
    let installed = sandbox.ketch(&["provider", "install", library.to_str().unwrap()]).ok();
    assert_eq!(installed, "c-bits/bits\n");
    let listed = sandbox.ketch(&["backends"]).ok();
    assert!(listed.contains("c-bits/bits"), "{listed}");
    let head = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[4];\ncreg c[4];\n";
    let body = "x q[0];\ncx q[0],q[1];\nccx q[0],q[1],q[3];\nswap q[1],q[2];\nmeasure q -> c;\n";
    sandbox.write("classical.qasm", format!("{head}{body}"));
    for isolation in ["always", "never"] {
        let arguments =
            ["run", "classical.qasm", "-b", "bits", "--isolation", isolation, "--json", "-s", "3"];
        let document = sandbox.ketch(&arguments).json();
        assert_eq!(document["experiments"][0]["counts"], serde_json::json!({"1101": 3}));
    }
    sandbox.write("hadamard.qasm", format!("{head}h q[0];\nmeasure q -> c;\n"));
    let said = sandbox.ketch(&["run", "hadamard.qasm", "-b", "bits"]).fails(9);
    assert!(said.contains("does not know the instruction `h`"), "{said}");
}

#[test]
fn a_plugin_in_c_keeps_the_contract() {
    let sandbox = Sandbox::without_plugins();
    let library = example(&sandbox);
    let path = library.to_str().unwrap();
    let _machine = whole_machine();
    for isolation in [Isolation::Never, Isolation::Always] {
        let registry = Registry::discover(&SearchPath::only([library.clone()]));
        let registry = registry.with_isolation(isolation);
        assert_conformant(&*registry.provider("c-bits").unwrap());
    }
    let report = sandbox.ketch(&["provider", "check", path, "--only", "honesty", "--json"]).json();
    assert_eq!((&report["provider"], &report["failed"]), (&"c-bits".into(), &0.into()));
}

/// What a plugin does wrong, by a macro, and a part of what is said of it.
const BROKEN: &[(&str, &str)] = &[
    ("-DVERSION=9", "the C entry is of version 9"),
    ("-DSIZE=8", "of 8 bytes, this host knows 1"),
    ("-DCALL=NULL", "`create`, `call` or `free_bytes` is null"),
    ("-DREFUSES", "the licence server is away"),
    ("-DLISTS=\"no json\"", "the plugin answered `backends`"),
    ("-DLISTS=\"[7]\"", "the plugin answered `backends`"),
    ("-DCODE=77", "the code 77, which is none"),
    ("-DCODE=KETCH_UNKNOWN_METHOD", "does not support the method `backends`"),
    ("-DCODE=KETCH_FAILED", "the plugin does not say why"),
    ("-DABORTS", "signal"),
];

#[test]
fn what_is_wrong_with_a_plugin_in_c_is_told() {
    let sandbox = Sandbox::without_plugins();
    sandbox.write("broken.c", BROKEN_SOURCE);
    for (define, expected) in BROKEN {
        let library = sandbox.path("work/broken.so");
        build(&sandbox.path("work/broken.c"), &library, &[define]);
        let run = sandbox.ketch(&["provider", "install", library.to_str().unwrap()]);
        assert_ne!(run.exit, Some(0), "{define}: {run:?}");
        assert!(run.stderr.contains(expected), "{define}: {}", run.stderr);
    }
    let library = sandbox.path("work/broken.so");
    build(&sandbox.path("work/broken.c"), &library, &[]);
    let installed = sandbox.ketch(&["provider", "install", library.to_str().unwrap()]);
    assert_eq!(installed.exit, Some(0), "without a fault it is none: {installed:?}");
}

/// A circuit that measures, for the backend `slow` of the plugin that can be broken.
fn measured() -> Circuit {
    Circuit::new(1, 1).named("measured").measure(0, 0)
}

/// The plugin with these macros, in this process.
fn broken(sandbox: &Sandbox, defines: &[&str]) -> Arc<dyn Provider> {
    sandbox.write("broken.c", BROKEN_SOURCE);
    let library = sandbox.path("work/broken.so");
    build(&sandbox.path("work/broken.c"), &library, defines);
    let registry = Registry::discover(&SearchPath::only([library]));
    registry.with_isolation(Isolation::Never).provider("broken").unwrap()
}

const SLOW: &str = "-DLISTS=[\"slow\"]";

#[test]
fn counts_and_memory_of_a_plugin_in_c_are_those_of_the_shots() {
    for (answers, expected) in [
        ("-DANSWERS={\"counts\":{\"0x0\":18446744073709551615,\"0x1\":9}}", "more than 3 counts"),
        ("-DANSWERS={\"counts\":{\"0x0\":2}}", "2 counts of 3 shots"),
        ("-DANSWERS={}", "`data.counts` that is missing"),
        ("-DANSWERS={\"counts\":{\"0x0\":3},\"memory\":[7]}", "memory of 1 shots of 3"),
        ("-UANSWERS", ""),
    ] {
        let sandbox = Sandbox::without_plugins();
        let backend = broken(&sandbox, &[SLOW, answers]).get_backend("slow").unwrap();
        let qobj = Qobj::from_circuit(measured()).with_shots(3).with_memory();
        let job = backend.run(qobj, RunOptions::default()).unwrap();
        let result = job.result(None).unwrap();
        let (done, said) = (result.success, &result.experiments[0].status);
        assert_eq!(done, expected.is_empty(), "{answers}: {said}");
        assert!(said.contains(expected), "{answers}: {said}");
    }
}

/// The plugin spoils what it gets back, and dies if that comes twice or does not come.
#[test]
fn bytes_of_a_plugin_in_c_are_read_before_they_are_given_back_once() {
    let sandbox = Sandbox::without_plugins();
    sandbox.write("broken.c", BROKEN_SOURCE);
    let library = sandbox.path("work/broken.so");
    build(&sandbox.path("work/broken.c"), &library, &[SLOW, "-DSPOILS"]);
    let registry = Registry::discover(&SearchPath::only([library]));
    let provider = registry.with_isolation(Isolation::Always).provider("broken").unwrap();
    for _ in 0..40 {
        let backend = provider.get_backend("slow").unwrap();
        assert_eq!(backend.configuration().unwrap().max_shots, Some(3));
        let qobj = Qobj::from_circuit(measured()).with_shots(3);
        let result = backend.run(qobj, RunOptions::default()).unwrap().result(None).unwrap();
        assert_eq!(result.counts(0).unwrap().get("0"), 3);
    }
}

/// What a library prints when the process ends costs no check its answer.
#[test]
fn a_plugin_may_say_good_bye() {
    let sandbox = Sandbox::without_plugins();
    sandbox.write("broken.c", BROKEN_SOURCE);
    let library = sandbox.path("work/broken.so");
    build(&sandbox.path("work/broken.c"), &library, &[SLOW, "-DSAYS_BYE"]);
    let path = library.to_str().unwrap();
    let arguments = ["provider", "check", path, "--only", "plain name", "--isolation", "never"];
    let said = sandbox.ketch(&arguments).ok();
    assert!(said.contains("\nconformant: "), "{said}");
}

#[test]
fn the_handles_of_a_backend_in_c_share_its_jobs() {
    let sandbox = Sandbox::without_plugins();
    let provider = broken(&sandbox, &[SLOW, "-DMILLISECONDS=300"]);
    let backend = provider.get_backend("slow").unwrap();
    let qobj = Qobj::from_circuit(measured()).with_shots(3);
    let job = backend.run(qobj, RunOptions::default()).unwrap();
    let other = provider.get_backend("slow").unwrap();
    assert_eq!(other.status().unwrap().pending_jobs, 1);
    let found = other.retrieve_job(&job.job_id()).unwrap();
    assert_eq!(found.result(None).unwrap(), job.result(None).unwrap());
}

#[test]
fn a_plugin_in_c_is_not_asked_for_pulses() {
    let sandbox = Sandbox::without_plugins();
    let backend = broken(&sandbox, &[SLOW]).get_backend("slow").unwrap();
    assert!(backend.configuration().unwrap().open_pulse);
    let mut qobj = Qobj::from_circuit(measured());
    qobj.program = Program::Pulse(Default::default());
    let refused = backend.run(qobj, RunOptions::default()).err().expect("no job");
    assert_eq!(refused.code(), "not_supported");
}

/// Experiments that nobody ran because the time was over are not left out in silence.
#[test]
fn a_deadline_between_experiments_leaves_no_half_of_a_result() {
    let sandbox = Sandbox::without_plugins();
    let provider = broken(&sandbox, &[SLOW, "-DMILLISECONDS=50"]);
    let backend = provider.get_backend("slow").unwrap();
    let qobj = Qobj::from_circuits(vec![measured(); 100]).with_shots(3);
    let deadline = Some(SystemTime::now() + Duration::from_millis(120));
    let job = backend.run(qobj, RunOptions { deadline, ..RunOptions::default() }).unwrap();
    let said = job.result(None).unwrap_err().to_string();
    assert!(said.contains("deadline"), "{said}");
}

const BROKEN_SOURCE: &str = r#"
#include "ketch_plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef VERSION
#define VERSION KETCH_C_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(ketch_plugin)
#endif
#ifndef CALL
#define CALL call
#endif
#ifndef CODE
#define CODE KETCH_OK
#endif
#ifndef LISTS
#define LISTS []
#endif
#ifndef ANSWERS
#define ANSWERS {"counts": {"0x0": 3}}
#endif
#ifndef MILLISECONDS
#define MILLISECONDS 0
#endif
#define TEXT(...) #__VA_ARGS__
#define AS_TEXT(...) TEXT(__VA_ARGS__)

KETCH_MANIFEST("{\"schema\":\"ketch.plugin/1\",\"id\":\"broken\",\"version\":\"0.1.0\",\"abi\":1,"
               "\"target\":\"x86_64-linux\"}");

static int created = 0;

__attribute__((unused)) static void say_bye(void) { puts("[7]\nbye"); }

static int32_t create(void **provider, ketch_bytes *reply) {
    *provider = NULL;
#ifdef SAYS_BYE
    atexit(say_bye);
#endif
#ifdef REFUSES
    static char why[] = "{\"code\":\"licence.missing\",\"message\":\"the licence server is away\"}";
    reply->data = (uint8_t *)why;
    reply->length = strlen(why);
    return KETCH_FAILED;
#endif
    (void)reply;
    created = 1;
    return KETCH_OK;
}

static void destroy(void *provider) {
    (void)provider;
    if (!created) {
        abort();
    }
}

#ifdef SPOILS
static _Atomic int outstanding = 0;

/* A copy of its own, with a 0 behind it until it comes back. Too many that did not are fatal. */
static char *spoilt_when_back(const char *text) {
    if (++outstanding > 16) {
        abort();
    }
    return strcpy(malloc(strlen(text) + 1), text);
}
#define GIVEN spoilt_when_back
#else
#define GIVEN
#endif

__attribute__((unused)) static int32_t call(void *provider, const ketch_call *call,
                                            const char *method, const char *backend,
                                            ketch_slice request, ketch_bytes *reply) {
    (void)provider, (void)call, (void)method, (void)backend, (void)request;
#ifdef ABORTS
    abort();
#endif
    if (strcmp(method, "status") == 0 || strcmp(method, "properties") == 0) {
        return KETCH_UNKNOWN_METHOD;
    }
    if (CODE == KETCH_OK) {
        static char list[] = AS_TEXT(LISTS);
        static char configuration[] =
            "{\"backend_name\":\"slow\",\"backend_version\":\"0.1.0\",\"n_qubits\":2,"
            "\"basis_gates\":[\"x\"],\"gates\":[],\"local\":true,\"simulator\":true,"
            "\"conditional\":false,\"open_pulse\":true,\"memory\":true,\"max_shots\":3}";
        static char answer[] = "{\"success\":true,\"data\":" AS_TEXT(ANSWERS) "}";
        int runs = strcmp(method, "run") == 0;
        char *text = runs ? answer : strcmp(method, "configuration") == 0 ? configuration : list;
        clock_t start = clock();
        while (runs && clock() - start < MILLISECONDS * (CLOCKS_PER_SEC / 1000)) {
        }
        reply->length = strlen(text);
        reply->data = (uint8_t *)GIVEN(text);
    }
    return CODE;
}

static void free_bytes(void *provider, ketch_bytes bytes) {
    (void)provider, (void)bytes;
#ifdef SPOILS
    outstanding--;
    if (bytes.data[bytes.length] != 0) {
        abort();
    }
    memset(bytes.data, '#', bytes.length + 1);
#endif
}

KETCH_EXPORT const ketch_plugin ketch_plugin_c_v1 = {SIZE, VERSION, create, CALL, free_bytes,
                                                     destroy};
"#;
