//! In which order queued jobs of several users are taken: by turns, so that who sends a thousand
//! jobs does not keep others waiting for all of them.
//!
//! A job's turn is one after the user's job before it, and not before the turn that it is now: who
//! was away has saved nothing up. A job that is given up before it is taken leaves its turn to the
//! user's next one. Jobs of one turn are taken in the order of their ids. Source of the
//! rule: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), each job counting as one.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Error, Result, served::Served};

/// Under this name stands the turn that it is now; no user can be called so.
const NOW: &str = "\n";

/// The turn of a job that is about to be queued, for whom it may be; written down as given away.
pub(crate) fn next(on: &Connection, served: Option<&Served>) -> Result<i64> {
    let user = served.map_or("", |served| served.user.as_str());
    let turn = turn_of(on, user)?.max(turn_of(on, NOW)?) + 1;
    set(on, user, turn)?;
    Ok(turn)
}

/// A job was taken: now it is its turn.
pub(crate) fn taken(on: &Connection, job: &str) -> Result<()> {
    let turn: i64 = on
        .prepare_cached("SELECT turn FROM jobs WHERE id = ?1")
        .and_then(|mut select| select.query_row([job], |row| row.get(0)))
        .map_err(Error::database("read a turn"))?;
    // A job that was given back has an earlier turn than others that were taken since.
    match turn > turn_of(on, NOW)? {
        true => set(on, NOW, turn),
        false => Ok(()),
    }
}

/// A queued job will never be taken: the user's jobs behind it move up, as if it had not come. One
/// whose turn it is, or was, has nothing to leave to others.
pub(crate) fn given_up(on: &Connection, job: &str) -> Result<()> {
    let (turn, user): (i64, String) = on
        .prepare_cached(
            "SELECT turn, coalesce(user, '') FROM jobs LEFT JOIN served ON served.job = jobs.id \
             WHERE jobs.id = ?1",
        )
        .and_then(|mut select| select.query_row([job], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(Error::database("read a turn"))?;
    if turn <= turn_of(on, NOW)? {
        return Ok(());
    }
    on.prepare_cached(
        "UPDATE jobs SET turn = turn - 1 WHERE state = 'QUEUED' AND turn > ?1 \
         AND coalesce((SELECT user FROM served WHERE job = jobs.id), '') = ?2",
    )
    .and_then(|mut update| update.execute(params![turn, user]))
    .map_err(Error::database("write a turn"))?;
    set(on, &user, turn_of(on, &user)? - 1)
}

fn turn_of(on: &Connection, user: &str) -> Result<i64> {
    let turn = on
        .prepare_cached("SELECT turn FROM turns WHERE user = ?1")
        .and_then(|mut select| select.query_row([user], |row| row.get(0)).optional())
        .map_err(Error::database("read a turn"))?;
    Ok(turn.unwrap_or(0))
}

fn set(on: &Connection, user: &str, turn: i64) -> Result<()> {
    on.prepare_cached("INSERT OR REPLACE INTO turns (user, turn) VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute(params![user, turn]))
        .map_err(Error::database("write a turn"))?;
    Ok(())
}
