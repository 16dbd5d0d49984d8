//! What every command has at hand.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use ketch::{
    AccountFilter, AccountStore, Candidate, Event, Isolation, Origin, Registry, RegistryError,
    SearchDirectory, SearchPath, State, Terms, jobs::PluginDirectories,
};

use crate::{
    args::{Cli, Global},
    exit::Exit,
    failure::Failure,
    output::{
        table::one_line,
        terminal::{Terminal, ask, complain, say},
    },
};

/// What every command has at hand.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    global: Global,
    /// Failures are documents on standard output, too.
    for_programs: bool,
    /// What standard output goes to.
    pub(crate) terminal: Terminal,
}

impl Context {
    /// Looks at the arguments and the terminal; nothing else is done yet.
    pub(crate) fn new(cli: &Cli) -> Self {
        Self {
            global: cli.global.clone(),
            for_programs: cli.command.is_for_programs(),
            terminal: Terminal::stdout(),
        }
    }

    /// The flags about plugins, as another `ketch` takes them, wherever it stands.
    pub(crate) fn flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        for given in &self.global.plugin_dir {
            let directory = std::path::absolute(given).unwrap_or_else(|_| given.clone());
            flags.extend(["--plugin-dir".into(), directory.into_os_string()]);
        }
        if let Some(isolation) = self.global.isolation {
            flags.extend(["--isolation".into(), isolation.to_string().into()]);
        }
        flags
    }

    /// The directories that this command was told to look for plugins in, for whoever runs its jobs.
    pub(crate) fn plugin_directories(&self) -> PluginDirectories {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let standard = SearchPath::standard().directories.into_iter();
        let named = standard.filter(|directory| directory.origin == Origin::Environment);
        PluginDirectories {
            flag: self.global.plugin_dir.iter().map(absolute).collect(),
            environment: named.map(|directory| directory.path).collect(),
        }
    }

    /// The plugins. Reads directories, loads nothing. On a terminal the user is asked once about
    /// each plugin whose file is another one than was accepted.
    pub(crate) fn registry(&self) -> Registry {
        self.registry_with(&PluginDirectories::default())
    }

    /// The same, first in the directories that a job was submitted with.
    pub(crate) fn registry_with(&self, plugins: &PluginDirectories) -> Registry {
        let registry = self.registry_as_it_is(|path| Registry::discover(&joined(plugins, path)));
        if !self.for_programs && io::stdin().is_terminal() && io::stderr().is_terminal() {
            registry.undecided().iter().for_each(|candidate| ask_about(&registry, candidate));
        }
        registry
    }

    /// The plugins, without any question.
    pub(crate) fn registry_as_it_is(&self, discover: impl Fn(&SearchPath) -> Registry) -> Registry {
        for directory in self.global.plugin_dir.iter().filter(|directory| !directory.is_dir()) {
            say(format_args!("warning: --plugin-dir {}: not a directory", directory.display()));
        }
        let path = SearchPath::with_flags(self.global.plugin_dir.iter().cloned());
        path.ignored.iter().for_each(|line| say(format_args!("warning: {line}")));
        let registry = discover(&path).with_isolation(self.isolation());
        registry.listen(|event| {
            if let Event::Log { provider, level, message } = event
                && matches!(level.as_str(), "warn" | "error")
            {
                say(format_args!("{level}: {provider}: {}", one_line(&message)));
            }
        });
        // Without a home there are no stored accounts, and nothing is wrong.
        if let Ok(store) = AccountStore::standard()
            && let Err(error) = registry.accounts().load(&store, &AccountFilter::default())
        {
            let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            say(format_args!("warning: not every account is used: {error}{hint}"));
        }
        registry
    }

    /// Which plugins run in processes of their own, if the command line says it.
    pub(crate) fn isolation_given(&self) -> Option<Isolation> {
        self.global.isolation
    }

    /// Where the process of a check has the plugin: within itself, unless the user says otherwise.
    pub(crate) fn isolation_of_checks(&self) -> &'static str {
        match self.isolation_given() {
            Some(Isolation::Always) => "always",
            _ => "never",
        }
    }

    /// Which plugins run in processes of their own: as the command line or the environment says.
    fn isolation(&self) -> Isolation {
        let from_environment = || {
            let text = std::env::var("KETCH_ISOLATION").ok().filter(|text| !text.is_empty())?;
            text.parse()
                .map_err(|error| say(format_args!("warning: KETCH_ISOLATION: {error}")))
                .ok()
        };
        self.isolation_given().or_else(from_environment).unwrap_or_default()
    }

    /// Tells people and programs of a failure, and how the process is to end for it. `file` is
    /// given where there are several inputs. Where it cannot be told, that is no second failure.
    pub(crate) fn fail(&self, out: &mut dyn Write, file: Option<&str>, failure: &Failure) -> Exit {
        if !failure.is_broken_pipe() {
            if self.for_programs {
                let _ = writeln!(out, "{}", failure.document(file));
            }
            // What was printed comes before the complaint about what was not.
            let _ = out.flush();
            complain(failure);
        }
        failure.exit
    }
}

/// A search path with the directories of a job, each before those of its kind.
fn joined(plugins: &PluginDirectories, path: &SearchPath) -> SearchPath {
    let mut directories = path.directories.clone();
    let of_job = [(Origin::Environment, &plugins.environment), (Origin::Flag, &plugins.flag)];
    for (origin, paths) in of_job {
        directories.retain(|one| one.origin != origin || !paths.contains(&one.path));
        let behind_flags = directories.iter().position(|one| one.origin != Origin::Flag);
        let at = if origin == Origin::Flag { Some(0) } else { behind_flags };
        let at = at.unwrap_or(directories.len());
        let paths = paths.iter().cloned().map(|path| SearchDirectory { path, origin });
        directories.splice(at..at, paths);
    }
    SearchPath { directories, ignored: path.ignored.clone() }
}

/// Asks whether a plugin's file is to be accepted in place of the earlier one.
fn ask_about(registry: &Registry, candidate: &Candidate) {
    let Some(manifest) = &candidate.manifest else { return };
    let (id, path) = (&manifest.id, candidate.path.display());
    ask(format_args!(
        "the plugin of provider `{id}` is not the file that was accepted: {path}\nuse it? [y/N] "
    ));
    let mut answer = String::new();
    // Whoever does not answer has not accepted it.
    let _ = io::stdin().read_line(&mut answer);
    let decided = match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => registry.trust(id, &Terms::default()).map(|_| ()),
        _ => {
            say(format_args!("not used; `ketch provider trust {id}` accepts it"));
            registry.decline(id)
        }
    };
    if let Err(error) = decided {
        say(format_args!("warning: {error}"));
    }
}

/// Why nothing can be listed or run, if no plugin was accepted at all.
pub(crate) fn no_plugin(registry: &Registry) -> Option<Failure> {
    if !registry.provider_ids().is_empty() {
        return None;
    }
    let candidates = registry.candidates();
    let refused = candidates.iter().filter_map(|candidate| match &candidate.state {
        State::Refused(refusal) => Some(refusal.clone()),
        _ => None,
    });
    let error = RegistryError::NoPlugin {
        searched: registry.search_path().directories.clone(),
        refused: refused.collect(),
    };
    Some(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_of_a_job_come_first_and_none_comes_twice() {
        let directory = |origin, path: &str| SearchDirectory { path: path.into(), origin };
        let path = SearchPath {
            directories: vec![
                directory(Origin::Flag, "/own"),
                directory(Origin::Environment, "/e"),
                directory(Origin::User, "/user"),
            ],
            ignored: vec!["x".to_owned()],
        };
        let paths = |of: &[&str]| of.iter().map(PathBuf::from).collect();
        let plugins =
            PluginDirectories { flag: paths(&["/a", "/b"]), environment: paths(&["/e", "/f"]) };
        let found = joined(&plugins, &path);
        let found: Vec<(Origin, &str)> =
            found.directories.iter().map(|one| (one.origin, one.path.to_str().unwrap())).collect();
        let (flag, environment) = (Origin::Flag, Origin::Environment);
        let first = [(flag, "/a"), (flag, "/b"), (flag, "/own"), (environment, "/e")];
        assert_eq!(found[..4], first);
        assert_eq!(found[4..], [(environment, "/f"), (Origin::User, "/user")]);
        assert_eq!(joined(&PluginDirectories::default(), &path), path);
    }
}
