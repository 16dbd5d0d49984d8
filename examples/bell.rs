//! A Bell pair: about half of the shots read 00, the others 11.
#![expect(clippy::print_stdout, reason = "the counts go to the terminal")]

use ketch::prelude::*;

fn main() -> ketch::Result<()> {
    let registry = Registry::discover(&SearchPath::standard());
    let backend = registry.get_backend("local/qasm_simulator")?;
    let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all();
    println!("{}", backend.run_circuit(bell, 1024)?.result(None)?.counts(0)?);
    Ok(())
}
