//! The file of accounts.

use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Account, AccountFilter, keyring};
use crate::platform;

const SCHEMA: &str = "ketch.accounts/1";

/// What can go wrong with accounts. No message holds a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AccountError {
    #[error("the token of account `{name}` is empty")]
    EmptyToken { name: String },
    #[error("`{name}` is no name of an account: expected letters, digits, - _ and .")]
    BadName { name: String },
    #[error("account `{name}` of provider `{provider}` exists already")]
    Exists { name: String, provider: String },
    #[error("no account matches")]
    NoneMatches { known: Vec<String> },
    #[error("cannot {what} `{}`", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is not a file of accounts", path.display())]
    Unreadable { path: PathBuf, source: serde_json::Error },
    #[error("`{}` can be read by others (mode {mode:o})", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("`{}`, line {line}: {reason}", path.display())]
    Qiskitrc { path: PathBuf, line: usize, reason: String },
    #[error("the keyring does not serve account `{name}`")]
    Keyring { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("account `{name}` wants a keyring, and this ketch is built without")]
    NoKeyring { name: String },
    #[error("there is no home directory to keep accounts in")]
    NoHome,
}

impl AccountError {
    /// The stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyToken { .. } => "account.empty_token",
            Self::BadName { .. } => "account.bad_name",
            Self::Exists { .. } => "account.exists",
            Self::NoneMatches { .. } => "account.not_found",
            Self::Io { .. } => "account.io",
            Self::Unreadable { .. } => "account.unreadable",
            Self::Exposed { .. } => "account.exposed",
            Self::Qiskitrc { .. } => "account.qiskitrc",
            Self::Keyring { .. } => "account.keyring",
            Self::NoKeyring { .. } => "account.no_keyring",
            Self::NoHome => "account.no_home",
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some("`--overwrite` replaces it".to_owned()),
            Self::NoneMatches { known } if known.is_empty() => {
                Some("there are none; `ketch account save` adds one".to_owned())
            }
            Self::NoneMatches { known } => Some(format!("there are: {}", known.join(", "))),
            Self::NoKeyring { .. } => Some("build it with `--features keyring`".to_owned()),
            Self::Exposed { path, .. } => Some(format!("chmod 600 {}", path.display())),
            Self::Unreadable { path, .. } => {
                Some(format!("mend or move away {}; nothing was changed", path.display()))
            }
            _ => None,
        }
    }
}

/// The file of accounts. Every call reads it anew and every change replaces it whole, so that a
/// failed save harms nothing. Blocks while files are read and written.
#[derive(Clone, Debug)]
pub struct AccountStore {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    accounts: Vec<Account>,
}

impl AccountStore {
    /// The user's: `$XDG_CONFIG_HOME/ketch/accounts.json`, or `~/.config/ketch/accounts.json`.
    ///
    /// # Errors
    /// [`AccountError::NoHome`] without a home, and under raised privileges, where the environment
    /// is not to be trusted.
    pub fn standard() -> Result<Self, AccountError> {
        let absolute =
            |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let config =
            absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        match config {
            Some(config) if !platform::has_raised_privileges() => {
                Ok(Self::at(config.join("ketch/accounts.json")))
            }
            _ => Err(AccountError::NoHome),
        }
    }

    /// The file at this path; it need not exist.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All stored accounts, in the order in which they were saved.
    ///
    /// # Errors
    /// If the file cannot be read, is no file of accounts, or others can read it.
    pub fn accounts(&self) -> Result<Vec<Account>, AccountError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io("read", source)),
        };
        let metadata = fs::metadata(&self.path).map_err(|source| self.io("read", source))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(AccountError::Exposed { path: self.path.clone(), mode });
        }
        let document: Document = serde_json::from_str(&text)
            .map_err(|source| AccountError::Unreadable { path: self.path.clone(), source })?;
        Ok(document.accounts)
    }

    /// Stores an account.
    ///
    /// # Errors
    /// If it exists and `overwrite` is false, its token is empty, or the file cannot be read or
    /// written; nothing is changed then.
    pub fn save(&self, mut account: Account, overwrite: bool) -> Result<(), AccountError> {
        account.check()?;
        let mut accounts = self.accounts()?;
        let same =
            |known: &Account| known.name == account.name && known.provider == account.provider;
        match accounts.iter_mut().find(|known| same(known)) {
            Some(_) if !overwrite => {
                let Account { name, provider, .. } = account;
                return Err(AccountError::Exists { name, provider });
            }
            known => {
                if account.keyring {
                    keyring::put(&mut account)?;
                }
                match known {
                    Some(known) => *known = account,
                    None => accounts.push(account),
                }
            }
        }
        self.write(accounts)
    }

    /// Removes the accounts that match and returns them.
    ///
    /// # Errors
    /// If none matches, or the file cannot be read or written.
    pub fn delete(&self, filter: &AccountFilter) -> Result<Vec<Account>, AccountError> {
        let (gone, kept) =
            self.accounts()?.into_iter().partition(|account| filter.matches(account));
        self.some(gone, |gone| {
            gone.iter().filter(|account| account.keyring).try_for_each(keyring::remove)?;
            self.write(kept)
        })
    }

    /// Lets providers know, or not know, the accounts that match, and returns them.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub fn set_enabled(
        &self,
        filter: &AccountFilter,
        enabled: bool,
    ) -> Result<Vec<Account>, AccountError> {
        let mut accounts = self.accounts()?;
        let matching = accounts.iter_mut().filter(|account| filter.matches(account));
        let changed = matching.map(|account| {
            account.enabled = enabled;
            account.clone()
        });
        let changed = changed.collect();
        self.some(changed, |_| self.write(accounts))
    }

    /// Goes on if there is something to go on with.
    fn some(
        &self,
        matching: Vec<Account>,
        change: impl FnOnce(&[Account]) -> Result<(), AccountError>,
    ) -> Result<Vec<Account>, AccountError> {
        if matching.is_empty() {
            let known = self.accounts()?.into_iter().map(|account| account.name).collect();
            return Err(AccountError::NoneMatches { known });
        }
        change(&matching)?;
        Ok(matching)
    }

    /// Replaces the file: a new one beside it, only for its owner from the start, then a rename.
    fn write(&self, accounts: Vec<Account>) -> Result<(), AccountError> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| self.io("create the directory of", source))?;
        let document = Document { schema: SCHEMA.to_owned(), accounts };
        let text = serde_json::to_string_pretty(&document)
            .map_err(|source| AccountError::Unreadable { path: self.path.clone(), source })?;
        let beside = self.path.with_extension(format!("json.{}", std::process::id()));
        let written = (|| {
            // A file that was left behind may have other rights.
            let _ = fs::remove_file(&beside);
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            fs::File::open(directory)?.sync_all()
        })();
        written.map_err(|source| {
            let _ = fs::remove_file(&beside);
            self.io("write", source)
        })
    }

    fn io(&self, what: &'static str, source: io::Error) -> AccountError {
        AccountError::Io { what, path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, AccountStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = AccountStore::at(directory.path().join("config/accounts.json"));
        (directory, store)
    }

    fn account(name: &str, token: &str) -> Account {
        Account::new("ibmq", name, token).unwrap()
    }

    fn names(accounts: &[Account]) -> Vec<&str> {
        accounts.iter().map(|account| account.name.as_str()).collect()
    }

    #[test]
    fn accounts_are_kept_for_their_owner_alone() {
        let (_directory, store) = store();
        assert!(store.accounts().unwrap().is_empty());
        let mut first = account("first", " s3cret\n");
        first.settings.insert("instance".to_owned(), "crn:1".into());
        store.save(first.clone(), false).unwrap();
        store.save(account("second", "t2"), false).unwrap();
        let mode = fs::metadata(store.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let stored = store.accounts().unwrap();
        assert_eq!(stored[0], first);
        assert_eq!((stored[0].token.reveal(), names(&stored)), ("s3cret", vec!["first", "second"]));
        assert!(!format!("{stored:?}").contains("s3cret"));
        let files = fs::read_dir(store.path().parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside the file");
    }

    #[test]
    fn a_bad_save_harms_nothing() {
        let (_directory, store) = store();
        store.save(account("first", "t1"), false).unwrap();
        let exists = store.save(account("first", "other"), false).unwrap_err();
        assert_eq!(exists.code(), "account.exists");
        assert_eq!(Account::new("ibmq", "x", " \n").unwrap_err().code(), "account.empty_token");
        assert_eq!(Account::new("ibmq", "a b", "t").unwrap_err().code(), "account.bad_name");
        assert_eq!(store.accounts().unwrap()[0].token.reveal(), "t1");
        store.save(account("first", "new"), true).unwrap();
        assert_eq!(store.accounts().unwrap()[0].token.reveal(), "new");
    }

    #[test]
    fn accounts_are_disabled_enabled_and_deleted_by_filter() {
        let (_directory, store) = store();
        for name in ["a", "b"] {
            store.save(account(name, "t"), false).unwrap();
        }
        store.set_enabled(&AccountFilter::named("b"), false).unwrap();
        let enabled = |store: &AccountStore| -> Vec<bool> {
            store.accounts().unwrap().iter().map(|account| account.enabled).collect()
        };
        assert_eq!(enabled(&store), [true, false]);
        store.set_enabled(&AccountFilter::default(), true).unwrap();
        assert_eq!(enabled(&store), [true, true]);
        assert_eq!(names(&store.delete(&AccountFilter::named("a")).unwrap()), ["a"]);
        let error = store.delete(&AccountFilter::named("a")).unwrap_err();
        assert_eq!(
            (error.code(), error.hint().unwrap().as_str()),
            ("account.not_found", "there are: b")
        );
    }

    #[test]
    fn a_damaged_or_exposed_file_is_never_overwritten() {
        let (_directory, store) = store();
        store.save(account("a", "t"), false).unwrap();
        fs::set_permissions(store.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(store.save(account("b", "t"), false).unwrap_err().code(), "account.exposed");
        fs::set_permissions(store.path(), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(store.path(), "{ not json").unwrap();
        assert_eq!(store.save(account("b", "t"), false).unwrap_err().code(), "account.unreadable");
        assert_eq!(fs::read_to_string(store.path()).unwrap(), "{ not json");
    }

    #[cfg(not(feature = "keyring"))]
    #[test]
    fn without_a_keyring_a_token_is_not_put_into_the_file_instead() {
        let (_directory, store) = store();
        store.save(account("a", "t"), false).unwrap();
        let mut wanting = account("b", "secret");
        wanting.keyring = true;
        let error = store.save(wanting, false).unwrap_err();
        assert_eq!(error.code(), "account.no_keyring");
        assert!(error.hint().unwrap().contains("--features keyring"));
        assert!(!fs::read_to_string(store.path()).unwrap().contains("secret"));
        assert_eq!(names(&store.accounts().unwrap()), ["a"]);
    }
}
