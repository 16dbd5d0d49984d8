//! The metadata of experiments, of which thousands mostly say the same.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value};

use super::{
    DecodeError,
    bytes::{Reader, Writer},
};
use crate::result::ExperimentResult;

type Read<T> = Result<T, DecodeError>;

/// The bytes of the maps that experiments share: to copy them takes less than to write them again.
pub(super) struct WrittenMaps {
    /// By address: what is borrowed while a result is written stays where it is.
    bytes: HashMap<usize, Vec<u8>>,
}

impl WrittenMaps {
    /// Those of a result, which stays borrowed while they are used.
    pub(super) fn of(experiments: &[ExperimentResult]) -> Self {
        let mut bytes = HashMap::new();
        let mut last = 0;
        for map in experiments.iter().map(|experiment| &experiment.metadata) {
            let address = Arc::as_ptr(map).addr();
            if address != last && Arc::strong_count(map) > 1 {
                last = address;
                bytes.entry(address).or_insert_with(|| {
                    let mut writer = Writer::default();
                    writer.map(map);
                    writer.bytes
                });
            }
        }
        Self { bytes }
    }

    /// Writes one, as [`Writer::map`] does.
    pub(super) fn write(&self, map: &Arc<Map<String, Value>>, to: &mut Writer) {
        match self.bytes.get(&Arc::as_ptr(map).addr()) {
            Some(bytes) => to.bytes.extend_from_slice(bytes),
            None => to.map(map),
        }
    }
}

/// The maps that were read, by their text: the same text is parsed once, whichever thread has it.
/// Of texts that fall on one place the last is kept, so that no document takes long.
pub(super) struct ReadMaps<'b> {
    places: Vec<Mutex<ReadMap<'b>>>,
}

type ReadMap<'b> = Option<(&'b str, Arc<Map<String, Value>>)>;

/// The most maps that are kept: more than thousands of experiments differ in.
const KEPT_MAPS: usize = 1024;

impl<'b> ReadMaps<'b> {
    /// For this many maps.
    pub(super) fn new(n_maps: usize) -> Self {
        let n_places = n_maps.clamp(16, KEPT_MAPS);
        Self { places: (0..n_places).map(|_| Mutex::new(None)).collect() }
    }

    /// Reads one, as [`Reader::map`] does.
    pub(super) fn read(&self, from: &mut Reader<'b>) -> Read<Arc<Map<String, Value>>> {
        let mut ahead = *from;
        let text = ahead.text()?;
        let place = &self.places[spot(text) % self.places.len()];
        // Every change is one assignment, so the place is whole even if a thread panicked.
        let known = || place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, map)) = &*known()
            && *same == text
        {
            *from = ahead;
            return Ok(Arc::clone(map));
        }
        let map = Arc::new(from.map()?);
        *known() = Some((text, Arc::clone(&map)));
        Ok(map)
    }
}

/// A number in which texts of metadata differ: they do so in their length and towards their end,
/// and to hash all of a text takes longer than to compare it.
fn spot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = &bytes[bytes.len().saturating_sub(64)..];
    let mut hasher = DefaultHasher::new();
    (bytes.len(), end).hash(&mut hasher);
    hasher.finish() as usize
}
