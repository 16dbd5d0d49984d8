//! The accounts that providers are told of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Account, AccountError, AccountFilter, AccountStore, keyring};

/// The accounts that providers are told of, in this process. Shared freely between threads.
#[derive(Clone, Debug, Default)]
pub struct ActiveAccounts(Arc<Mutex<Vec<Account>>>);

impl ActiveAccounts {
    /// Uses an account in this process, without storing it. One of the same name and provider is
    /// replaced.
    pub fn enable(&self, account: Account) {
        let mut active = self.lock();
        active.retain(|known| known.name != account.name || known.provider != account.provider);
        active.push(account);
    }

    /// Uses the stored accounts that match and are enabled; returns how many there are. Blocks
    /// while the file is read.
    ///
    /// # Errors
    /// If the file, or a keyring that holds a token, cannot be read; the other accounts are in use
    /// all the same.
    pub fn load(
        &self,
        store: &AccountStore,
        filter: &AccountFilter,
    ) -> Result<usize, AccountError> {
        let stored = store.accounts()?.into_iter();
        let wanted = stored.filter(|account| account.enabled && filter.matches(account));
        let (mut count, mut problem) = (0, None);
        for mut account in wanted {
            match if account.keyring { keyring::get(&mut account) } else { Ok(()) } {
                Ok(()) => {
                    self.enable(account);
                    count += 1;
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        problem.map_or(Ok(count), Err)
    }

    /// Stops using the accounts that match, in this process; returns how many there were.
    pub fn disable(&self, filter: &AccountFilter) -> usize {
        let mut active = self.lock();
        let before = active.len();
        active.retain(|account| !filter.matches(account));
        before - active.len()
    }

    /// The accounts in use.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enabled_accounts_are_loaded_and_replaced_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let store = AccountStore::at(directory.path().join("accounts.json"));
        let account = |name: &str, token: &str| Account::new("ibmq", name, token).unwrap();
        store.save(account("a", "1"), false).unwrap();
        store.save(account("b", "2"), false).unwrap();
        store.set_enabled(&AccountFilter::named("b"), false).unwrap();
        let active = ActiveAccounts::default();
        assert_eq!(active.load(&store, &AccountFilter::default()).unwrap(), 1);
        active.enable(account("a", "session"));
        let tokens: Vec<String> =
            active.accounts().iter().map(|account| account.token.reveal().to_owned()).collect();
        assert_eq!(tokens, ["session"]);
        assert_eq!(active.disable(&AccountFilter::named("a")), 1);
        assert!(active.accounts().is_empty());
    }
}
