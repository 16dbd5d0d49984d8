//! Who could have written a file: the rules by which a library is trusted to be run at all.

use std::{fs::Metadata, os::unix::fs::MetadataExt, path::Path};

use crate::{Origin, platform};

/// What a rule says of a file or directory.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Fine,
    Warning(String),
    Refused { found: String, expected: &'static str, fix: String },
}

/// Checks a file, the directory that holds it, and the manifest beside it if there is one.
pub(crate) fn check(file: &Path, origin: Origin) -> std::io::Result<Verdict> {
    let directory = file.parent().unwrap_or(Path::new("/"));
    let beside = file.with_extension("json");
    let beside = beside.exists().then_some(&*beside);
    let mut warning = Verdict::Fine;
    for path in [directory, file].into_iter().chain(beside) {
        let facts = Facts::of(&path.metadata()?);
        match judge(&facts, origin, path) {
            Verdict::Fine => {}
            Verdict::Warning(text) => warning = Verdict::Warning(text),
            refused => return Ok(refused),
        }
    }
    Ok(warning)
}

/// What the rules look at.
struct Facts {
    mode: u32,
    owner: u32,
    user: u32,
    /// The group is the owner's private one, as systems with umask 002 give every user.
    group_is_private: bool,
}

impl Facts {
    fn of(metadata: &Metadata) -> Self {
        let (owner, group) = (metadata.uid(), metadata.gid());
        let name = |database, number| platform::name_in(database, number);
        let same_name = || {
            let owner = name("/etc/passwd", owner);
            owner.is_some() && owner == name("/etc/group", group)
        };
        Self {
            mode: metadata.mode(),
            owner,
            user: platform::user(),
            group_is_private: owner == group || same_name(),
        }
    }
}

fn judge(facts: &Facts, origin: Origin, path: &Path) -> Verdict {
    let path = path.display();
    if facts.mode & 0o002 != 0 {
        return Verdict::Refused {
            found: format!("{path} writable by everybody"),
            expected: "writable by its owner only",
            fix: format!("chmod o-w {path}"),
        };
    }
    if facts.mode & 0o020 != 0 && !facts.group_is_private {
        return Verdict::Refused {
            found: format!("{path} writable by a shared group"),
            expected: "writable by its owner only",
            fix: format!("chmod g-w {path}"),
        };
    }
    if facts.owner == 0 || facts.owner == facts.user {
        return Verdict::Fine;
    }
    let foreign = format!("{path} owned by user {}", facts.owner);
    match origin {
        // A checkout in a container often belongs to another user number.
        Origin::Executable => Verdict::Warning(foreign),
        _ => Verdict::Refused {
            found: foreign,
            expected: "owned by you or root",
            fix: "copy the file into a directory of your own".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: u32, owner: u32, group_is_private: bool, origin: Origin, expected: &str) {
        let facts = Facts { mode, owner, user: 1000, group_is_private };
        let found = match judge(&facts, origin, Path::new("/p")) {
            Verdict::Fine => "fine".to_owned(),
            Verdict::Warning(text) => format!("warning: {text}"),
            Verdict::Refused { found, .. } => format!("refused: {found}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_rules() {
        use Origin::{Executable, User};
        check(0o644, 1000, true, User, "fine");
        check(0o664, 1000, true, User, "fine");
        check(0o755, 0, true, User, "fine");
        check(0o664, 1000, false, User, "refused: /p writable by a shared group");
        check(0o666, 1000, true, User, "refused: /p writable by everybody");
        check(0o666, 1000, true, Executable, "refused: /p writable by everybody");
        check(0o644, 1001, true, User, "refused: /p owned by user 1001");
        check(0o644, 1001, true, Executable, "warning: /p owned by user 1001");
    }
}
