//! HTTP/1.1 over TCP or TLS: connections, limits, and an orderly end. What is asked and answered is
//! nobody's business here.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Response,
    body::{Body, Bytes, Incoming},
    header::{self, HeaderValue},
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
    answer::{Answer, Refusal},
    request::Request,
    routes,
};

/// How long those who are being answered have to finish.
const FAREWELL: Duration = Duration::from_secs(10);

/// The most bytes of a head.
const HEAD: usize = 64 << 10;

/// How often somebody looks whether the server is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The threads that find answers.
const THREADS: usize = 32;

/// How many requests are worked on at once that change something, and so wait for the disk: the other
/// threads are left to those who only look, and need not wait for those who write.
pub(crate) const CHANGING: usize = THREADS / 2;

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
        let (service, leaving, tls) = (Arc::clone(&service), leaving.clone(), tls.clone());
        tokio::spawn(async move {
            // Answers are small; waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            match tls {
                None => converse(stream, peer, service, limits, leaving).await,
                // Who does not get through the handshake in time is hung up on.
                Some(Tls(tls)) => {
                    let accepted = timeout(limits.arriving, tls.accept(stream)).await;
                    if let Ok(Ok(stream)) = accepted {
                        converse(stream, peer, service, limits, leaving).await;
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
    service: Arc<Service>,
    limits: Limits,
    mut leaving: watch::Receiver<bool>,
) {
    let answer = service_fn(|request| {
        let service = Arc::clone(&service);
        async move { answer(request, peer, service, limits).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.arriving)
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

async fn answer(
    asked: hyper::Request<Incoming>,
    peer: SocketAddr,
    service: Arc<Service>,
    limits: Limits,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let trace = new_id();
    let number = trace.clone();
    let method = asked.method().clone();
    let watching = Arc::clone(&service);
    let arrived = arrived(asked, limits).await;
    let begun = Instant::now();
    let answer = match arrived {
        Err(refusal) => refusal.answer(&trace),
        Ok(request) => {
            let changes = method != Method::GET;
            // Nobody closes it, so that whoever waits gets a place.
            let _place = if changes { watching.changing.acquire().await.ok() } else { None };
            let answered =
                spawn_blocking(move || routes::answer(&service, &request, peer, &number)).await;
            // A panic is a mistake of ours, which ends this request and nothing else.
            answered.unwrap_or_else(|_| {
                Refusal::new(
                    501,
                    "server.failed",
                    "the server failed at this request; it was \
                     not done, or not completely",
                )
                .answer(&trace)
            })
        }
    };
    watching.watch.answered(&method, answer.status, begun.elapsed());
    Ok(response(answer, &trace))
}

/// The request with its body, if it is within the limits.
async fn arrived(asked: hyper::Request<Incoming>, limits: Limits) -> Result<Request, Refusal> {
    let (head, body) = asked.into_parts();
    let too_large = || {
        Refusal::new(
            413,
            "request.too_large",
            format!("the body has more than {} bytes", limits.body),
        )
        .with_solution("send fewer circuits at a time, or let the server take more: `--max-body`")
    };
    if body.size_hint().lower() > limits.body as u64 {
        hear_out(body, limits).await;
        return Err(too_large());
    }
    let body = match timeout(limits.arriving, Limited::new(body, limits.body).collect()).await {
        Err(_) => {
            let message = format!("the body did not arrive within {:?}", limits.arriving);
            return Err(Refusal::new(408, "request.too_slow", message));
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(Refusal::bad("the body is not whole")),
        Ok(Ok(body)) => body.to_bytes(),
    };
    Request::new(head.method, &head.uri, head.headers, body)
}

/// Who is hung up on in the middle of a body may never read why: what is not far too large is heard
/// to its end, and forgotten.
async fn hear_out(mut body: Incoming, limits: Limits) {
    let most = limits.body as u64 * 8;
    if body.size_hint().lower() <= most {
        let all = async { while let Some(Ok(_)) = body.frame().await {} };
        // However it ends, the answer is the same.
        let _ = timeout(limits.arriving, all).await;
    }
}

fn response(answer: Answer, trace: &str) -> Response<Full<Bytes>> {
    let Answer { status, kind, body } = answer;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("the statuses are ours");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(trace) = HeaderValue::from_str(trace) {
        headers.insert("x-request-id", trace);
    }
    response
}
