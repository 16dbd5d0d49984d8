//! In which order queued jobs of several users are taken: by turns, so that who sends a thousand
//! jobs does not keep others waiting for all of them.
//!
//! A job's turn is one after the user's job before it, and not before the turn that it is now: who
//! was away has saved nothing up. A job that is given up before it is taken leaves its turn to the
//! user's next one. Jobs of one turn are taken in the order of their ids. Source of the
//! rule: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), each job counting as one.
//!
//! Jobs for workers are one queue, and those of each service another one: how fast one goes says
//! nothing about whose turn it is in the others.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Error, NewJob, Result, Runner};

/// Under this name stands the turn that it is now; no user can be called so.
const NOW: &str = "\n";

/// Which queue a row of jobs is in: none is the workers'.
const QUEUE: &str = "CASE runner WHEN 'service' THEN backend ELSE '' END";

/// The turn of a job that is about to be queued; written down as given away.
pub(crate) fn next(on: &Connection, job: &NewJob) -> Result<i64> {
    let user = job.served.as_ref().map_or("", |served| served.user.as_str());
    let queue = if job.runner == Runner::Service { job.backend.as_str() } else { "" };
    let turn = turn_of(on, user, queue)?.max(turn_of(on, NOW, queue)?) + 1;
    set(on, user, queue, turn)?;
    Ok(turn)
}

/// A job was taken: now it is its turn.
pub(crate) fn taken(on: &Connection, job: &str) -> Result<()> {
    let (turn, queue, _) = place_of(on, job)?;
    // A job that was given back has an earlier turn than others that were taken since.
    match turn > turn_of(on, NOW, &queue)? {
        true => set(on, NOW, &queue, turn),
        false => Ok(()),
    }
}

/// A queued job will never be taken: the user's jobs behind it move up, as if it had not come. One
/// whose turn it is, or was, has nothing to leave to others.
pub(crate) fn given_up(on: &Connection, job: &str) -> Result<()> {
    let (turn, queue, user) = place_of(on, job)?;
    if turn <= turn_of(on, NOW, &queue)? {
        return Ok(());
    }
    on.prepare_cached(&format!(
        "UPDATE jobs SET turn = turn - 1 WHERE state = 'QUEUED' AND turn > ?1 AND {QUEUE} = ?2 \
         AND coalesce((SELECT user FROM served WHERE job = jobs.id), '') = ?3",
    ))
    .and_then(|mut update| update.execute(params![turn, queue, user]))
    .map_err(Error::database("write a turn"))?;
    set(on, &user, &queue, turn_of(on, &user, &queue)? - 1)
}

/// A job's turn, in which queue, and whose it is.
fn place_of(on: &Connection, job: &str) -> Result<(i64, String, String)> {
    on.prepare_cached(&format!(
        "SELECT turn, {QUEUE}, coalesce(user, '') FROM jobs \
         LEFT JOIN served ON served.job = jobs.id WHERE jobs.id = ?1"
    ))
    .and_then(|mut select| {
        select.query_row([job], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    })
    .map_err(Error::database("read a turn"))
}

/// Under which name a user's turn in a queue stands.
fn name(user: &str, queue: &str) -> String {
    if queue.is_empty() { user.to_owned() } else { format!("{user}\n{queue}") }
}

fn turn_of(on: &Connection, user: &str, queue: &str) -> Result<i64> {
    let turn = on
        .prepare_cached("SELECT turn FROM turns WHERE user = ?1")
        .and_then(|mut select| select.query_row([name(user, queue)], |row| row.get(0)).optional())
        .map_err(Error::database("read a turn"))?;
    Ok(turn.unwrap_or(0))
}

fn set(on: &Connection, user: &str, queue: &str, turn: i64) -> Result<()> {
    on.prepare_cached("INSERT OR REPLACE INTO turns (user, turn) VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute(params![name(user, queue), turn]))
        .map_err(Error::database("write a turn"))?;
    Ok(())
}
