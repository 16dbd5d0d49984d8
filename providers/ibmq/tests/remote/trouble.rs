//! Networks, servers and tokens that fail.

use std::time::{Duration, Instant};

use ketch_core::{Error, Provider, RunOptions};
use serde_json::json;

use ketch_provider_ibmq::Settings;

use crate::{
    replay::{
        Nothing, Reply, Script, Scripted, Server,
        ibm::{DEVICE, Ibm, refusal},
    },
    support::{TestHost, account, bell, device, failure, fast, provider, provider_of, told},
};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

const STATUS: &str = "GET /api/v1/backends/fake_lima/status";
const JOB: &str = "GET /api/v1/jobs/job-1";

fn scripted(script: Script) -> Server {
    let service = Ibm::with_course(&["Queued", "Running", "Completed"]);
    Server::start(Scripted { script, service }).unwrap()
}

fn on(route: &str, replies: impl IntoIterator<Item = Reply>) -> Server {
    scripted(Script::default().on(route, replies))
}

#[test]
fn a_token_that_expires_while_a_job_runs_is_replaced() {
    let server = on(JOB, [Reply::Pass, refusal(401, "Token expired"), Reply::Pass]);
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    assert_eq!(job.result(PATIENCE).unwrap().counts(0).unwrap().total(), 10);
    assert_eq!(server.asked("POST /identity/token").len(), 2);
}

#[test]
fn a_token_is_replaced_before_it_expires() {
    let service = Ibm::default().with_token_life(0);
    let server = Server::start(service).unwrap();
    let backend = device(&server.url());
    backend.status().unwrap();
    backend.status().unwrap();
    // One for the list and one for each status; no answer was a refusal.
    assert_eq!(server.asked("POST /identity/token").len(), 3);
    assert_eq!(server.asked(STATUS).len(), 2);
}

#[test]
fn a_token_that_is_never_good_is_told_after_one_more() {
    let server = on(STATUS, [refusal(401, "no")]);
    let error = failure(device(&server.url()).status());
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
    assert!(error.to_string().contains("answered 401: no"), "{error}");
    assert_eq!(server.asked(STATUS).len(), 2);
}

#[test]
fn a_wrong_key_is_refused_at_once() {
    let server = Server::start(Ibm::default()).unwrap();
    let mut account = account(&server.url());
    account["token"] = "wrong".into();
    let error = failure(provider(&[account]).get_backend(DEVICE));
    let expected = format!(
        "not authenticated: the account's token is refused: {} refused POST /identity/token with \
         400: Provided API key … could not be found.",
        server.url()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(server.log().len(), 1);
}

#[test]
fn the_wait_that_the_server_asks_for_is_kept() {
    let busy = Reply::text(429, "").with("Retry-After", "1");
    let server = on(STATUS, [busy, Reply::Pass]);
    assert!(device(&server.url()).status().unwrap().operational);
    let asked = server.asked(STATUS);
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[test]
fn a_wait_beyond_the_budget_is_told() {
    let busy = Reply::text(429, "").with("Retry-After", "3600");
    let server = on(STATUS, [busy]);
    let error = failure(device(&server.url()).status());
    let hour = Duration::from_secs(3600);
    assert!(matches!(error, Error::RateLimited { retry_after: Some(after) } if after == hour));
    assert_eq!(server.asked(STATUS).len(), 1);
}

#[test]
fn a_server_that_recovers_is_asked_until_it_does() {
    let replies = [
        Reply::text(503, "busy"),
        Reply::HangUp,
        Reply::Truncated(b"{\"state\":".to_vec()),
        Reply::Pass,
    ];
    let server = on(STATUS, replies);
    assert_eq!(device(&server.url()).status().unwrap().pending_jobs, 3);
    assert_eq!(server.asked(STATUS).len(), 4);
}

#[test]
fn a_server_that_does_not_recover_is_given_up() {
    let server = on(STATUS, [refusal(502, "the\n gateway is down")]);
    let error = failure(device(&server.url()).status());
    assert!(matches!(error, Error::Transport { .. }));
    let expected = format!("cannot reach {}: it answered 502: the\n gateway is down", server.url());
    assert_eq!(told(&error), expected);
    assert!(error.is_retryable());
    assert_eq!(server.asked(STATUS).len(), 4);
}

#[test]
fn an_outage_is_not_made_worse() {
    const ASKED: usize = 1000;
    let down = Reply::text(503, "down");
    let mut replies = vec![down; ASKED + 100];
    replies.push(Reply::Pass);
    let server = on(STATUS, replies);
    let backend = device(&server.url());
    let settings = fast();
    for _ in 0..ASKED {
        assert!(failure(backend.status()).is_retryable());
    }
    let sent = server.asked(STATUS).len();
    assert!(sent > ASKED + usize::try_from(settings.attempts).unwrap(), "nothing was repeated");
    assert!(sent <= ASKED + ASKED / 10, "{sent} questions were sent for {ASKED}");
    // Nobody is shut out by that: whoever asks later is heard.
    let mut looks = (sent..ASKED + 101).map(|_| backend.status());
    assert!(looks.any(|status| status.is_ok_and(|status| status.operational)));
}

#[test]
fn broken_answers_have_an_end() {
    let server = on(STATUS, [Reply::Truncated(b"{}".to_vec())]);
    let error = told(&failure(device(&server.url()).status()));
    assert!(error.contains("the connection broke before the whole answer was there"), "{error}");
    assert_eq!(server.asked(STATUS).len(), 4);
}

#[test]
fn garbage_is_shown_and_not_asked_for_again() {
    let page = "<html>\n  <body>Please log in to this network".to_owned() + &" x".repeat(500);
    let server = on(STATUS, [Reply::text(200, &page)]);
    let error = failure(device(&server.url()).status());
    let message = error.to_string();
    let begins = format!("{} answered GET /backends/{DEVICE}/status unexpectedly: ", server.url());
    assert!(message.starts_with(&begins), "{message}");
    assert!(message.contains("found `<html> <body>Please log in"), "{message}");
    assert!(message.len() < 400, "{message}");
    assert_eq!(error.code(), "service.answer");
    assert_eq!(server.asked(STATUS).len(), 1);

    for body in ["", "{}", "[1]", "\u{0}", "{\"state\":\"yes\"}"] {
        let server = on(STATUS, [Reply::text(200, body)]);
        assert_eq!(failure(device(&server.url()).status()).code(), "service.answer", "{body}");
    }
}

#[test]
fn nobody_listening_is_told() {
    // A port that no other test is given: those are above 1023.
    let url = "http://127.0.0.1:1";
    let error = failure(provider(&[account(url)]).get_backend(DEVICE));
    assert!(matches!(&error, Error::Transport { service, .. } if service == url));
    assert!(told(&error).contains("cannot connect"), "{}", told(&error));
}

#[test]
fn a_server_that_hangs_is_left() {
    let server = on(STATUS, [Reply::Hang]);
    let settings = Settings { request: Duration::from_secs(1), attempts: 2, ..fast() };
    let provider = provider_of(&TestHost::with(&[account(&server.url())]), settings);
    let error = failure(provider.get_backend(DEVICE).unwrap().status());
    assert!(told(&error).ends_with("no answer within 1s"), "{}", told(&error));
    assert_eq!(server.asked(STATUS).len(), 2);
}

#[test]
fn a_wait_for_a_result_ends_at_its_deadline() {
    // Whatever the server does: a job that goes on, silence, refusals.
    let courses = [
        vec![Reply::Pass],
        vec![Reply::Hang],
        vec![Reply::Pass, Reply::Hang],
        vec![Reply::text(503, "")],
        vec![Reply::HangUp],
    ];
    for replies in courses {
        let script = Script::default().on(JOB, replies.clone());
        let service = Ibm::with_course(&["Running"]);
        let server = Server::start(Scripted { script, service }).unwrap();
        let settings = Settings { attempts: 1_000_000, ..fast() };
        let provider = provider_of(&TestHost::with(&[account(&server.url())]), settings);
        let backend = provider.get_backend(DEVICE).unwrap();
        let job = backend.run(bell(), RunOptions::default()).unwrap();
        let (start, timeout) = (Instant::now(), Duration::from_millis(300));
        let error = failure(job.result(Some(timeout)));
        let took = start.elapsed();
        let in_time = matches!(error, Error::Timeout { after, .. } if after == timeout);
        assert!(in_time, "{replies:?}: {}", told(&error));
        assert!(took >= Duration::from_millis(250), "{replies:?}: {took:?}");
        // 50 ms are promised, on a machine that does nothing else; a request may take seconds.
        assert!(took < timeout + Duration::from_secs(1), "{replies:?}: {took:?}");
    }
}

#[test]
fn a_redirection_does_not_carry_the_token_away() {
    let thief = Server::start(Nothing).unwrap();
    let away = Reply::text(307, "").with("Location", &format!("{}/x", thief.url()));
    let server =
        scripted(Script::default().on(STATUS, [away.clone()]).on("POST /api/v1/jobs", [away]));
    let backend = device(&server.url());
    assert_eq!(failure(backend.status()).code(), "service.refused");
    assert_eq!(failure(backend.run(bell(), RunOptions::default())).code(), "service.refused");
    assert!(thief.log().is_empty());
}

#[test]
fn documents_with_holes_are_refused_by_name() {
    let route = format!("GET /api/v1/backends/{DEVICE}/configuration");
    let server = on(&route, [Reply::json(200, &json!({"backend_name": DEVICE}))]);
    let error = failure(device(&server.url()).configuration()).to_string();
    assert!(error.contains("missing field `backend_version`"), "{error}");
    assert!(error.contains(&format!("GET /backends/{DEVICE}/configuration")), "{error}");
}
