//! Accounts as earlier programs kept them: the `qiskitrc` file and environment variables of 2018.

use std::{env, fs, path::Path};

use super::{Account, AccountError, Token};

/// The address of the service in 2018 and the parts of a longer one.
const HUB_PARTS: [&str; 3] = ["hub", "group", "project"];

/// The accounts of a `qiskitrc` file: an INI file with sections `ibmq` or
/// `ibmq_{hub}_{group}_{project}`.
///
/// The account is named after its section. Values are text; proxies, which that file writes as a
/// Python literal, are not taken over.
///
/// # Errors
/// If the file cannot be read, a line is neither section, key nor comment, or a token is missing.
pub fn from_qiskitrc(path: &Path) -> Result<Vec<Account>, AccountError> {
    let text = fs::read_to_string(path).map_err(|source| AccountError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    })?;
    let wrong = |line: usize, reason: &str| AccountError::Qiskitrc {
        path: path.to_owned(),
        line: line + 1,
        reason: reason.to_owned(),
    };
    let mut accounts: Vec<(usize, Account)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            accounts.push((number, blank(section)));
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| wrong(number, "expected [section] or key = value"))?;
        let (key, value) = (key.trim(), value.trim());
        let (_, account) =
            accounts.last_mut().ok_or_else(|| wrong(number, "a key before any section"))?;
        match key {
            "token" => account.token = Token(value.to_owned()),
            "url" => set_url(account, value),
            // The seed wrote the word False and read it back as true.
            "verify" => {
                let verify = !value.eq_ignore_ascii_case("false");
                account.settings.insert(key.to_owned(), verify.into());
            }
            "proxies" => {}
            _ => {
                account.settings.insert(key.to_owned(), value.into());
            }
        }
    }
    for (number, account) in &accounts {
        account.check().map_err(|error| wrong(*number, &error.to_string()))?;
    }
    Ok(accounts.into_iter().map(|(_, account)| account).collect())
}

/// The account of the environment variables `QE_TOKEN` and `QE_URL` (both are needed), with
/// `QE_HUB`, `QE_GROUP` and `QE_PROJECT`.
///
/// # Errors
/// If the token is empty.
pub fn from_environment() -> Result<Option<Account>, AccountError> {
    from_variables(|name| env::var(name).ok())
}

fn from_variables(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Account>, AccountError> {
    let (Some(token), Some(url)) = (variable("QE_TOKEN"), variable("QE_URL")) else {
        return Ok(None);
    };
    let mut account = Account::new("ibmq", "environment", token)?;
    set_url(&mut account, &url);
    for part in HUB_PARTS {
        if let Some(value) = variable(&format!("QE_{}", part.to_uppercase())) {
            account.settings.insert(part.to_owned(), value.into());
        }
    }
    Ok(Some(account))
}

fn blank(section: &str) -> Account {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    Account {
        name: section.chars().map(plain).collect(),
        provider: "ibmq".to_owned(),
        token: Token(String::new()),
        url: None,
        enabled: true,
        keyring: false,
        settings: [("api".to_owned(), "qx-2018".into())].into_iter().collect(),
    }
}

/// Sets the address; `…/Hubs/{h}/Groups/{g}/Projects/{p}` is taken apart.
fn set_url(account: &mut Account, url: &str) {
    account.settings.insert("api".to_owned(), "qx-2018".into());
    let mut parts = url.split('/');
    let mut base = Vec::new();
    while let Some(part) = parts.next() {
        match part {
            "Hubs" | "Groups" | "Projects" => {
                let key = part.trim_end_matches('s').to_lowercase();
                let value = parts.next().unwrap_or_default();
                account.settings.insert(key, value.into());
            }
            _ => base.push(part),
        }
    }
    account.url = Some(base.join("/"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Account>, AccountError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("qiskitrc");
        fs::write(&path, text).unwrap();
        from_qiskitrc(&path)
    }

    #[test]
    fn a_qiskitrc_is_imported() {
        let accounts = read(
            "# mine\n[ibmq]\ntoken = abc\nurl = https://q.example/api\n\n\
             [ibmq_h_g_p]\ntoken: def\nurl: https://q.example/api/Hubs/h/Groups/g/Projects/p\nverify = False\n",
        )
        .unwrap();
        assert_eq!(accounts[0].name, "ibmq");
        assert_eq!(accounts[0].token.reveal(), "abc");
        let network = &accounts[1];
        assert_eq!(network.url.as_deref(), Some("https://q.example/api"));
        for (key, value) in [("hub", "h"), ("group", "g"), ("project", "p")] {
            assert_eq!(network.settings[key], value);
        }
        assert_eq!(network.settings["verify"], false);
    }

    #[test]
    fn a_damaged_qiskitrc_names_the_line() {
        let check = |text: &str, expected: &str| {
            let message = read(text).unwrap_err().to_string();
            assert!(message.ends_with(expected), "{message}");
        };
        check("token = a", "line 1: a key before any section");
        check("[ibmq]\nhello", "line 2: expected [section] or key = value");
        check("[ibmq]\nurl = u", "line 1: the token of account `ibmq` is empty");
    }

    #[test]
    fn the_environment_needs_both_token_and_address() {
        let variables = |given: &'static [(&str, &str)]| {
            move |name: &str| given.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        };
        assert_eq!(from_variables(variables(&[("QE_TOKEN", "t")])).unwrap(), None);
        let both = &[("QE_TOKEN", "t"), ("QE_URL", "u"), ("QE_HUB", "h")];
        let account = from_variables(variables(both)).unwrap().unwrap();
        assert_eq!((account.url.as_deref(), &account.settings["hub"]), (Some("u"), &"h".into()));
        assert!(from_variables(variables(&[("QE_TOKEN", ""), ("QE_URL", "u")])).is_err());
    }
}
