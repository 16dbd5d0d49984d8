//! The user's own devices: a directory of configuration and properties documents.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::document::{Both, Device, DeviceError, parse};

/// The environment variable that names the directory of the user's devices.
pub const DEVICES: &str = "KETCH_NOISY_DEVICES";

/// The largest document: a thousand qubits take a few megabytes.
const MAX_BYTES: u64 = 32 << 20;

/// The most devices that are read.
const MAX_DEVICES: usize = 1_000;

/// Where the user's devices are: what [`DEVICES`] says, or `ketch/devices` in the user's data
/// directory, which is `$XDG_DATA_HOME` or `$HOME/.local/share`.
#[must_use]
pub fn default_directory() -> Option<PathBuf> {
    let path = |name| env::var_os(name).map(PathBuf::from).filter(|p| !p.as_os_str().is_empty());
    let absolute = |name| path(name).filter(|path| path.is_absolute());
    path(DEVICES).or_else(|| {
        let data =
            absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        data.map(|data| data.join("ketch/devices")).filter(|directory| directory.exists())
    })
}

/// The devices of a directory, by the names that their files suggest.
///
/// A device is a pair `conf_NAME.json` and `props_NAME.json`, or one other `.json` file that is an
/// object with both as `configuration` and `properties`.
pub(crate) fn read(directory: &Path) -> Vec<(String, Result<Device, DeviceError>)> {
    let names = match names(directory) {
        Ok(names) => names,
        Err(source) => {
            let file = directory.display().to_string();
            let error = DeviceError::Read { file, source: Arc::new(source) };
            return vec![(String::new(), Err(error))];
        }
    };
    let mut devices = Vec::new();
    for name in &names {
        let stem = name.strip_suffix(".json").unwrap_or(name);
        if let Some(device) = stem.strip_prefix("conf_") {
            devices.push((device.to_owned(), pair(directory, device, &names)));
        } else if let Some(device) = stem.strip_prefix("props_") {
            let partner = format!("conf_{device}.json");
            if !names.contains(&partner) {
                let file = directory.join(name).display().to_string();
                let error = DeviceError::NoPartner { file, partner };
                devices.push((device.to_owned(), Err(error)));
            }
        } else {
            devices.push((stem.to_owned(), single(&directory.join(name))));
        }
        if devices.len() == MAX_DEVICES {
            break;
        }
    }
    devices
}

/// The names of the directory's `.json` files, in order.
fn names(directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(".json")
            && !name.starts_with('.')
        {
            names.insert(name);
        }
    }
    Ok(names)
}

fn pair(directory: &Path, device: &str, names: &BTreeSet<String>) -> Result<Device, DeviceError> {
    let path = |name: &str| directory.join(name).display().to_string();
    let (conf, props) = (format!("conf_{device}.json"), format!("props_{device}.json"));
    if !names.contains(&props) {
        return Err(DeviceError::NoPartner { file: path(&conf), partner: props });
    }
    let configuration = text(&directory.join(&conf))?;
    let properties = text(&directory.join(&props))?;
    let (conf, props) = (path(&conf), path(&props));
    let configuration = parse(&configuration, &conf, "configuration")?;
    Device::new(configuration, parse(&properties, &props, "properties")?, [&conf, &props])
}

fn single(path: &Path) -> Result<Device, DeviceError> {
    let file = path.display().to_string();
    let text = text(path)?;
    let Both { configuration, properties } = parse(&text, &file, "device")?;
    Device::new(configuration, properties, [&file, &file])
}

/// The text of a regular file of at most [`MAX_BYTES`]: reading a pipe could wait for ever.
fn text(path: &Path) -> Result<String, DeviceError> {
    let file = || path.display().to_string();
    let unread = |source| DeviceError::Read { file: file(), source: Arc::new(source) };
    let metadata = fs::metadata(path).map_err(unread)?;
    if !metadata.is_file() {
        return Err(unread(io::Error::other("it is no regular file")));
    }
    let mut text = String::new();
    let opened = fs::File::open(path).map_err(unread)?;
    opened.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unread)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(DeviceError::TooLarge { file: file(), limit: MAX_BYTES });
    }
    Ok(text)
}
