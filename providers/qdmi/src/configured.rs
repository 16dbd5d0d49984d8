//! Which devices there are: manifests, as other users of QDMI read them, and bare libraries.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
};

use ketch_core::{Error, Result};
use serde::Deserialize;

use crate::{abi::SESSION_PARAMETERS, library::prefix_of};

/// The environment variable that names libraries, manifests and directories of manifests, with
/// colons between.
pub const DEVICES: &str = "KETCH_QDMI_DEVICES";

/// What the name of a manifest ends with.
const MANIFEST: &str = ".qdmi.json";

/// The largest manifest: some hundred bytes a device.
const MAX_BYTES: u64 = 1 << 20;

/// A device that the user named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Configured {
    /// The backend's name.
    pub(crate) id: String,
    pub(crate) library: PathBuf,
    /// What the names of its functions begin with; `None`: what the library exports.
    pub(crate) prefix: Option<String>,
    /// Parameters of the session, by the words of [`SESSION_PARAMETERS`].
    pub(crate) parameters: Vec<(String, String)>,
    /// Whether it is a simulator, if the manifest says.
    pub(crate) simulator: Option<bool>,
}

/// The devices in the order in which they are found, and by name what cannot be one.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) devices: Vec<Configured>,
    pub(crate) refused: Vec<(String, Error)>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "schema-version")]
    schema_version: u64,
    qdmi: Devices,
}

#[derive(Deserialize)]
struct Devices {
    devices: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    library: PathBuf,
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    simulator: Option<bool>,
    #[serde(default)]
    session: BTreeMap<String, Setting>,
}

fn yes() -> bool {
    true
}

/// A value of a session's parameter, or where it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Setting {
    Text(String),
    Environment { env: String },
    File { file: PathBuf },
}

/// Where devices are looked for: what [`DEVICES`] says, or `ketch/qdmi` in the user's data
/// directory, which is `$XDG_DATA_HOME` or `$HOME/.local/share`.
#[must_use]
pub fn default_places() -> Vec<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(places) = env::var_os(DEVICES).filter(|places| !places.is_empty()) {
        return env::split_paths(&places).filter(|place| !place.as_os_str().is_empty()).collect();
    }
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.map(|data| data.join("ketch/qdmi")).filter(|place| place.is_dir()).into_iter().collect()
}

/// The devices of these places. Of two with one name the first is kept.
pub(crate) fn read(places: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for place in places {
        if let Err(error) = found.read(place) {
            found.refused.push((name_of(place), error));
        }
    }
    found
}

/// The name that a file suggests.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

fn invalid(path: &Path, reason: &str) -> Error {
    Error::other(
        "qdmi.manifest",
        format!("cannot read the devices of {}: {reason}", path.display()),
    )
}

impl Found {
    fn read(&mut self, place: &Path) -> Result<()> {
        let refuse = |error: std::io::Error| invalid(place, &error.to_string());
        if place.is_dir() {
            let entries = fs::read_dir(place).map_err(refuse)?;
            let paths = entries.map(|entry| Ok(entry?.path()));
            let mut paths = paths.collect::<std::io::Result<Vec<_>>>().map_err(refuse)?;
            paths.retain(|path| path.to_string_lossy().ends_with(MANIFEST));
            paths.sort();
            for path in paths {
                if let Err(error) = self.read_manifest(&path) {
                    self.refused.push((name_of(&path), error));
                }
            }
            return Ok(());
        }
        if place.extension().is_some_and(|extension| extension == "json") {
            return self.read_manifest(place);
        }
        let prefix = prefix_of(place).map_err(|reason| invalid(place, &reason))?;
        let id = prefix.to_lowercase();
        let (library, prefix) = (place.to_owned(), Some(prefix));
        self.add(
            Configured { id, library, prefix, parameters: Vec::new(), simulator: None },
            place,
        );
        Ok(())
    }

    fn read_manifest(&mut self, path: &Path) -> Result<()> {
        let refuse = |reason: String| invalid(path, &reason);
        let text = text(path).map_err(|error| refuse(error.to_string()))?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if manifest.schema_version != 1 {
            let found = manifest.schema_version;
            return Err(refuse(format!("found schema-version {found}, expected 1")));
        }
        for row in manifest.qdmi.devices.into_iter().filter(|row| row.enabled) {
            let id = row.id.clone();
            match configured(row, path.parent().unwrap_or(Path::new("/"))) {
                Ok(device) => self.add(device, path),
                Err(reason) => self.refused.push((id, refuse(reason))),
            }
        }
        Ok(())
    }

    fn add(&mut self, device: Configured, path: &Path) {
        match self.devices.iter().any(|known| known.id == device.id) {
            false => self.devices.push(device),
            true => {
                let reason = format!("there is another device called `{}`", device.id);
                self.refused.push((device.id, invalid(path, &reason)));
            }
        }
    }
}

fn configured(row: Row, directory: &Path) -> Result<Configured, String> {
    let id = row.id;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if id.is_empty() || !id.chars().all(plain) {
        return Err(format!("found the id `{id}`, expected letters, digits, `.`, `_` and `-`"));
    }
    let mut parameters = Vec::new();
    for (word, setting) in row.session {
        let value = match setting {
            // Names of files are seen from the manifest.
            Setting::Text(text) if word == "auth-file" => beside(directory, text.as_ref()),
            Setting::Text(text) => text,
            Setting::File { file } => beside(directory, &file),
            Setting::Environment { env } => env::var(&env).map_err(|_| {
                format!("`{id}`: `{word}` is in the variable `{env}`, which is not set")
            })?,
        };
        // MQT's devices take the file that configures them so.
        let word = if word == "device-config" { "custom2".to_owned() } else { word };
        if !SESSION_PARAMETERS.iter().any(|(known, _)| *known == word) {
            let known: Vec<&str> = SESSION_PARAMETERS.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            return Err(format!("`{id}`: found `{word}` in `session`, expected one of {known}"));
        }
        parameters.push((word, value));
    }
    let library = directory.join(row.library);
    Ok(Configured { id, library, prefix: row.prefix, parameters, simulator: row.simulator })
}

fn beside(directory: &Path, file: &Path) -> String {
    directory.join(file).to_string_lossy().into_owned()
}

/// The text of a regular file of at most [`MAX_BYTES`]: reading a pipe could wait for ever.
fn text(path: &Path) -> std::io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(devices: &str) -> Found {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(r#"{{"schema-version": 1, "qdmi": {{"devices": [{devices}]}}}}"#);
        fs::write(directory.path().join("lab.qdmi.json"), text).unwrap();
        fs::write(directory.path().join("lab.json"), "no manifest").unwrap();
        let mut found = read(&[directory.path().to_owned()]);
        for device in &mut found.devices {
            device.library = device.library.strip_prefix(directory.path()).unwrap().to_owned();
            for (_, value) in &mut device.parameters {
                *value = value.replace(directory.path().to_str().unwrap(), "DIR");
            }
        }
        found
    }

    fn refusal(devices: &str) -> String {
        let found = manifest(devices);
        assert_eq!(found.refused.len(), 1, "{found:?}");
        found.refused[0].1.to_string()
    }

    #[test]
    fn manifests_name_devices_and_what_their_sessions_need() {
        let found = manifest(
            r#"{"id": "lab.one", "library": "a.so", "prefix": "LAB", "simulator": false, "session":
                {"token": "t", "auth-file": "key", "device-config": {"file": "one.json"},
                 "username": {"env": "PATH"}}},
               {"id": "off", "library": "a.so", "enabled": false},
               {"id": "lab.two", "library": "a.so"}"#,
        );
        assert!(found.refused.is_empty(), "{found:?}");
        let [one, two] = &found.devices[..] else { panic!("{found:?}") };
        assert_eq!((one.id.as_str(), one.prefix.as_deref()), ("lab.one", Some("LAB")));
        assert_eq!((one.library.to_str(), one.simulator), (Some("a.so"), Some(false)));
        let path = env::var("PATH").unwrap();
        let expected = [
            ("auth-file", "DIR/key"),
            ("custom2", "DIR/one.json"),
            ("token", "t"),
            ("username", &path),
        ];
        let expected = expected.map(|(word, value)| (word.to_owned(), value.to_owned()));
        assert_eq!(one.parameters, expected);
        assert_eq!((two.prefix.as_deref(), two.simulator), (None, None));
        assert!(two.parameters.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_manifest_is_told() {
        let told = refusal(r#"{"id": "a/b", "library": "a.so"}"#);
        assert!(told.ends_with("found the id `a/b`, expected letters, digits, `.`, `_` and `-`"));
        let told = refusal(r#"{"id": "a", "library": "a.so", "session": {"tokn": "t"}}"#);
        assert!(told.contains("found `tokn` in `session`, expected one of base-url, token"));
        let told = refusal(
            r#"{"id": "a", "library": "a.so", "session": {"token": {"env": "KETCH_NOT_SET_X"}}}"#,
        );
        assert!(told.ends_with("`token` is in the variable `KETCH_NOT_SET_X`, which is not set"));
        let one = r#"{"id": "a", "library": "a.so"}"#;
        assert!(refusal(&format!("{one},{one}")).ends_with("another device called `a`"));
        assert!(refusal(r#"{"library": "a.so"}"#).contains("missing field `id`"));
    }

    #[test]
    fn places_that_are_not_there_are_told() {
        let found = read(&["/nowhere/lib.so".into(), "/nowhere/x.qdmi.json".into()]);
        assert!(found.devices.is_empty());
        let names: Vec<&str> = found.refused.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["lib", "x"]);
    }
}
