//! Who may ask a service: tokens, of which the store keeps digests only.

use std::{fmt::Write, time::SystemTime};

use rusqlite::{OptionalExtension, Row, params};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};

use crate::{
    Error, Result, Store,
    record::{from_ms, now_ms, to_ms},
    schema::rows,
};

/// A token, without what its holder shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// By which it is listed and revoked; no secret.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// What its holder may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: SystemTime,
    /// Until when it is good; `None` for ever.
    pub expires: Option<SystemTime>,
    /// When it was revoked.
    pub revoked: Option<SystemTime>,
}

/// A token that was just made. What the holder shows is told here once and kept nowhere.
pub struct NewToken {
    /// The token.
    pub token: Token,
    /// What its holder shows.
    pub secret: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Token {
    /// Neither revoked nor expired.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| SystemTime::now() < end)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let scopes: String = row.get(2)?;
        Ok(Self {
            id: row.get(0)?,
            user: row.get(1)?,
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            created: from_ms(row.get(3)?),
            expires: row.get::<_, Option<i64>>(4)?.map(from_ms),
            revoked: row.get::<_, Option<i64>>(5)?.map(from_ms),
        })
    }
}

const COLUMNS: &str = "id, user, scopes, created_ms, expires_ms, revoked_ms";

impl Store {
    /// Makes a token for a user: 256 random bits behind `ketch-`.
    ///
    /// # Errors
    /// If the system gives no random bits, or the token cannot be written.
    pub fn new_token(
        &self,
        user: &str,
        scopes: &[String],
        expires: Option<SystemTime>,
    ) -> Result<NewToken> {
        let secret = format!("ketch-{}", hex(&random::<32>()?));
        let token = Token {
            id: hex(&random::<4>()?),
            user: user.to_owned(),
            scopes: scopes.to_vec(),
            created: from_ms(now_ms()),
            expires,
            revoked: None,
        };
        self.write("keep a token", |on| {
            on.execute(
                "INSERT INTO tokens (id, user, hash, scopes, created_ms, expires_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    token.id,
                    user,
                    digest(&secret),
                    scopes.join(" "),
                    to_ms(token.created),
                    expires.map(to_ms)
                ],
            )
            .map_err(Error::database("keep a token"))?;
            Ok(())
        })?;
        Ok(NewToken { token, secret })
    }

    /// All tokens that were ever made, the oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY created_ms, id");
        rows(&self.reader(), &sql, [], Token::read).map_err(Error::database("list tokens"))
    }

    /// The token that somebody shows, good or not; `None` if there never was such a one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn token_shown(&self, secret: &str) -> Result<Option<Token>> {
        self.token_where("hash", &digest(secret))
    }

    /// The token of this id, good or not.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn token(&self, id: &str) -> Result<Option<Token>> {
        self.token_where("id", id)
    }

    fn token_where(&self, column: &str, is: &str) -> Result<Option<Token>> {
        let on = self.reader();
        on.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE {column} = ?1"))
            .and_then(|mut select| select.query_row([is], Token::read).optional())
            .map_err(Error::database("look for a token"))
    }

    /// Revokes a token, from now on and for every service of this store.
    ///
    /// # Errors
    /// [`Error::NoToken`]; if it cannot be written.
    pub fn revoke_token(&self, id: &str) -> Result<()> {
        self.write("revoke a token", |on| {
            let changed = on
                .execute(
                    "UPDATE tokens SET revoked_ms = coalesce(revoked_ms, ?2) WHERE id = ?1",
                    params![id, now_ms()],
                )
                .map_err(Error::database("revoke a token"))?;
            if changed == 0 { Err(Error::NoToken { id: id.to_owned() }) } else { Ok(()) }
        })
    }

    /// The secret of this name, 256 random bits that are made when they are first asked for.
    ///
    /// # Errors
    /// If the system gives no random bits, or the database cannot be used.
    pub fn secret(&self, name: &str) -> Result<Vec<u8>> {
        let fresh = random::<32>()?;
        self.write("keep a secret", |on| {
            on.execute(
                "INSERT OR IGNORE INTO secrets (name, bytes) VALUES (?1, ?2)",
                params![name, fresh.as_slice()],
            )
            .and_then(|_| {
                on.query_row("SELECT bytes FROM secrets WHERE name = ?1", [name], |row| row.get(0))
            })
            .map_err(Error::database("keep a secret"))
        })
    }
}

/// So many random bytes of the system's. Without them there is no secret: that is an error.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty());
    match filled {
        Ok(length) if length == N => Ok(bytes),
        Ok(_) => Err(no_random(std::io::ErrorKind::UnexpectedEof.into())),
        Err(error) => Err(no_random(error.into())),
    }
}

fn no_random(source: std::io::Error) -> Error {
    Error::File { doing: "read random bits from", path: "/dev/urandom".into(), source }
}

/// A fast digest is enough: nobody tries 256 random bits one by one.
fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
