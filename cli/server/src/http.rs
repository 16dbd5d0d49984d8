//! HTTP/1.1 over TCP or TLS: connections, limits, and an orderly end. What is asked and answered is
//! nobody's business here.
//!
//! A request is judged by its head before anything is read of its body; bodies, what is at work and
//! answers each have [`Room`] for so many bytes, which they wait for without keeping a thread, and
//! of which nobody has more than half.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Response,
    body::{Body, Bytes, Incoming},
    header::{self, HeaderValue},
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ketch::jobs::new_id;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::{
    Limits, Service, Tls,
    answer::{Answer, Refusal, Reply},
    audit::Entry,
    paced::Paced,
    request::Request,
    room::{Place, Room},
    routes::{self, Route},
    users::User,
    work::at_work,
};

/// How long those who are being answered have to finish.
const FAREWELL: Duration = Duration::from_secs(10);

/// The most bytes of a head.
const HEAD: usize = 64 << 10;

/// How often somebody looks whether the server is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The threads that find answers.
pub(crate) const THREADS: usize = 32;

/// How often a request is looked at again whose time has not come.
const AGAIN: Duration = Duration::from_millis(20);

/// Bodies and answers of so few bytes are not counted: every connection has as many for heads.
const SMALL: usize = HEAD;

/// What all connections share.
struct Desk {
    service: Arc<Service>,
    limits: Limits,
    /// For bodies from when they are waited for until the answer is there.
    bodies: Room,
    /// For what it takes to make answers.
    work: Room,
    /// For answers, until they have been taken.
    answers: Room,
}

impl Desk {
    fn new(service: Arc<Service>, limits: Limits) -> Self {
        let (bodies, work, answers) =
            (Room::new(256 << 20), Room::new(1 << 30), Room::new(512 << 20));
        Self { service, limits, bodies, work, answers }
    }
}

pub(crate) fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    limits: Limits,
    tls: Option<Tls>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(THREADS)
        .thread_name("ketch serve")
        .enable_io()
        .enable_time()
        .build()?;
    let served = runtime.block_on(accept(listener, service, limits, tls, stop));
    // Whoever has not finished by now is not waited for.
    runtime.shutdown_timeout(Duration::ZERO);
    served
}

async fn accept(
    listener: TcpListener,
    service: Arc<Service>,
    limits: Limits,
    tls: Option<Tls>,
    stop: &AtomicBool,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let desk = Arc::new(Desk::new(service, limits));
    let room = Arc::new(Semaphore::new(limits.connections));
    let (leave, leaving) = watch::channel(false);
    while !stop.load(Ordering::Relaxed) {
        let entered = async {
            let place = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await?, place))
        };
        let ((stream, peer), place) = match timeout(LOOK, entered).await {
            Err(_) => continue,
            Ok(Ok(entered)) => entered,
            Ok(Err(_)) => {
                // A client that left while it waited, or no descriptor is free for the moment.
                sleep(LOOK).await;
                continue;
            }
        };
        let (desk, leaving, tls) = (Arc::clone(&desk), leaving.clone(), tls.clone());
        tokio::spawn(async move {
            // Answers are small; waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            let stream = Paced::new(stream, limits.arriving);
            match tls {
                None => converse(stream, peer, desk, leaving).await,
                // Who does not get through the handshake in time is hung up on.
                Some(Tls(tls)) => {
                    let accepted = timeout(limits.arriving, tls.accept(stream)).await;
                    if let Ok(Ok(stream)) = accepted {
                        converse(stream, peer, desk, leaving).await;
                    }
                }
            }
            drop(place);
        });
    }
    drop(listener);
    // Nobody listens if there is no connection.
    let _ = leave.send(true);
    let everybody = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    // Those who are too slow are cut off.
    let _ = timeout(FAREWELL, room.acquire_many(everybody)).await;
    Ok(())
}

/// Answers the requests of a connection, until it ends or the server does.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    desk: Arc<Desk>,
    mut leaving: watch::Receiver<bool>,
) {
    let arriving = desk.limits.arriving;
    let answer = service_fn(|request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, std::convert::Infallible>(answer(request, peer, &desk).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(arriving)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    // A connection that breaks is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = async { drop(leaving.wait_for(|&leaving| leaving).await) } => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Answers a request, and takes note of it.
async fn answer(
    asked: hyper::Request<Incoming>,
    peer: SocketAddr,
    desk: &Arc<Desk>,
) -> Response<Full<Bytes>> {
    let trace = new_id();
    let (head, body) = asked.into_parts();
    let method = head.method.clone();
    let mut entry = Entry::new(&trace, peer, &method, &head.uri);
    let user = Arc::new(OnceLock::new());
    let mut begun = Instant::now();
    let (answer, place) = match reply(desk, head, body, &user, &mut begun).await {
        Ok((answer, place)) => (answer, place),
        Err(refusal) => {
            if refusal.status >= 500 {
                (desk.service.say)(&format!("error: request {trace}: {}", refusal.message));
            }
            (refusal.answer(&trace), None)
        }
    };
    desk.service.watch.answered(&method, answer.status, begun.elapsed());
    entry.end(user.get(), &answer);
    if entry.matters() {
        let service = Arc::clone(&desk.service);
        // It waits for the disk. If it fails, the request is done all the same.
        let _ = spawn_blocking(move || service.audit.note(&entry)).await;
    }
    response(answer, place, &trace)
}

/// What a request comes to, with the room that a large answer takes; `begun` becomes when all of the
/// request was there.
async fn reply(
    desk: &Arc<Desk>,
    head: Parts,
    mut body: Incoming,
    user: &Arc<OnceLock<User>>,
    begun: &mut Instant,
) -> Result<(Answer, Option<Place>), Refusal> {
    let limits = desk.limits;
    let (waits, is_alone) = (head.headers.contains_key(header::EXPECT), body.is_end_stream());
    let announced = body.size_hint().lower();
    let judged = judged(desk, head, announced, is_alone, user).await;
    let (mut request, route, answered) = match judged {
        Ok(judged) => judged,
        Err(refusal) => {
            // Who waits for a word before it sends anything hears this one.
            if !waits {
                hear_out(&mut body, limits).await;
            }
            return Err(refusal);
        }
    };
    // Who is not known sends and hears little, which is not counted.
    let name = user.get().map_or("", |user| user.name.as_str());
    let mut places = Arc::new(Vec::new());
    let answer = match answered {
        Some(answer) => answer,
        None => {
            let (bytes, place) = arrived(desk, name, body, route.body().min(limits.body)).await?;
            *begun = Instant::now();
            request.body = bytes;
            let mut taken = Vec::from_iter(place);
            let work = route.work(&request);
            if work > 0 {
                taken.push(desk.work.take(name, work, limits.arriving).await.ok_or_else(busy)?);
            }
            places = Arc::new(taken);
            patiently(desk, request, route, user, &places).await?
        }
    };
    let place = match answer.body.len() {
        ..=SMALL => None,
        bytes => Some(desk.answers.take(name, bytes, limits.arriving).await.ok_or_else(busy)?),
    };
    // Only now nothing but the answer is left.
    drop(places);
    Ok((answer, place))
}

/// The request and where it goes, if its head is in order; and the answer, if it is a small question,
/// as most are.
async fn judged(
    desk: &Arc<Desk>,
    head: Parts,
    announced: u64,
    is_alone: bool,
    user: &Arc<OnceLock<User>>,
) -> Result<(Request, &'static Route, Option<Answer>), Refusal> {
    let limits = desk.limits;
    if announced > limits.body as u64 {
        return Err(too_large(limits.body));
    }
    let request = Request::new(head.method, &head.uri, head.headers)?;
    let (service, who) = (Arc::clone(&desk.service), Arc::clone(user));
    at_work((), move || {
        let route = routes::admit(&service, &request, &who)?;
        let most = route.body().min(limits.body);
        if announced > most as u64 {
            return Err(too_large(most));
        }
        let at_once = is_alone
            && request.method == Method::GET
            && route.work(&request) == 0
            && route.queue(&service.queues).is_none();
        let answered = at_once
            .then(|| routes::answer(&service, &request, route, who.get(), Duration::ZERO))
            .transpose()?;
        Ok((request, route, answered))
    })
    .await
}

/// The answer to a request, which is asked again while its time has not come.
async fn patiently(
    desk: &Arc<Desk>,
    request: Request,
    route: &'static Route,
    user: &Arc<OnceLock<User>>,
    places: &Arc<Vec<Place>>,
) -> Reply {
    let (begun, request) = (Instant::now(), Arc::new(request));
    let mut waited = Duration::ZERO;
    loop {
        let (service, request) = (Arc::clone(&desk.service), Arc::clone(&request));
        let user = Arc::clone(user);
        // Nobody closes it, so that whoever waits gets a place.
        let place = match route.queue(&desk.service.queues) {
            Some(queue) => Arc::clone(queue).acquire_owned().await.ok(),
            None => None,
        };
        let held = (place, Arc::clone(places));
        let answer = move || routes::answer(&service, &request, route, user.get(), waited);
        let answered = at_work(held, answer).await?;
        if answered != Answer::not_yet() {
            return Ok(answered);
        }
        sleep(AGAIN).await;
        waited = begun.elapsed();
    }
}

fn too_large(most: usize) -> Refusal {
    Refusal::new(413, "request.too_large", format!("the body has more than {most} bytes"))
        .with_solution("send fewer circuits at a time, or let the server take more: `--max-body`")
}

/// Who is hung up on in the middle of a body may never read why: what is coming, and not far too
/// much, is heard to its end, and forgotten.
async fn hear_out(body: &mut Incoming, limits: Limits) {
    /// When nothing has come for so long, nothing is coming.
    const SILENCE: Duration = Duration::from_millis(250);
    if body.size_hint().lower() <= limits.body as u64 * 8 {
        let mut left = limits.body * 8;
        let all = async {
            while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let Some(less) = left.checked_sub(bytes) else { break };
                left = less;
            }
        };
        // However it ends, the answer is the same.
        let _ = timeout(limits.arriving, all).await;
    }
}

/// Nothing was done, and the same request may be answered in a moment.
fn busy() -> Refusal {
    Refusal::new(503, "server.busy", "the server has too much to do; nothing was done")
        .with_solution("try again in a moment")
}

/// The body, if it is within the limits, and the room that it takes.
async fn arrived(
    desk: &Desk,
    user: &str,
    mut body: Incoming,
    most: usize,
) -> Result<(Bytes, Option<Place>), Refusal> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    let arriving = desk.limits.arriving;
    let hint = body.size_hint();
    let announced = hint.upper().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(most);
    let place = match announced {
        ..=SMALL => None,
        bytes => Some(desk.bodies.take(user, bytes, arriving).await.ok_or_else(busy)?),
    };
    let reading = async {
        let mut bytes = Vec::with_capacity(usize::try_from(hint.lower()).unwrap_or(0));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::bad("the body is not whole"))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(too_large(most));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from(bytes))
    };
    let bytes = timeout(arriving, reading).await.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {arriving:?}");
        Err(Refusal::new(408, "request.too_slow", message))
    })?;
    Ok((bytes, place))
}

/// Bytes that have a place in a room until nobody needs them.
struct Held(Vec<u8>, #[expect(dead_code, reason = "held, and given back")] Place);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn response(answer: Answer, place: Option<Place>, trace: &str) -> Response<Full<Bytes>> {
    let Answer { status, kind, body, .. } = answer;
    let bytes = match place {
        None => Bytes::from(body),
        Some(place) => Bytes::from_owner(Held(body, place)),
    };
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("the statuses are ours");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == 503 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    if let Ok(trace) = HeaderValue::from_str(trace) {
        headers.insert("x-request-id", trace);
    }
    response
}
