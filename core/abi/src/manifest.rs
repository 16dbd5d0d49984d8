//! The manifest: what a plugin says of itself, readable without running it.
//!
//! `ketch_core::export_provider!` puts it as JSON into an ELF section of the library.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The number of this ABI.
pub const ABI: u32 = 1;

/// The section of the library that holds the manifest.
pub const MANIFEST_SECTION: &str = ".ketch.manifest";

/// The schema of the manifest.
pub const MANIFEST_SCHEMA: &str = "ketch.plugin/1";

/// No manifest is longer.
const MAX_LENGTH: usize = 64 << 10;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// The provider's id: the part before the slash in `local/qasm_simulator`.
    pub id: String,
    /// The plugin's version.
    pub version: String,
    /// The ABI it was built for.
    pub abi: u32,
    /// The machine it was built for, such as `x86_64-linux`.
    pub target: String,
    /// What it is, in a line.
    #[serde(default)]
    pub description: String,
    /// Its licence, as an SPDX expression.
    #[serde(default)]
    pub license: String,
    /// `static` if its backends always work and have no queue, so that their status need not be
    /// asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `safe` if running a job twice does no harm; anything else means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
    /// What it can do, by extension name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The configuration keys that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configuration: Vec<String>,
    /// The names of the secrets that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Files and directories, besides the library itself, that its list of backends is made from.
    /// A leading `$NAME` stands for the environment variable, which may hold several paths if nothing
    /// follows; what has no value is left out. While none of them changes, the list need not be asked
    /// for again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listing_reads: Vec<String>,
    /// Fields that this host does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ManifestError {
    #[error("the manifest is not readable")]
    Unreadable(#[from] serde_json::Error),
    #[error("the manifest has {found} bytes, at most {MAX_LENGTH} are read")]
    Length { found: usize },
    #[error("the manifest has schema `{found}`, expected `{MANIFEST_SCHEMA}`")]
    Schema { found: String },
    #[error(
        "the id `{id}` is not one: expected a letter, then lower-case letters, digits, - and _"
    )]
    Id { id: String },
}

impl Manifest {
    /// Reads the bytes of the section.
    ///
    /// # Errors
    /// If they are not a manifest of this schema, are longer than any manifest, or the id is not
    /// one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_LENGTH {
            return Err(ManifestError::Length { found: bytes.len() });
        }
        let document: Value = serde_json::from_slice(bytes)?;
        let schema = document.get("schema").and_then(Value::as_str).unwrap_or_default();
        if schema != MANIFEST_SCHEMA {
            return Err(ManifestError::Schema { found: schema.to_owned() });
        }
        let manifest: Self = serde_json::from_value(document)?;
        if !is_plain_id(&manifest.id) {
            return Err(ManifestError::Id { id: manifest.id });
        }
        Ok(manifest)
    }
}

/// A letter, then lower-case letters, digits, `-` and `_`; at most 64.
#[must_use]
pub const fn is_plain_id(id: &str) -> bool {
    let bytes = id.as_bytes();
    if bytes.is_empty() || bytes.len() > 64 || !bytes[0].is_ascii_lowercase() {
        return false;
    }
    let mut place = 0;
    while place < bytes.len() {
        let byte = bytes[place];
        let plain =
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if !plain {
            return false;
        }
        place += 1;
    }
    true
}

/// The text stands for itself between the quotes of a JSON string.
#[must_use]
pub const fn is_plain_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut place = 0;
    while place < bytes.len() {
        if bytes[place] < b' ' || bytes[place] == b'"' || bytes[place] == b'\\' {
            return false;
        }
        place += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match Manifest::from_bytes(text.as_bytes()) {
            Ok(manifest) => format!("{} {} {}", manifest.id, manifest.version, manifest.abi),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn manifests_are_read_or_refused() {
        let with_id = |id: &str| {
            format!(
                r#"{{"schema":"ketch.plugin/1","id":"{id}","version":"0.1.0","abi":1,"target":"t","later":1}}"#
            )
        };
        check(&with_id("my-lab_2"), "my-lab_2 0.1.0 1");
        for id in ["", "Local", "2lab", "a/b", "../x", "a b"] {
            let expected = format!(
                "the id `{id}` is not one: expected a letter, then lower-case letters, digits, - and _"
            );
            check(&with_id(id), &expected);
        }
        check(
            r#"{"schema":"ketch.plugin/9"}"#,
            "the manifest has schema `ketch.plugin/9`, expected `ketch.plugin/1`",
        );
        check("[]", "the manifest has schema ``, expected `ketch.plugin/1`");
        check("{", "the manifest is not readable");
        let mut long = with_id("lab");
        long.extend(std::iter::repeat_n(' ', 65_537 - long.len()));
        check(&long, "the manifest has 65537 bytes, at most 65536 are read");
        check(long.trim_end(), "lab 0.1.0 1");
    }

    #[test]
    fn plain_text_is_json_as_it_stands() {
        for text in ["", "Ein Rechner, für alle", "a\"b", "a\\b", "a\nb", "a\u{1}b"] {
            let read = serde_json::from_str::<String>(&format!("\"{text}\""));
            assert_eq!(is_plain_text(text), read.is_ok_and(|read| read == text), "{text:?}");
        }
    }
}
