//! What a plugin answers to `run`, held against what it was asked for: counts that do not add up are
//! no counts.

use ketch_core::{
    BitString, Counts, Error, Result,
    circuit::Register,
    result::{ExperimentResult, Memory},
};
use serde_json::{Map, Value};

use super::malformed;

/// What one experiment asked for.
pub(super) struct Asked {
    pub(super) shots: u64,
    /// The number of clbits.
    pub(super) width: u32,
    pub(super) registers: Vec<Register>,
    /// Something writes clbits, so that there is something to count.
    pub(super) counts: bool,
    /// The outcome of every shot.
    pub(super) memory: bool,
}

impl Asked {
    /// Reads the reply into the result.
    ///
    /// # Errors
    /// If it says that the experiment failed, or is not what was asked for.
    pub(super) fn read(self, reply: &[u8], result: &mut ExperimentResult) -> Result<()> {
        let reply: Map<String, Value> =
            serde_json::from_slice(reply).map_err(|error| malformed(&format!("`run`: {error}")))?;
        if reply.get("success") != Some(&Value::Bool(true)) {
            let why = reply.get("status").and_then(Value::as_str);
            return Err(Error::other("experiment.failed", why.unwrap_or("it did not succeed")));
        }
        let data = reply.get("data").unwrap_or(&Value::Null);
        let counts = self.counts(&data["counts"])?;
        let memory = if self.memory { self.memory(&data["memory"])? } else { None };
        (result.counts, result.memory, result.registers) = (counts, memory, self.registers);
        Ok(())
    }

    fn counts(&self, found: &Value) -> Result<Option<Counts>> {
        let counted = match found {
            Value::Null if !self.counts => return Ok(None),
            Value::Object(counted) => counted,
            other => return Err(malformed(&format!("`data.counts` that is {}", kind(other)))),
        };
        let mut counts = Counts::new(self.registers.clone());
        let mut total = 0_u64;
        for (hex, count) in counted {
            let count = count.as_u64().ok_or_else(|| malformed(&format!("{count} counts")))?;
            let sum = total.checked_add(count).filter(|sum| *sum <= self.shots);
            let too_many =
                || malformed(&format!("more than {} counts of as many shots", self.shots));
            total = sum.ok_or_else(too_many)?;
            counts.add(self.outcome(hex)?, count);
        }
        match total == self.shots {
            true => Ok(Some(counts)),
            false => Err(malformed(&format!("{total} counts of {} shots", self.shots))),
        }
    }

    fn memory(&self, found: &Value) -> Result<Option<Memory>> {
        let shots = match found {
            Value::Null => return Ok(None),
            Value::Array(shots) => shots,
            other => return Err(malformed(&format!("`data.memory` that is {}", kind(other)))),
        };
        if shots.len() as u64 != self.shots {
            let found = shots.len();
            return Err(malformed(&format!("memory of {found} shots of {}", self.shots)));
        }
        let mut bytes = Vec::new();
        for shot in shots {
            let hex = shot.as_str().ok_or_else(|| malformed(&format!("the outcome {shot}")))?;
            let shot = self.outcome(hex)?;
            let words = shot.words().flat_map(u64::to_le_bytes);
            bytes.extend(words.take(Memory::stride_of(self.width)));
        }
        // There is none of outcomes of no bits.
        Ok(Memory::from_bytes(self.width, bytes.into()))
    }

    fn outcome(&self, hex: &str) -> Result<BitString> {
        BitString::from_hex(self.width, hex)
            .map_err(|error| malformed(&format!("the outcome `{hex}`: {error}")))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "missing",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        _ => "neither an object nor a list",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(data: &Value, counts: bool) -> Result<ExperimentResult> {
        let asked = Asked { shots: 3, width: 2, registers: Vec::new(), counts, memory: true };
        let reply = json!({ "success": true, "data": data }).to_string();
        let mut result = ExperimentResult::default();
        asked.read(reply.as_bytes(), &mut result).map(|()| result)
    }

    #[test]
    fn what_adds_up_is_taken() {
        let data = json!({"counts": {"0x1": 2, "0x3": 1}, "memory": ["0x1", "0x3", "0x1"]});
        let result = read(&data, true).unwrap();
        let counts = result.counts.unwrap();
        assert_eq!((counts.get("01"), counts.get("11"), counts.total()), (2, 1, 3));
        let memory: Vec<String> = result.memory.unwrap().iter().map(|o| o.to_string()).collect();
        assert_eq!(memory, ["01", "11", "01"]);
        // The same outcome in two spellings is one.
        let spelt = read(&json!({"counts": {"0x1": 2, "0x01": 1}}), true).unwrap();
        assert_eq!(spelt.counts.unwrap().get("01"), 3);
        // A circuit that measures nothing has nothing to count.
        assert_eq!(read(&json!({}), false).unwrap().counts, None);
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let all = json!({"0x0": 3});
        for (data, expected) in [
            (json!({}), "`data.counts` that is missing"),
            (Value::Null, "`data.counts` that is missing"),
            (json!({"counts": [3]}), "`data.counts` that is a list"),
            (json!({"counts": {}}), "0 counts of 3 shots"),
            (json!({"counts": {"0x0": 2}}), "2 counts of 3 shots"),
            (json!({"counts": {"0x0": 2, "0x1": 2}}), "more than 3 counts"),
            (json!({"counts": {"0x0": u64::MAX, "0x1": 4}}), "more than 3 counts"),
            (json!({"counts": {"0x0": 1, "0x1": u64::MAX}}), "more than 3 counts"),
            (json!({"counts": {"0x0": -1, "0x1": 4}}), "-1 counts"),
            (json!({"counts": {"0x0": 1.5, "0x1": 1.5}}), "1.5 counts"),
            (json!({"counts": {"0x4": 3}}), "the outcome `0x4`"),
            (json!({"counts": {"11": 3}}), "the outcome `11`"),
            (json!({"counts": all, "memory": {}}), "`data.memory` that is an object"),
            (json!({"counts": all, "memory": ["0x0"]}), "memory of 1 shots of 3"),
            (json!({"counts": all, "memory": ["0x0", 0, "0x0"]}), "the outcome 0"),
            (json!({"counts": all, "memory": ["0x0", "", "0x0"]}), "the outcome ``"),
        ] {
            let error = read(&data, true).unwrap_err();
            assert_eq!(error.code(), "plugin.malformed_answer", "{data}");
            assert!(error.to_string().contains(expected), "{data}: {error}");
        }
        // Where nothing is measured counts may be missing, but not wrong.
        assert!(read(&json!({"counts": {"0x0": 2}}), false).is_err());
    }
}
