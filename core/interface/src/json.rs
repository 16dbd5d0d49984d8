//! A JSON value together with its place in the document, so that every complaint can say where.

use std::fmt;

use num_complex::Complex64;
use serde_json::{Map, Value};

use crate::Matrix;

/// Something in a JSON document that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: expected {expected}, found {found}")]
pub struct Mistyped {
    /// Where, such as `experiments[0].instructions[3].qubits[1]`.
    pub path: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A value and the way to it.
#[derive(Clone, Copy)]
pub(crate) struct Node<'v, 'p> {
    pub(crate) value: &'v Value,
    path: Path<'p>,
}

/// The way to a value: a chain of borrowed steps, so that nothing is allocated where all is well.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Path::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

type Read<T> = Result<T, Mistyped>;

impl<'v> Node<'v, 'static> {
    pub(crate) fn root(value: &'v Value) -> Self {
        Self { value, path: Path::Root }
    }
}

impl<'v, 'p> Node<'v, 'p> {
    /// Where it stands, as text.
    pub(crate) fn path(&self) -> String {
        match self.path {
            Path::Root => "the document".to_owned(),
            path => path.to_string(),
        }
    }

    /// A complaint about this value.
    pub(crate) fn expected(&self, expected: impl Into<String>) -> Mistyped {
        Mistyped { path: self.path(), expected: expected.into(), found: describe(self.value) }
    }

    /// A field that is there and not null. Of something that is not an object: none.
    pub(crate) fn get(&'p self, name: &'p str) -> Option<Node<'v, 'p>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Node { value, path: Path::Field(&self.path, name) })
    }

    /// The first of these fields that is there.
    pub(crate) fn get_any(&'p self, names: &[&'p str]) -> Option<Node<'v, 'p>> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A field that must be there.
    pub(crate) fn require(&'p self, name: &'p str) -> Read<Node<'v, 'p>> {
        self.get(name).ok_or_else(|| Mistyped {
            path: self.path(),
            expected: format!("an object with `{name}`"),
            found: format!("{} without it", describe(self.value)),
        })
    }

    pub(crate) fn object(&self) -> Read<&'v Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.expected("an object"))
    }

    pub(crate) fn text(&self) -> Read<&'v str> {
        self.value.as_str().ok_or_else(|| self.expected("a text"))
    }

    pub(crate) fn text_owned(&self) -> Read<String> {
        self.text().map(str::to_owned)
    }

    pub(crate) fn truth(&self) -> Read<bool> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    pub(crate) fn whole(&self) -> Read<u64> {
        self.value.as_u64().ok_or_else(|| self.expected("a whole number from 0"))
    }

    /// A whole number below `end`.
    pub(crate) fn below(&self, end: u32, what: &str) -> Read<u32> {
        let index = self.whole().ok().and_then(|index| u32::try_from(index).ok());
        index
            .filter(|&index| index < end)
            .ok_or_else(|| self.expected(format!("{what} below {end}")))
    }

    pub(crate) fn number(&self) -> Read<f64> {
        self.value.as_f64().ok_or_else(|| self.expected("a number"))
    }

    /// The items of a list.
    pub(crate) fn items(&'p self) -> Read<impl ExactSizeIterator<Item = Node<'v, 'p>>> {
        let items = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let path = &self.path;
        let item = move |(i, value)| Node { value, path: Path::Item(path, i) };
        Ok(items.iter().enumerate().map(item))
    }

    pub(crate) fn list<T>(&self, read: impl Fn(&Node<'v, '_>) -> Read<T>) -> Read<Vec<T>> {
        self.items()?.map(|item| read(&item)).collect()
    }

    /// A complex number: `[re, im]`, or a number.
    pub(crate) fn complex(&self) -> Read<Complex64> {
        let parts = || {
            let [re, im] = self.value.as_array()?.as_slice() else { return None };
            Some(Complex64::new(re.as_f64()?, im.as_f64()?))
        };
        let real = self.value.as_f64().map(Complex64::from);
        real.or_else(parts).ok_or_else(|| self.expected("a complex number such as [1.0, 0.0]"))
    }

    pub(crate) fn vector(&self) -> Read<Vec<Complex64>> {
        self.list(|node| node.complex())
    }

    /// A square matrix as a list of rows.
    pub(crate) fn matrix(&self) -> Read<Matrix> {
        let rows = self.items()?;
        let dim = rows.len();
        let mut entries = Vec::new();
        for row in rows {
            let row_entries = row.vector()?;
            if row_entries.len() != dim {
                return Err(row.expected(format!("a row of {dim} complex numbers")));
            }
            entries.extend(row_entries);
        }
        Matrix::new(dim, entries).ok_or_else(|| self.expected("a square matrix"))
    }
}

/// A value in a few words: a whole state vector in a message helps nobody.
fn describe(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(text) if text.chars().count() > 40 => {
            format!("\"{}…\"", text.chars().take(40).collect::<String>())
        }
        other => other.to_string(),
    }
}

/// `[re, im]`.
pub(crate) fn complex_json(value: &Complex64) -> Value {
    Value::from(vec![value.re, value.im])
}

pub(crate) fn vector_json(values: &[Complex64]) -> Value {
    values.iter().map(complex_json).collect()
}

/// Rows of `[re, im]`.
pub(crate) fn matrix_json(dim: usize, entries: &[Complex64]) -> Value {
    entries.chunks(dim.max(1)).map(vector_json).collect()
}
