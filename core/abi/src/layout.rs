//! The layout of everything that crosses, as text: what the promise of the crate is checked with.

use std::fmt::Write as _;

use abi_stable::{
    StableAbi,
    std_types::{RStr, RString, RVec},
    type_layout::TypeLayout,
};

use crate::{
    raw::{BackendRef, JobRef, ObjectRef, Payload, ProviderRef, Reply},
    root::RootRef,
};

/// Each type that crosses, numbered: its size and alignment in bytes, and its fields with the
/// numbers of their types, or the signatures of the functions of its vtable.
#[must_use]
pub fn layout_text() -> String {
    let mut text = String::new();
    let mut types = roots();
    let mut next = 0;
    while let Some(&layout) = types.get(next) {
        let (name, size, alignment) = (layout.full_type(), layout.size(), layout.alignment());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{next} {name}: {size} bytes, aligned to {alignment}");
        let fields = layout.get_fields().map(|fields| fields.to_vec()).unwrap_or_default();
        for field in fields {
            let number = number_of(field.layout(), &mut types);
            let _ = writeln!(text, "    {}: {number} {}", field.name(), field.full_type());
            for function in field.function_range().iter() {
                // The lines that follow the signature describe its lifetimes.
                let signature = function.to_string();
                let _ = writeln!(text, "        {}", signature.lines().next().unwrap_or_default());
            }
        }
        for phantom in layout.phantom_fields().to_vec() {
            number_of(phantom.layout(), &mut types);
        }
        next += 1;
    }
    text
}

/// The place of a type among those known; added if it is new.
fn number_of(layout: &'static TypeLayout, types: &mut Vec<&'static TypeLayout>) -> usize {
    let id = layout.get_utypeid();
    types.iter().position(|known| known.get_utypeid() == id).unwrap_or_else(|| {
        types.push(layout);
        types.len() - 1
    })
}

/// The root module, and what only its functions' signatures name.
fn roots() -> Vec<&'static TypeLayout> {
    fn of<T: StableAbi>() -> &'static TypeLayout {
        T::LAYOUT
    }
    let roots = [
        of::<RootRef>(),
        of::<ProviderRef>(),
        of::<BackendRef>(),
        of::<JobRef>(),
        of::<ObjectRef>(),
        of::<Payload>(),
        of::<Reply<Payload>>(),
        of::<Reply<RVec<BackendRef>>>(),
        of::<Reply<RString>>(),
        of::<RStr<'static>>(),
    ];
    roots.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this fails, the change breaks every plugin that exists: undo it, and add a named
    /// extension instead.
    #[test]
    fn the_layout_is_frozen() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/abi/v1.txt");
        let found = layout_text();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(golden, &found).unwrap();
        }
        let expected = std::fs::read_to_string(golden).unwrap();
        assert_eq!(found, expected, "the layout of ABI 1 changed");
        for name in ["Payload", "RawBuffer", "WireError", "RawObject_TO", "RawJob_TO", "Root"] {
            assert!(expected.contains(name), "{name} is not reached");
        }
    }
}
