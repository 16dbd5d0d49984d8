//! The program `executor`: circuits and arrays of arguments, without any meaning beyond the samples
//! that come back. Clients that post-process for themselves send it.
//!
//! Its circuits run as pubs of the sampler do; what was sent to be passed through comes back
//! unchanged.

use ketch::Circuit;
use ketch_primitives::{
    NdArray, ParameterValues, PrimitiveResult, SamplerOptions, SamplerPub, SamplerPubResult,
    broadcast_shapes,
};
use serde_json::{Map, Value, json};

use super::{Unread, read};
use crate::{
    answer::Refusal,
    wire::{self, Budget, Wrong},
};

/// What is sent back with the samples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Passed {
    version: Value,
    data: Value,
    role: Value,
}

/// Reads the circuits and their arguments.
///
/// # Errors
/// What is wrong with them; items that are no circuits fail the job.
pub(super) fn read(params: &Value) -> Result<(Vec<SamplerPub>, SamplerOptions, Passed), Unread> {
    let wrong = |message: String| Refusal::new(400, "params.invalid", message);
    let program = &params["quantum_program"];
    let items = program["items"].as_array();
    let items = items.ok_or_else(|| wrong("quantum_program.items: expected a list".to_owned()))?;
    if let Some(kind) =
        items.iter().find_map(|item| item["item_type"].as_str().filter(|kind| *kind != "circuit"))
    {
        let message =
            format!("quantum_program has items of type `{kind}`; only `circuit` is run here");
        return Err(Unread::Fails(Refusal::new(400, "program.item", message).with_solution(
            "without twirling and mitigation the sampler sends circuits; EstimatorV2 of \
             qiskit_ibm_runtime does not need them",
        )));
    }
    if !matches!(program["meas_level"].as_str(), None | Some("classified")) {
        let message = "quantum_program.meas_level: only `classified` outcomes are given";
        return Err(Unread::Fails(Refusal::new(400, "option.unsupported", message)));
    }
    let shots = program["shots"].as_u64().filter(|&shots| shots > 0);
    let shots =
        shots.ok_or_else(|| wrong("quantum_program.shots: expected a number".to_owned()))?;
    let mut budget = Budget::new(read::INFLATED);
    let circuits = circuits(&program["circuits"], &mut budget)
        .map_err(|reason| wrong(format!("quantum_program.circuits: {reason}")))?;
    if circuits.len() != items.len() {
        let (found, expected) = (circuits.len(), items.len());
        return Err(wrong(format!("{found} circuits for {expected} items")).into());
    }
    let pubs = circuits.into_iter().zip(items).enumerate().map(|(index, (circuit, item))| {
        let parameter_values = arguments(&circuit, item, &mut budget)
            .map_err(|reason| wrong(format!("item {index}: {reason}")))?;
        Ok(SamplerPub { circuit, parameter_values, shots: Some(shots) })
    });
    let pubs = pubs.collect::<Result<_, Refusal>>()?;
    let passed = Passed {
        version: params.get("schema_version").cloned().unwrap_or_else(|| "v2.0".into()),
        data: program["passthrough_data"].clone(),
        role: program["semantic_role"].clone(),
    };
    Ok((pubs, SamplerOptions::default(), passed))
}

fn circuits(value: &Value, budget: &mut Budget) -> Result<Vec<Circuit>, Wrong> {
    if let Some(text) = value["b64_data"].as_str() {
        let programs = read::from_qpy(text, budget)?;
        return Ok(programs.into_iter().map(|program| program.circuit).collect());
    }
    let texts =
        value["data"].as_array().ok_or("expected QPY in b64_data, or OpenQASM 3 in data")?;
    let each = texts.iter().map(|text| read::from_qasm(text.as_str().ok_or("no text")?, budget));
    each.collect()
}

/// The arguments, in the item's shape. Nothing is repeated for that.
fn arguments(
    circuit: &Circuit,
    item: &Value,
    budget: &mut Budget,
) -> Result<ParameterValues, Wrong> {
    let (own, numbers) = tensor(&item["circuit_arguments"], budget)?;
    let [outer @ .., last] = own.as_slice() else {
        return Err("circuit_arguments: expected at least one axis".to_owned());
    };
    let names = read::in_qiskits_order(circuit);
    if names.len() != *last {
        let expected = names.len();
        return Err(format!("circuit_arguments: a last axis of {last}, expected {expected}"));
    }
    let mut shape = sizes(&item["shape"])?;
    let too_long = |error| format!("shape: {error}");
    if broadcast_shapes([outer, &shape]).map_err(too_long)? != shape {
        return Err(format!("shape {shape:?} does not extend that of the arguments, {outer:?}"));
    }
    let values = NdArray::new(own, numbers).map_err(|error| error.to_string())?;
    // No numbers for no parameters, at each place of the shape.
    shape.push(0);
    let places = NdArray::new(shape, Vec::new()).map_err(too_long)?;
    Ok(ParameterValues::named(names, values).and_named(Vec::new(), places))
}

fn sizes(value: &Value) -> Result<Vec<usize>, Wrong> {
    let list = value.as_array().ok_or("shape: expected a list")?;
    let each = list.iter().map(|size| {
        size.as_u64()
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(|| format!("shape: {size}"))
    });
    each.collect()
}

/// Numbers of eight bytes, the lowest first.
fn tensor(value: &Value, budget: &mut Budget) -> Result<(Vec<usize>, Vec<f64>), Wrong> {
    let text = value["data"].as_str().ok_or("circuit_arguments: expected a tensor")?;
    if value["dtype"] != "f64" {
        return Err(format!("circuit_arguments: numbers of type {}, expected f64", value["dtype"]));
    }
    let shape = sizes(&value["shape"])?;
    let bytes = budget.inflate(text)?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
    if !rest.is_empty() || count != Some(numbers.len()) {
        return Err(format!("circuit_arguments: {} bytes for shape {shape:?}", bytes.len()));
    }
    Ok((shape, numbers.iter().copied().map(f64::from_le_bytes).collect()))
}

/// The samples of each item, and what was to be passed through.
pub(super) fn written(result: &PrimitiveResult<SamplerPubResult>, passed: &Passed) -> Value {
    let data: Vec<Value> = result
        .pubs
        .iter()
        .map(|one| {
            let registers: Map<String, Value> = one
                .registers
                .iter()
                .map(|(name, samples)| {
                    let (shots, bits) = (samples.n_shots(), samples.n_bits() as usize);
                    let shape: Vec<usize> =
                        samples.shape().iter().copied().chain([shots, bits]).collect();
                    (name.clone(), truths(&shape, samples.bytes(), bits))
                })
                .collect();
            json!({ "results": registers, "metadata": {} })
        })
        .collect();
    json!({
        "schema_version": passed.version,
        "data": data,
        "metadata": { "chunk_timing": [] },
        "passthrough_data": passed.data,
        "semantic_role": passed.role,
    })
}

/// Truth values, eight to a byte and the first one lowest: the bits of each shot, bit 0 first, from
/// shots of whole bytes, the highest first.
fn truths(shape: &[usize], shots: &[u8], bits: usize) -> Value {
    let width = bits.div_ceil(8);
    let mut packed = vec![0_u8; (shots.len() / width.max(1) * bits).div_ceil(8)];
    let mut place = 0;
    for shot in shots.chunks_exact(width.max(1)) {
        for bit in 0..bits {
            let is_one = shot[width - 1 - bit / 8] >> (bit % 8) & 1;
            packed[place / 8] |= is_one << (place % 8);
            place += 1;
        }
    }
    json!({ "data": wire::deflated(&packed), "shape": shape, "dtype": "bool" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_packed_the_first_lowest() {
        // Two shots of ten bits: bit 0 and bit 9, then bit 1.
        let tensor = truths(&[2, 10], &[0b10, 0b1, 0b0, 0b10], 10);
        let packed = Budget::new(100).inflate(tensor["data"].as_str().unwrap()).unwrap();
        let bits: Vec<usize> =
            (0..20).filter(|bit| packed[bit / 8] >> (bit % 8) & 1 == 1).collect();
        assert_eq!(bits, [0, 9, 11]);
        assert_eq!(packed.len(), 3);
    }

    #[test]
    fn arguments_take_the_items_shape_and_nothing_else() {
        let circuit = Circuit::new(1, 1);
        let item = |own: &[usize], shape: Value| {
            json!({
                "circuit_arguments": { "data": wire::deflated(&[]), "shape": own, "dtype": "f64" },
                "shape": shape,
            })
        };
        let read = |item: &Value| arguments(&circuit, item, &mut Budget::new(1000));
        for shape in [vec![], vec![4_usize, 2]] {
            let values = read(&item(&[0], json!(shape))).unwrap();
            assert_eq!(values.shape().unwrap(), shape);
        }
        for wrong in [
            item(&[], json!([])),
            item(&[3, 0], json!([2])),
            item(&[0], json!([-1])),
            item(&[0], json!([u64::MAX, u64::MAX])),
            item(&[1], json!([])),
            item(&[0], json!([1 << 23, 4])),
            json!({}),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn arguments_stand_at_every_place_of_the_shape() {
        let circuit = Circuit::new(1, 1).ry("b", 0).rz("a", 0).measure(0, 0);
        let numbers: Vec<u8> =
            [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|n| n.to_le_bytes()).collect();
        let tensor =
            json!({ "data": wire::deflated(&numbers), "shape": [2, 1, 2], "dtype": "f64" });
        let item = json!({ "circuit_arguments": tensor, "shape": [2, 3] });
        let values = arguments(&circuit, &item, &mut Budget::new(1000)).unwrap();
        assert_eq!(values.shape().unwrap(), [2, 3]);
        let pubs = [SamplerPub::new(circuit).with_parameters(values)];
        let simulator = ketch::BackendConfiguration::simulator("s", "1.0.0", 5);
        let plan = ketch_primitives::sampler::plan(&pubs, &SamplerOptions::default(), &simulator);
        let bound: Vec<_> =
            plan.unwrap().experiments().iter().map(|one| one.bindings.clone()).collect();
        // By name: a, b.
        let (first, second) = (vec![2.0, 1.0], vec![4.0, 3.0]);
        let expected =
            [[first.clone(), first.clone(), first], [second.clone(), second.clone(), second]];
        assert_eq!(bound, expected.concat());
    }
}
