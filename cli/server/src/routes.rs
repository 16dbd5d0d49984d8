//! What can be asked: one table.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use hyper::Method;
use tokio::sync::Semaphore;

use crate::{
    Service,
    answer::{Refusal, Reply},
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
    pub(crate) user: &'a User,
    /// What stands in place of the stars of the route.
    pub(crate) arguments: Vec<&'a str>,
    /// For how long the request has been [put off](crate::answer::Answer::not_yet) already.
    pub(crate) waited: Duration,
}

type Open = fn(&Service, &Request) -> Reply;
type Closed = fn(&Call<'_>) -> Reply;

/// How many bytes it may take to answer, if they are worth counting.
type Work = fn(&Request) -> usize;

/// Who is answered.
enum To {
    Everybody(Open),
    Those(Scope, Closed),
    /// Those, but only as many at a time as there is memory for.
    InTurn(Scope, Closed, Work),
}

/// A method and a path, below one of [`BASES`] or from the root; `*` is any one segment.
pub(crate) struct Route(Method, Below, &'static str, To);

#[derive(Clone, Copy, PartialEq)]
enum Below {
    Root,
    Base,
}

use Below::{Base, Root};
use Scope::{Read, Run};
use To::{Everybody, InTurn, Those};

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
    Route(Method::GET, Base, "jobs", InTurn(Read, jobs::list, jobs::list_work)),
    Route(Method::POST, Base, "jobs", InTurn(Run, jobs::submit, jobs::submit_work)),
    Route(Method::GET, Base, "jobs/*", InTurn(Read, jobs::one, jobs::one_work)),
    Route(Method::GET, Base, "jobs/*/results", InTurn(Read, jobs::results, jobs::results_work)),
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

/// Places for requests that may keep a thread for long.
pub(crate) struct Queues {
    /// Of those that change something, and so wait for the disk.
    changing: Arc<Semaphore>,
    /// Of those that ask backends, which may be silent.
    asking: Arc<Semaphore>,
}

impl Queues {
    /// They share out so many threads, of which others always find some.
    pub(crate) fn sharing(threads: usize) -> Self {
        let places = |share| Arc::new(Semaphore::new(share));
        Self { changing: places(threads / 2), asking: places(threads / 4) }
    }
}

impl Route {
    /// The most bytes of a body: few from those who are not known, and few where no circuits are.
    pub(crate) fn body(&self) -> usize {
        match self.3 {
            Everybody(_) => 16 << 10,
            Those(..) => 1 << 20,
            InTurn(..) => usize::MAX,
        }
    }

    /// How many bytes it may take to answer the request, if they are worth counting.
    pub(crate) fn work(&self, request: &Request) -> usize {
        match self.3 {
            Everybody(_) | Those(..) => 0,
            InTurn(_, _, work) => work(request),
        }
    }

    /// Where its requests wait until few enough are worked on, if they may keep a thread for long;
    /// those who only look at the store need not.
    pub(crate) fn queue<'s>(&self, queues: &'s Queues) -> Option<&'s Arc<Semaphore>> {
        match self {
            Self(_, _, _, Those(Run, _) | InTurn(Run, ..)) => Some(&queues.changing),
            Self(_, Base, pattern, _) if pattern.starts_with("backends") => Some(&queues.asking),
            _ => None,
        }
    }

    /// What stands in place of the stars, if the path is one of this route.
    fn arguments<'r>(&self, request: &'r Request) -> Option<Vec<&'r str>> {
        let Self(_, below, pattern, _) = self;
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        match below {
            Root => matched(pattern, &path),
            Base => matched(pattern, BASES.iter().find_map(|base| path.strip_prefix(*base))?),
        }
    }
}

/// Where a request goes, if its head is in order: there is such a route, and who asks may ask this.
/// Nothing else is looked at, nothing done.
///
/// # Errors
/// Why it is turned away.
pub(crate) fn admit(
    service: &Service,
    request: &Request,
    asking: &OnceLock<User>,
) -> Result<&'static Route, Refusal> {
    let mut allowed = Vec::new();
    for route in ROUTES.iter().filter(|route| route.arguments(request).is_some()) {
        let Route(method, _, _, to) = route;
        if *method != request.method {
            allowed.push(method.as_str());
            continue;
        }
        if let Those(scope, _) | InTurn(scope, ..) = to {
            let user = users::known(service, request)?;
            asking.get_or_init(|| user).may(*scope)?;
        }
        return Ok(route);
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

/// Answers a request that was [admitted](admit) to a route, for this user.
pub(crate) fn answer(
    service: &Service,
    request: &Request,
    route: &Route,
    user: Option<&User>,
    waited: Duration,
) -> Reply {
    let answer = match &route.3 {
        Everybody(answer) => return answer(service, request),
        Those(_, answer) | InTurn(_, answer, _) => answer,
    };
    let user = user.expect("who is not known is not admitted here");
    let arguments = route.arguments(request).expect("the request was admitted to this route");
    answer(&Call { service, request, user, arguments, waited })
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

    #[test]
    fn who_may_take_long_leaves_threads_to_the_others() {
        let queues = Queues::sharing(32);
        let mut free = Vec::new();
        for route @ Route(method, _, pattern, _) in ROUTES {
            let asks = pattern.split('/').next() == Some("backends");
            let found = route.queue(&queues).map(|queue| Arc::ptr_eq(queue, &queues.asking));
            match found {
                Some(asking) => assert_eq!(asking, asks, "{method} {pattern}"),
                None => free.push(format!("{method} {pattern}")),
            }
        }
        let free: Vec<&str> = free.iter().map(String::as_str).collect();
        assert!(free.contains(&"GET healthz") && free.contains(&"GET jobs/*"), "{free:?}");
        let sent: Vec<&str> = free.into_iter().filter(|route| !route.starts_with("GET")).collect();
        assert_eq!(sent, ["POST identity/token", "POST v3/resources/search"]);
        assert!(queues.changing.available_permits() + queues.asking.available_permits() < 32);
    }
}
