//! Choosing backends: by key and value over configuration and status, and by closures.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::{Backend, Error, Result};

/// Conditions that a backend must meet, all of them.
///
/// A key is a field of the configuration (`n_qubits`, `simulator`, `backend_name`, …) or of the
/// status (`operational`, `pending_jobs`, …) as in their JSON form. The status is asked for only
/// if a key needs it.
///
/// ```
/// use ketch_interface::Filter;
/// let filter = Filter::new().with("simulator", true).at_least("n_qubits", 5);
/// let parsed: Filter = "n_qubits>=5".parse().unwrap();
/// # let _ = (filter, parsed);
/// ```
#[derive(Clone, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
    closures: Vec<Predicate>,
}

type Predicate = Arc<dyn Fn(&dyn Backend) -> bool + Send + Sync>;

/// One condition by key.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    key: String,
    relation: Relation,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Equal,
    AtLeast,
    AtMost,
}

impl Filter {
    /// Every backend passes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The field `key` equals `value`.
    #[must_use]
    pub fn with(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.and(key, Relation::Equal, value)
    }

    /// The number in the field `key` is `value` or more. Qubits without limit are more than any.
    #[must_use]
    pub fn at_least(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.and(key, Relation::AtLeast, value)
    }

    /// The number in the field `key` is `value` or less.
    #[must_use]
    pub fn at_most(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.and(key, Relation::AtMost, value)
    }

    /// The closure says yes.
    #[must_use]
    pub fn satisfying(
        mut self,
        test: impl Fn(&dyn Backend) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.closures.push(Arc::new(test));
        self
    }

    /// Both this filter's and the other's conditions.
    #[must_use]
    pub fn and_all_of(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self.closures.extend(other.closures);
        self
    }

    fn and(mut self, key: impl Into<String>, relation: Relation, value: impl Into<Value>) -> Self {
        self.conditions.push(Condition { key: key.into(), relation, value: value.into() });
        self
    }

    /// The backends that pass, in their order. Blocks as long as their `configuration` and, if a
    /// key needs it, `status` do.
    ///
    /// # Errors
    /// If a configuration or a needed status cannot be had. A key that is neither's is none: only
    /// some backends may have it, and those without it do not pass.
    pub fn apply(
        &self,
        backends: impl IntoIterator<Item = Arc<dyn Backend>>,
    ) -> Result<Vec<Arc<dyn Backend>>> {
        let mut passed = Vec::new();
        for backend in backends {
            if self.matches(&*backend)? {
                passed.push(backend);
            }
        }
        Ok(passed)
    }

    /// Whether one backend passes.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn matches(&self, backend: &dyn Backend) -> Result<bool> {
        if !self.conditions.is_empty() && !self.fields_match(backend)? {
            return Ok(false);
        }
        Ok(self.closures.iter().all(|test| test(backend)))
    }

    fn fields_match(&self, backend: &dyn Backend) -> Result<bool> {
        let configuration = to_json(&*backend.configuration()?)?;
        let mut status = None;
        for condition in &self.conditions {
            let found = match configuration.get(&condition.key) {
                Some(found) => Some(found),
                None => {
                    if status.is_none() {
                        status = Some(to_json(&backend.status()?)?);
                    }
                    status.as_ref().and_then(|status| status.get(&condition.key))
                }
            };
            if !found.is_some_and(|found| condition.holds(found)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Condition {
    fn holds(&self, found: &Value) -> bool {
        let unlimited = self.key == "n_qubits" && found.as_i64() == Some(-1);
        let (Some(found_number), Some(value)) = (found.as_f64(), self.value.as_f64()) else {
            return self.relation == Relation::Equal && *found == self.value;
        };
        match self.relation {
            Relation::Equal => found_number == value,
            Relation::AtLeast => unlimited || found_number >= value,
            Relation::AtMost => !unlimited && found_number <= value,
        }
    }
}

impl std::str::FromStr for Filter {
    type Err = Error;

    /// Reads `key=value`, `key>=value` or `key<=value`; the value is JSON, or else text.
    fn from_str(text: &str) -> Result<Self> {
        let relations =
            [(">=", Relation::AtLeast), ("<=", Relation::AtMost), ("=", Relation::Equal)];
        let found = relations.into_iter().find_map(|(sign, relation)| {
            let (key, value) = text.split_once(sign)?;
            Some((key.trim(), relation, value.trim()))
        });
        match found {
            Some((key, relation, value)) if !key.is_empty() && !value.is_empty() => {
                let value = serde_json::from_str(value)
                    .or_else(|_| serde_json::from_str(&value.to_lowercase()))
                    .unwrap_or_else(|_| Value::from(value));
                Ok(Self::new().and(key, relation, value))
            }
            _ => Err(Error::InvalidOption {
                name: text.to_owned(),
                reason: "expected key=value, key>=value or key<=value".to_owned(),
                nearest: None,
            }),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("conditions", &self.conditions)
            .field("closures", &self.closures.len())
            .finish()
    }
}

fn to_json<T: serde::Serialize>(document: &T) -> Result<Value> {
    serde_json::to_value(document)
        .map_err(|error| Error::caused("document.unwritable", "cannot write a document", error))
}
