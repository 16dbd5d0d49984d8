//! The user's own devices, from calibration files.

use std::fs;

use crate::sandbox::{Sandbox, example, repository};

/// Puts IBM's `ibmqx2` of 2018 among the user's devices as `mine`, its properties changed.
fn with_device(sandbox: &Sandbox, change: impl FnOnce(String) -> String) {
    let devices = sandbox.path("data/ketch/devices");
    fs::create_dir_all(&devices).unwrap();
    let shipped = |kind: &str| {
        let file = repository(&format!("providers/noisy/devices/{kind}_ibmqx2.json"));
        fs::read_to_string(file).unwrap().replace("\"ibmqx2\"", "\"mine\"")
    };
    fs::write(devices.join("conf_mine.json"), shipped("conf")).unwrap();
    fs::write(devices.join("props_mine.json"), change(shipped("props"))).unwrap();
}

#[test]
fn a_calibration_of_the_users_own_becomes_a_backend() {
    let sandbox = Sandbox::new();
    with_device(&sandbox, |props| props);
    assert!(sandbox.ketch(&["backends"]).ok().contains("noisy/mine"));
    let run = ["run", &example("bell.qasm"), "-b", "noisy/mine", "--seed", "3", "--json"];
    let counts = &sandbox.ketch(&run).json()["experiments"][0]["counts"];
    let shots = |outcome: &str| counts[outcome].as_u64().unwrap_or(0);
    // Mostly a Bell pair, and not only: the device makes errors.
    assert!(shots("00") + shots("11") > 700, "{counts}");
    assert!(shots("01") + shots("10") > 0, "{counts}");
}

#[test]
fn a_bad_calibration_is_one_clear_error_and_the_others_work() {
    for (wrong, right, key) in [("\"parsec\"", "\"µs\"", "T1"), ("\"t_one\"", "\"T1\"", "T1")] {
        let sandbox = Sandbox::new();
        with_device(&sandbox, |props| props.replacen(right, wrong, 1));
        let said = sandbox.ketch(&["run", &example("bell.qasm"), "-b", "noisy/mine"]).fails(9);
        assert!(said.contains("props_mine.json") && said.contains(key), "{said}");
        let listed = sandbox.ketch(&["backends"]).ok();
        assert!(listed.contains("noisy/ibmqx2") && !listed.contains("noisy/mine"), "{listed}");
    }
}
