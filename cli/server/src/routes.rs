//! What can be asked: one table.

use std::net::SocketAddr;

use hyper::Method;

use crate::{
    Service,
    answer::{Answer, Refusal, Reply},
    backends, jobs,
    request::Request,
    sessions, usage,
    users::{self, Scope, User},
    watch,
};

/// What is asked by a user who is known.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a Service,
    pub(crate) request: &'a Request,
    pub(crate) user: User,
    /// What stands in place of the stars of the route.
    pub(crate) arguments: Vec<&'a str>,
}

type Open = fn(&Service, &Request) -> Reply;
type Closed = fn(&Call<'_>) -> Reply;

/// Who is answered.
enum To {
    Everybody(Open),
    Those(Scope, Closed),
}

/// A method and a path, below one of [`BASES`] or from the root; `*` is any one segment.
struct Route(Method, Below, &'static str, To);

#[derive(Clone, Copy, PartialEq)]
enum Below {
    Root,
    Base,
}

use Below::{Base, Root};
use Scope::{Read, Run};
use To::{Everybody, Those};

/// Where the service begins, for clients of each kind.
const BASES: &[&[&str]] = &[&["api", "v1"], &["experimental", "api", "v1"]];

const ROUTES: &[Route] = &[
    Route(Method::GET, Root, "healthz", Everybody(watch::health)),
    Route(Method::GET, Root, "metrics", Those(Read, watch::metrics)),
    Route(Method::POST, Root, "identity/token", Everybody(users::exchange)),
    Route(Method::POST, Root, "v3/resources/search", Those(Read, users::instances)),
    Route(Method::GET, Base, users::PLAN, Those(Read, users::plan)),
    Route(Method::GET, Base, "backends", Those(Read, backends::list)),
    Route(Method::GET, Base, "backends/*/configuration", Those(Read, backends::configuration)),
    Route(Method::GET, Base, "backends/*/properties", Those(Read, backends::properties)),
    Route(Method::GET, Base, "backends/*/status", Those(Read, backends::status)),
    Route(Method::GET, Base, "instances/usage", Those(Read, usage::usage)),
    Route(Method::GET, Base, "versions", Those(Read, usage::versions)),
    Route(Method::GET, Base, "jobs", Those(Read, jobs::list)),
    Route(Method::POST, Base, "jobs", Those(Run, jobs::submit)),
    Route(Method::GET, Base, "jobs/*", Those(Read, jobs::one)),
    Route(Method::GET, Base, "jobs/*/results", Those(Read, jobs::results)),
    Route(Method::DELETE, Base, "jobs/*", Those(Run, jobs::delete)),
    Route(Method::POST, Base, "jobs/*/cancel", Those(Run, jobs::cancel)),
    Route(Method::GET, Base, "jobs/*/metrics", Those(Read, jobs::metrics)),
    Route(Method::GET, Base, "jobs/*/logs", Those(Read, jobs::logs)),
    Route(Method::PUT, Base, "jobs/*/tags", Those(Run, jobs::tag)),
    Route(Method::POST, Base, "sessions", Those(Run, sessions::open)),
    Route(Method::GET, Base, "sessions/*", Those(Read, sessions::one)),
    Route(Method::PATCH, Base, "sessions/*", Those(Run, sessions::change)),
    Route(Method::DELETE, Base, "sessions/*/close", Those(Run, sessions::close)),
];

/// Answers a request, and takes note of it.
pub(crate) fn answer(
    service: &Service,
    request: &Request,
    peer: SocketAddr,
    trace: &str,
) -> Answer {
    let mut user = None;
    let reply = reply(service, request, &mut user);
    let answer = reply.unwrap_or_else(|refusal| {
        if refusal.status >= 500 {
            (service.say)(&format!("error: request {trace}: {}", refusal.message));
        }
        refusal.answer(trace)
    });
    service.audit.note(trace, peer, user.as_ref(), request, answer.status);
    answer
}

fn reply(service: &Service, request: &Request, asking: &mut Option<User>) -> Reply {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let base = BASES.iter().find_map(|base| path.strip_prefix(*base));
    let fits = |Route(_, below, pattern, _): &Route| match below {
        Root => matched(pattern, &path),
        Base => matched(pattern, base?),
    };
    let mut allowed = Vec::new();
    for route in ROUTES {
        let Some(arguments) = fits(route) else { continue };
        let Route(method, _, _, to) = route;
        if *method != request.method {
            allowed.push(method.as_str());
            continue;
        }
        return match to {
            Everybody(answer) => answer(service, request),
            Those(scope, answer) => {
                let user = users::known(service, request)?;
                *asking = Some(user.clone());
                user.may(*scope)?;
                answer(&Call { service, request, user, arguments })
            }
        };
    }
    let asked = format!("{} /{}", request.method, request.path.join("/"));
    match allowed.is_empty() {
        true => Err(Refusal::not_found(format!("{asked}: there is nothing of this name"))),
        false => {
            let message = format!("{asked}: this takes {} only", allowed.join(", "));
            Err(Refusal::new(405, "request.method", message))
        }
    }
}

/// What stands in place of the stars, if the path fits the pattern.
fn matched<'a>(pattern: &str, path: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut arguments = Vec::new();
    let mut path = path.iter();
    for segment in pattern.split('/') {
        match (segment, *path.next()?) {
            ("*", given) => arguments.push(given),
            (segment, given) if segment == given => {}
            _ => return None,
        }
    }
    path.next().is_none().then_some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_whole_segments() {
        assert_eq!(matched("jobs/*/cancel", &["jobs", "1", "cancel"]), Some(vec!["1"]));
        assert_eq!(matched("jobs/*", &["jobs", "1", "cancel"]), None);
        assert_eq!(matched("jobs/*/cancel", &["jobs", "1"]), None);
        assert_eq!(matched("jobs", &["jobs"]), Some(vec![]));
    }

    #[test]
    fn no_route_hides_another() {
        for (place, Route(method, below, pattern, _)) in ROUTES.iter().enumerate() {
            let as_path: Vec<&str> = pattern.split('/').collect();
            let first = ROUTES.iter().position(|Route(one, other, earlier, _)| {
                one == method && other == below && matched(earlier, &as_path).is_some()
            });
            assert_eq!(first, Some(place), "{pattern}");
        }
    }
}
