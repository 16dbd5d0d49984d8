//! Tokens in the desktop's keyring, where Ketch is built with the feature `keyring`.

use super::{Account, AccountError, Token};

/// Under which the entries stand; the user is `provider/name`.
#[cfg(feature = "keyring")]
const SERVICE: &str = "ketch";

/// Moves an account's token into the keyring.
pub(crate) fn put(account: &mut Account) -> Result<(), AccountError> {
    #[cfg(feature = "keyring")]
    entry(account)?.set_password(account.token.reveal()).map_err(|e| failed(account, e))?;
    #[cfg(not(feature = "keyring"))]
    available(account)?;
    account.token = Token(String::new());
    Ok(())
}

/// Takes an account's token from the keyring.
pub(crate) fn get(account: &mut Account) -> Result<(), AccountError> {
    #[cfg(feature = "keyring")]
    let token = entry(account)?.get_password().map_err(|e| failed(account, e))?;
    #[cfg(not(feature = "keyring"))]
    let token = available(account).map(|()| String::new())?;
    account.token = Token(token);
    Ok(())
}

/// Removes an account's token from the keyring; one that is not there is no failure.
pub(crate) fn remove(account: &Account) -> Result<(), AccountError> {
    #[cfg(feature = "keyring")]
    match entry(account)?.delete_credential() {
        Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(error) => Err(failed(account, error)),
    }
    #[cfg(not(feature = "keyring"))]
    available(account)
}

#[cfg(feature = "keyring")]
fn entry(account: &Account) -> Result<keyring::Entry, AccountError> {
    let user = format!("{}/{}", account.provider, account.name);
    keyring::Entry::new(SERVICE, &user).map_err(|error| failed(account, error))
}

#[cfg(feature = "keyring")]
fn failed(account: &Account, error: keyring::Error) -> AccountError {
    AccountError::Keyring { name: account.name.clone(), source: Box::new(error) }
}

#[cfg(not(feature = "keyring"))]
fn available(account: &Account) -> Result<(), AccountError> {
    Err(AccountError::NoKeyring { name: account.name.clone() })
}
