//! Jobs of others: tokens, whose a job is, how it is found again, sessions.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use ketch_core::{JobStatus, RunOptions};
use ketch_jobs::{
    Error, NewJob, Runner, StoredError,
    served::{NewSession, Served, ServedFilter},
};

use rusqlite::Connection;

use crate::common::{Scratch, experiments, large_result};

fn served(user: &str, program: &str) -> Served {
    Served {
        user: user.to_owned(),
        program: program.to_owned(),
        session: None,
        cost: Some(60),
        params: br#"{"pubs": []}"#.to_vec(),
        refused: None,
    }
}

fn submit(scratch: &Scratch, backend: &str, served: Served, tags: &[&str]) -> String {
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    let options = RunOptions { tags, ..RunOptions::default() };
    let job = NewJob { served: Some(served), ..NewJob::new(backend, Runner::Worker, options) };
    scratch.store.submit(&job, &experiments(1)).unwrap()
}

fn all() -> ServedFilter {
    ServedFilter { limit: 100, ..ServedFilter::default() }
}

#[test]
fn a_token_is_told_once_and_kept_as_a_digest() {
    let scratch = Scratch::new();
    let made =
        scratch.store.new_token("ada", &["read".to_owned(), "run".to_owned()], None).unwrap();
    assert!(made.secret.starts_with("ketch-") && made.secret.len() == 70, "{}", made.secret.len());
    let other = scratch.other();
    let shown = other.token_shown(&made.secret).unwrap().unwrap();
    assert_eq!(shown, made.token);
    assert_eq!((shown.user.as_str(), shown.scopes.len()), ("ada", 2));
    assert!(shown.is_good());
    assert_eq!(other.token_shown("ketch-else").unwrap(), None);
    assert!(!format!("{made:?}").contains(&made.secret));
    drop(other);
    let found = |bytes: &[u8]| bytes.windows(70).any(|window| window == made.secret.as_bytes());
    for file in fs::read_dir(scratch.directory.path()).unwrap().flatten() {
        let Ok(bytes) = fs::read(file.path()) else { continue };
        assert!(!found(&bytes), "{:?}", file.path());
    }
}

#[test]
fn tokens_expire_and_are_revoked() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let now = SystemTime::now();
    let ends = |when| store.new_token("ada", &[], Some(when)).unwrap().token;
    assert!(!ends(now - Duration::from_secs(1)).is_good());
    let later = ends(now + Duration::from_secs(60));
    assert!(later.is_good());
    store.revoke_token(&later.id).unwrap();
    assert!(!store.token(&later.id).unwrap().unwrap().is_good());
    assert!(matches!(store.revoke_token("none"), Err(Error::NoToken { .. })));
    assert_eq!(store.tokens().unwrap().len(), 2);
}

#[test]
fn a_secret_stays_the_same() {
    let scratch = Scratch::new();
    let one = scratch.store.secret("signing").unwrap();
    assert_eq!(one.len(), 32);
    assert_eq!(scratch.other().secret("signing").unwrap(), one);
    assert_ne!(scratch.store.secret("other").unwrap(), one);
}

#[test]
fn jobs_belong_to_their_users() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let id = submit(&scratch, "lab/bench", served("ada", "sampler"), &["x"]);
    let job = scratch.other().served_job("ada", &id).unwrap();
    assert_eq!((job.program.as_str(), job.cost), ("sampler", Some(60)));
    assert_eq!((job.job.state, job.job.tags), (JobStatus::Queued, vec!["x".to_owned()]));
    assert_eq!(store.params(&id).unwrap(), br#"{"pubs": []}"#);
    assert!(matches!(store.served_job("bob", &id), Err(Error::NotFound { .. })));
    let own = scratch.submit("lab/bench", &experiments(1));
    assert!(matches!(store.served_job("ada", &own), Err(Error::NotFound { .. })));
    assert_eq!(store.served_jobs("bob", &all()).unwrap().count, 0);
    assert_eq!(store.served_jobs("ada", &all()).unwrap().count, 1);
    store.delete(&id).unwrap();
    assert!(matches!(store.params(&id), Err(Error::NotFound { .. })));
    assert_eq!(store.served_jobs("ada", &all()).unwrap().count, 0);
}

#[test]
fn large_params_are_kept_and_go_with_their_job() {
    let scratch = Scratch::new();
    let params = vec![b' '; 200_000];
    let large = Served { params: params.clone(), ..served("ada", "sampler") };
    let id = submit(&scratch, "lab/bench", large, &[]);
    assert_eq!(scratch.other().params(&id).unwrap(), params);
    let files = || fs::read_dir(scratch.directory.path().join("documents")).unwrap().count();
    assert_eq!(files(), 1);
    scratch.store.delete(&id).unwrap();
    assert_eq!(files(), 0);
}

#[test]
fn counts_are_exact_whatever_the_page() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let ids: Vec<String> = (0..25)
        .map(|number| {
            let backend = if number % 2 == 0 { "lab/bench" } else { "lab/desk" };
            let program = if number % 5 == 0 { "estimator" } else { "sampler" };
            let tags: &[&str] = if number % 3 == 0 { &["red", "big"] } else { &["red"] };
            submit(&scratch, backend, served("ada", program), tags)
        })
        .collect();
    store.cancel(&ids[0]).unwrap();
    let find = |filter: ServedFilter| {
        let page = store.served_jobs("ada", &filter).unwrap();
        (page.count, page.jobs.into_iter().map(|job| job.job.id).collect::<Vec<_>>())
    };
    let (count, page) = find(ServedFilter { limit: 10, offset: 20, ..all() });
    assert_eq!((count, page.len()), (25, 5));
    assert_eq!(page.last(), Some(&ids[0]));
    let (count, page) = find(ServedFilter { oldest_first: true, limit: 3, ..all() });
    assert_eq!((count, page.as_slice()), (25, &ids[..3]));
    let text = |text: &str| Some(text.to_owned());
    let tags = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
    assert_eq!(find(ServedFilter { backend: text("lab/desk"), ..all() }).0, 12);
    assert_eq!(find(ServedFilter { program: text("estimator"), ..all() }).0, 5);
    assert_eq!(find(ServedFilter { tags: tags(&["red"]), ..all() }).0, 25);
    assert_eq!(find(ServedFilter { tags: tags(&["red", "big"]), ..all() }).0, 9);
    assert_eq!(find(ServedFilter { tags: tags(&["blue"]), ..all() }).0, 0);
    assert_eq!(find(ServedFilter { pending: Some(true), ..all() }).0, 24);
    assert_eq!(find(ServedFilter { pending: Some(false), ..all() }).1, [ids[0].clone()]);
    let moment = store.job(&ids[12]).unwrap().created;
    let (after, before) = (Some(moment), Some(moment));
    let upto = find(ServedFilter { created_before: before, ..all() }).1;
    let from = find(ServedFilter { created_after: after, ..all() }).1;
    assert!(upto.contains(&ids[12]) && upto.contains(&ids[0]) && from.contains(&ids[24]));
    let both = find(ServedFilter { created_after: after, created_before: before, ..all() }).0;
    assert_eq!(upto.len() + from.len(), 25 + both as usize);
    assert_eq!(
        store.pending().unwrap(),
        [("lab/bench".to_owned(), 12), ("lab/desk".to_owned(), 12)]
    );
    assert_eq!(store.usage("ada", SystemTime::UNIX_EPOCH).unwrap().pending, 24);
    assert_eq!(store.states().unwrap(), [(JobStatus::Cancelled, 1), (JobStatus::Queued, 24)]);
}

#[test]
fn a_refused_job_is_an_error_from_the_beginning_and_no_worker_sees_it() {
    let scratch = Scratch::new();
    let refused = Some(StoredError::new("served.samplex", "no", None));
    let id = submit(&scratch, "lab/bench", Served { refused, ..served("ada", "executor") }, &[]);
    let job = scratch.store.job(&id).unwrap();
    assert_eq!((job.state, job.error.unwrap().message), (JobStatus::Error, "no".to_owned()));
    assert!(job.ended.is_some());
    assert!(!scratch.store.has_work(ketch_jobs::Budget::whole_machine()).unwrap());
}

#[test]
fn tags_can_be_changed() {
    let scratch = Scratch::new();
    let id = submit(&scratch, "lab/bench", served("ada", "sampler"), &["old"]);
    scratch.store.set_tags(&id, &["new".to_owned()]).unwrap();
    assert_eq!(scratch.store.job(&id).unwrap().tags, ["new"]);
    assert!(matches!(scratch.store.set_tags("none", &[]), Err(Error::NotFound { .. })));
}

#[test]
fn sessions_are_their_users_and_take_jobs_until_they_are_closed_or_over() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let asked = |max_ttl| NewSession {
        user: "ada".to_owned(),
        backend: "lab/bench".to_owned(),
        mode: "batch".to_owned(),
        max_ttl,
    };
    let session = store.new_session(asked(None)).unwrap();
    assert!(session.takes_jobs());
    assert_eq!(scratch.other().session("ada", &session.id).unwrap(), session);
    assert!(matches!(store.session("bob", &session.id), Err(Error::NoSession { .. })));
    assert!(matches!(store.close_session("bob", &session.id), Err(Error::NoSession { .. })));
    store.close_session("ada", &session.id).unwrap();
    assert!(!store.session("ada", &session.id).unwrap().takes_jobs());
    assert_eq!(store.open_sessions_of("ada").unwrap(), 0);
    assert!(!store.new_session(asked(Some(0))).unwrap().takes_jobs());
    assert!(store.new_session(asked(Some(3600))).unwrap().takes_jobs());
    assert!(store.new_session(asked(None)).unwrap().takes_jobs());
    // Those that are closed or over do not count, nor do other users'.
    assert_eq!(scratch.other().open_sessions_of("ada").unwrap(), 2);
    assert_eq!(store.open_sessions_of("bob").unwrap(), 0);
}

#[test]
fn no_job_slips_into_a_session_that_is_being_closed() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let asked = NewSession {
        user: "ada".to_owned(),
        backend: "lab/bench".to_owned(),
        mode: "batch".to_owned(),
        max_ttl: None,
    };
    let session = store.new_session(asked).unwrap().id;
    let job = |user: &str| {
        let served = Served { session: Some(session.clone()), ..served(user, "sampler") };
        let new = NewJob::new("lab/bench", Runner::Worker, RunOptions::default());
        NewJob { served: Some(served), ..new }
    };
    store.submit(&job("ada"), &experiments(1)).unwrap();
    // Whoever was let in by an earlier look is stopped here.
    scratch.other().close_session("ada", &session).unwrap();
    let late = store.submit(&job("ada"), &experiments(1));
    assert!(matches!(late, Err(Error::SessionClosed { .. })), "{late:?}");
    let others = store.submit(&job("bob"), &experiments(1));
    assert!(matches!(others, Err(Error::NoSession { .. })), "{others:?}");
    assert_eq!(store.served_jobs("ada", &all()).unwrap().count, 1);
    assert_eq!(store.served_jobs("bob", &all()).unwrap().count, 0);
}

#[test]
fn a_store_of_the_version_before_becomes_one_with_users() {
    let scratch = Scratch::new();
    let id = scratch.submit("lab/bench", &experiments(1));
    let back = "DROP TABLE tokens; DROP TABLE secrets; DROP TABLE sessions; DROP TABLE served; \
                DROP TABLE turns; DROP INDEX jobs_by_turn; \
                ALTER TABLE jobs DROP COLUMN turn; PRAGMA user_version = 4";
    scratch.tamper(WITHOUT_SPENT);
    scratch.tamper(back);
    let store = scratch.other();
    assert_eq!(store.job(&id).unwrap().id, id);
    assert_eq!(store.tokens().unwrap(), []);
}

/// Makes a store one of version 6.
const WITHOUT_SPENT: &str = "DROP TABLE spent; ALTER TABLE jobs DROP COLUMN taken_ms; \
     ALTER TABLE jobs DROP COLUMN ran_ms; ALTER TABLE jobs DROP COLUMN longest_ms; \
     PRAGMA user_version = 6";

#[test]
fn a_store_of_version_6_knows_what_its_jobs_came_to() {
    let scratch = Scratch::new();
    let [over, waits] =
        [(); 2].map(|()| submit(&scratch, "lab/bench", served("ada", "sampler"), &[]));
    let running = submit(&scratch, "lab/bench", served("ada", "sampler"), &[]);
    let unbounded = Served { cost: Some(0), ..served("ada", "sampler") };
    let unbounded = submit(&scratch, "lab/bench", unbounded, &[]);
    let own = scratch.submit("lab/bench", &experiments(1));
    scratch.tamper(WITHOUT_SPENT);
    scratch.tamper(&format!(
        "UPDATE jobs SET state = 'DONE', started_ms = created_ms, ended_ms = created_ms + 2500 \
         WHERE id IN ('{over}', '{own}'); \
         UPDATE jobs SET state = 'RUNNING', owner = 'x', lease_wall = created_ms - 4000, started_ms = created_ms - 5000 WHERE id = '{running}'"
    ));
    let store = scratch.other();
    assert_eq!(store.usage("ada", SystemTime::UNIX_EPOCH).unwrap().seconds, 3.5);
    assert_eq!(store.job(&over).unwrap().ran(), Duration::from_millis(2500));
    assert_eq!(store.job(&waits).unwrap().ran(), Duration::ZERO);
    let bounds = [(&waits, Some(60_000)), (&unbounded, None)];
    for (id, longest) in bounds {
        let database = Connection::open(scratch.directory.path().join("jobs.db")).unwrap();
        let sql = "SELECT longest_ms FROM jobs WHERE id = ?1";
        let found: Option<i64> = database.query_row(sql, [id], |row| row.get(0)).unwrap();
        assert_eq!(found, longest);
    }
    store.delete(&over).unwrap();
    assert_eq!(store.usage("ada", SystemTime::UNIX_EPOCH).unwrap().seconds, 3.5);
}

#[test]
fn what_a_job_came_to_stays_when_it_is_forgotten() {
    let begun = SystemTime::now();
    let scratch = Scratch::new();
    let store = &scratch.store;
    let budget = ketch_jobs::Budget::whole_machine();
    let used = || scratch.other().usage("ada", SystemTime::UNIX_EPOCH).unwrap().seconds;
    // As if the job that was taken last had run for so long by the last word of its worker.
    let runs_for = |milliseconds: u32| {
        scratch.tamper(&format!(
            "UPDATE jobs SET taken_ms = created_ms - 60000, \
             lease_wall = created_ms - 60000 + {milliseconds} WHERE state = 'RUNNING'"
        ));
    };
    let send = || submit(&scratch, "lab/bench", served("ada", "sampler"), &[]);
    submit(&scratch, "lab/bench", served("bob", "sampler"), &[]);
    store.claim(budget).unwrap().unwrap().finish(None).unwrap();

    let id = send();
    assert_eq!(used(), 0.0);
    let claim = store.claim(budget).unwrap().unwrap();
    runs_for(7000);
    assert_eq!(used(), 7.0, "a running job counts");
    assert_eq!(store.job(&id).unwrap().ran(), Duration::from_secs(7));
    // What it waits between two takings does not.
    claim.release().unwrap();
    assert_eq!(used(), 7.0);
    let claim = store.claim(budget).unwrap().unwrap();
    runs_for(500);
    assert_eq!(used(), 7.5);
    claim.finish(None).unwrap();
    assert_eq!(store.job(&id).unwrap().ran(), Duration::from_millis(7500));
    store.delete(&id).unwrap();
    assert_eq!(used(), 7.5, "who deletes a job gets nothing back");

    // Nor for one that waits again, or is stopped, or whose worker died.
    let id = send();
    let claim = store.claim(budget).unwrap().unwrap();
    runs_for(1000);
    claim.release().unwrap();
    store.delete(&id).unwrap();
    send();
    let claim = store.claim(budget).unwrap().unwrap();
    runs_for(2000);
    claim.cancelled().unwrap();
    send();
    store.claim(budget).unwrap().unwrap();
    runs_for(4000);
    scratch.tamper("UPDATE jobs SET owner = 'gone' WHERE state = 'RUNNING'");
    store.recover().unwrap();
    assert_eq!(used(), 14.5);
    assert_eq!(store.usage("ada", begun).unwrap().seconds, 14.5, "to the hour");
    let later = SystemTime::now() + Duration::from_secs(7200);
    assert_eq!(store.usage("ada", later).unwrap().seconds, 4.0, "what has not come to an end");
    // Old hours are forgotten in the end.
    scratch.tamper("UPDATE spent SET hour_ms = hour_ms - 30 * 24 * 3600000");
    store.maintain(ketch_jobs::Retention::default()).unwrap();
    assert_eq!(used(), 4.0);
}

#[test]
fn nobodys_jobs_push_out_those_of_others() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let budget = ketch_jobs::Budget::whole_machine();
    let large = |user: Option<&str>| {
        let id = match user {
            Some(user) => submit(&scratch, "lab/bench", served(user, "sampler"), &[]),
            None => scratch.submit("lab/bench", &experiments(1)),
        };
        let claim = store.claim(budget).unwrap().unwrap();
        claim.finish_with(&large_result(10_000), None).unwrap();
        id
    };
    let [own, bobs] = [large(None), large(Some("bob"))];
    let adas = [(); 5].map(|()| large(Some("ada")));
    let retention = ketch_jobs::Retention { bytes: 25_000, ..Default::default() };
    assert_eq!(scratch.other().maintain(retention).unwrap(), 3);
    let kept: Vec<bool> = adas.iter().map(|id| store.job(id).is_ok()).collect();
    assert_eq!(kept, [false, false, false, true, true]);
    assert!(store.job(&own).is_ok() && store.job(&bobs).is_ok());
}

/// Takes jobs one after the other until none is left; whose they were.
fn taken(scratch: &Scratch) -> String {
    let store = &scratch.store;
    let mut whose = String::new();
    while let Some(claim) = store.claim(ketch_jobs::Budget::whole_machine()).unwrap() {
        whose.push_str(claim.record.tags.first().map_or("-", String::as_str));
        claim.finish(None).unwrap();
    }
    whose
}

#[test]
fn users_take_turns_and_each_ones_jobs_keep_their_order() {
    let scratch = Scratch::new();
    let send = |user: &str, count| {
        let each =
            (0..count).map(|_| submit(&scratch, "lab/bench", served(user, "sampler"), &[user]));
        each.collect::<Vec<_>>().pop()
    };
    send("a", 5);
    let last = send("b", 2).unwrap();
    send("c", 1);
    // The owner's own jobs are one more user's.
    scratch.submit("lab/bench", &experiments(1));
    // a b c - a b a a a
    assert_eq!(scratch.store.position(&last).unwrap(), Some(6));
    assert_eq!(taken(&scratch), "abc-abaaa");
    // Who was away has saved nothing up, and nobody is punished for what is over.
    send("a", 2);
    send("d", 3);
    send("a", 1);
    assert_eq!(taken(&scratch), "adadda");
    assert_eq!(scratch.store.pending_of("a").unwrap(), 0);
    send("a", 2);
    assert_eq!(scratch.store.pending_of("a").unwrap(), 2);
}

#[test]
fn jobs_that_are_given_up_cost_nobody_a_turn() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let send = |user: &str, count| -> Vec<String> {
        let each =
            (0..count).map(|_| submit(&scratch, "lab/bench", served(user, "sampler"), &[user]));
        each.collect()
    };
    let refused = || {
        let error = StoredError::new("served.samplex", "no", None);
        let served = Served { refused: Some(error), ..served("a", "executor") };
        submit(&scratch, "lab/bench", served, &[])
    };
    // Of ten, the first and the last ones are stopped and some between are forgotten.
    let ids = send("a", 10);
    refused();
    let stop = |ids: &[String]| ids.iter().for_each(|id| assert!(store.cancel(id).unwrap()));
    stop(&ids[..3]);
    stop(&ids[8..]);
    ids[4..7].iter().for_each(|id| store.delete(id).unwrap());
    send("b", 3);
    send("a", 1);
    assert_eq!(store.position(&ids[7]).unwrap(), Some(3));
    assert_eq!(taken(&scratch), "ababba");
    // Also where turns have been taken before, and where nothing is left of all that was sent.
    stop(&send("a", 3));
    send("b", 2);
    send("a", 2);
    assert_eq!(taken(&scratch), "baba");
    // One that runs when it is stopped has had its turn.
    let first = send("a", 2).remove(0);
    let claim = store.claim(ketch_jobs::Budget::whole_machine()).unwrap().unwrap();
    assert!(store.cancel(&first).unwrap());
    claim.cancelled().unwrap();
    send("b", 1);
    assert_eq!(taken(&scratch), "ab");
}

#[test]
fn a_job_that_is_given_back_is_taken_before_later_ones() {
    let scratch = Scratch::new();
    let store = &scratch.store;
    let budget = ketch_jobs::Budget::whole_machine();
    let first = submit(&scratch, "lab/bench", served("a", "sampler"), &["a"]);
    submit(&scratch, "lab/bench", served("a", "sampler"), &["x"]);
    let claim = store.claim(budget).unwrap().unwrap();
    assert_eq!(claim.record.id, first);
    claim.release().unwrap();
    submit(&scratch, "lab/bench", served("b", "sampler"), &["b"]);
    assert_eq!(taken(&scratch), "axb");
}
