//! Clients of `ketch serve`, as many as are wanted: each a thread that mostly sleeps, with a
//! connection of its own, and asks what Python's `qiskit-ibm-runtime` 0.51 asks for each job.
//!
//! Before a job the client looks at the backend's status and at the user's seconds; then it submits,
//! asks for the job until that has come to its end, and reads the result.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

/// Who asks what, for how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Where the server listens: `127.0.0.1:8642`.
    address: String,
    /// An access token.
    token: String,
    /// The backend, as its name is on the wire.
    backend: String,
    /// A file with the body of `POST /jobs`.
    job: PathBuf,
    clients: u32,
    /// How long a client waits before it asks for its job again.
    poll_s: f64,
    /// What is measured begins after so long, when all clients are at work.
    warm_s: f64,
    /// For how long is measured.
    seconds: f64,
}

/// The kinds of calls that are told apart.
#[derive(Clone, Copy)]
enum Call {
    Before,
    Submit,
    Poll,
    Result,
}

/// The names of the kinds, in the order of [`Call`].
const CALLS: [&str; 4] = ["before", "submit", "poll", "result"];

/// What a client saw while it was measured: how long each call took, and how long each job, from its
/// submission to its result; in seconds.
#[derive(Debug, Default)]
struct Seen {
    calls: [Vec<f64>; CALLS.len()],
    jobs: Vec<f64>,
}

pub(crate) fn answer(request: &Request) -> Result<Value> {
    ensure!(request.clients > 0, "no client");
    let body = fs::read(&request.job);
    let body = body.with_context(|| format!("reading {}", request.job.display()))?;
    let begun = Instant::now();
    let times = Times {
        from: begun + Duration::from_secs_f64(request.warm_s),
        to: begun + Duration::from_secs_f64(request.warm_s + request.seconds),
    };
    let seen = thread::scope(|scope| {
        let client = |number: u32| {
            // Not all at once: people are not in step either.
            let late = request.poll_s * f64::from(number) / f64::from(request.clients);
            let body = body.as_slice();
            let work = move || {
                thread::sleep(Duration::from_secs_f64(late));
                Client::new(request)?.work(request, body, times)
            };
            thread::Builder::new().stack_size(128 << 10).spawn_scoped(scope, work)
        };
        let clients: Vec<_> = (0..request.clients).map(client).collect::<Result<_, _>>()?;
        clients.into_iter().try_fold(Seen::default(), |mut all, client| {
            let Ok(seen) = client.join() else { bail!("a client panicked") };
            let seen = seen?;
            for (all, seen) in all.calls.iter_mut().zip(seen.calls) {
                all.extend(seen);
            }
            all.jobs.extend(seen.jobs);
            Ok(all)
        })
    })?;
    let calls = CALLS.into_iter().zip(seen.calls);
    let calls: serde_json::Map<String, Value> =
        calls.map(|(name, times)| (name.to_owned(), spread(times))).collect();
    let jobs_per_second = seen.jobs.len() as f64 / request.seconds;
    Ok(json!({ "calls": calls, "jobs": spread(seen.jobs), "jobs_per_second": jobs_per_second }))
}

/// How many there are, the middle one, and the one that 99 of 100 are not above.
fn spread(mut seconds: Vec<f64>) -> Value {
    seconds.sort_by(f64::total_cmp);
    let at = |hundredth: usize| seconds.get(seconds.len() * hundredth / 100).copied();
    json!({ "count": seconds.len(), "p50_s": at(50), "p99_s": at(99), "max_s": seconds.last() })
}

/// From when to when is measured.
#[derive(Clone, Copy)]
struct Times {
    from: Instant,
    to: Instant,
}

impl Times {
    fn hold(&self, moment: Instant) -> bool {
        (self.from..self.to).contains(&moment)
    }
}

/// A connection that is kept, and what is sent with every request.
struct Client {
    stream: BufReader<TcpStream>,
    headers: String,
}

impl Client {
    fn new(request: &Request) -> Result<Self> {
        let Request { address, token, .. } = request;
        let stream = TcpStream::connect(address);
        let stream = stream.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        // The headers of the client, with values of their usual length.
        let headers = format!(
            "Host: {address}\r\nUser-Agent: python-requests/2.32.5\r\nAccept-Encoding: gzip, \
             deflate\r\nAccept: application/json\r\nConnection: keep-alive\r\nX-Qx-Client-Application: \
             qiskit-version-2/2.6.2,qiskit_ibm_runtime/0.51.0\r\nAuthorization: Bearer \
             {token}\r\nService-CRN: crn:v1:bluemix:public:quantum-computing:us-east:a/local:0000::\r\n\
             IBM-API-Version: 2026-04-15\r\n"
        );
        Ok(Self { stream: BufReader::new(stream), headers })
    }

    /// Job after job, until the time is over; one at least.
    fn work(&mut self, request: &Request, body: &[u8], times: Times) -> Result<Seen> {
        let mut seen = Seen::default();
        let status = format!("backends/{}/status", request.backend);
        loop {
            self.timed(Call::Before, "GET", &status, &[], times, &mut seen)?;
            self.timed(Call::Before, "GET", "instances/usage", &[], times, &mut seen)?;
            let begun = Instant::now();
            let made = self.timed(Call::Submit, "POST", "jobs", body, times, &mut seen)?;
            let id = read(&made)?["id"].as_str().context("a job without an id")?.to_owned();
            let path = format!("jobs/{id}?exclude_params=true");
            loop {
                let job = self.timed(Call::Poll, "GET", &path, &[], times, &mut seen)?;
                match read(&job)?["state"]["status"].as_str() {
                    Some("Queued" | "Running") => {}
                    Some("Completed") => break,
                    other => bail!("job {id} is {other:?}"),
                }
                thread::sleep(Duration::from_secs_f64(request.poll_s));
            }
            let path = format!("jobs/{id}/results");
            let result = self.timed(Call::Result, "GET", &path, &[], times, &mut seen)?;
            ensure!(result.len() > 100, "a result of {} bytes", result.len());
            if times.hold(Instant::now()) {
                seen.jobs.push(begun.elapsed().as_secs_f64());
            }
            if Instant::now() >= times.to {
                return Ok(seen);
            }
        }
    }

    fn timed(
        &mut self,
        call: Call,
        method: &str,
        path: &str,
        body: &[u8],
        times: Times,
        seen: &mut Seen,
    ) -> Result<Vec<u8>> {
        let begun = Instant::now();
        let answer = self.ask(method, path, body).with_context(|| format!("{method} {path}"))?;
        if times.hold(begun) {
            seen.calls[call as usize].push(begun.elapsed().as_secs_f64());
        }
        Ok(answer)
    }

    /// The body of an answer that is 200.
    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let (headers, length) = (&self.headers, body.len());
        let mut asked = format!("{method} /api/v1/{path} HTTP/1.1\r\n{headers}");
        if length > 0 {
            asked += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        let mut asked = (asked + "\r\n").into_bytes();
        asked.extend_from_slice(body);
        self.stream.get_mut().write_all(&asked)?;

        let mut line = String::new();
        let mut next = |stream: &mut BufReader<TcpStream>| -> Result<String> {
            line.clear();
            ensure!(stream.read_line(&mut line)? > 0, "the server has hung up");
            Ok(line.trim_end().to_ascii_lowercase())
        };
        let status = next(&mut self.stream)?;
        let mut length = 0;
        loop {
            let header = next(&mut self.stream)?;
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().context("the length of an answer")?;
            }
        }
        ensure!(length < 1 << 24, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        ensure!(
            status.starts_with("http/1.1 200"),
            "{status}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(answer)
    }
}

fn read(answer: &[u8]) -> Result<Value> {
    serde_json::from_slice(answer).context("reading an answer")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server of one connection, whose jobs are done when they are asked for a second time.
    fn serve(listener: &TcpListener) -> Vec<String> {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let mut asked = Vec::new();
        loop {
            let (mut line, mut length) = (String::new(), 0);
            if stream.read_line(&mut line).unwrap() == 0 {
                return asked;
            }
            loop {
                let mut header = String::new();
                stream.read_line(&mut header).unwrap();
                if let Some(value) = header.strip_prefix("Content-Length: ") {
                    length = value.trim().parse().unwrap();
                }
                if header == "\r\n" {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
            let again = asked.last() == Some(&line);
            let answer = match line.split(' ').nth(1).unwrap() {
                "/api/v1/jobs" => r#"{"id":"7"}"#.to_owned(),
                "/api/v1/jobs/7/results" => "r".repeat(200),
                _ if again => r#"{"state":{"status":"Completed"}}"#.to_owned(),
                _ => r#"{"state":{"status":"Queued"}}"#.to_owned(),
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.get_mut().write_all((head + &answer).as_bytes()).unwrap();
            asked.push(line);
        }
    }

    #[test]
    fn a_client_asks_as_pythons_does() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let job = scratch.path().join("job.json");
        fs::write(&job, "{}").unwrap();
        let request = Request {
            address: listener.local_addr().unwrap().to_string(),
            token: "t".to_owned(),
            backend: "b".to_owned(),
            job,
            clients: 1,
            poll_s: 0.001,
            warm_s: 0.0,
            seconds: 0.0,
        };
        let (found, asked) = thread::scope(|scope| {
            let server = scope.spawn(|| serve(&listener));
            (answer(&request).unwrap(), server.join().unwrap())
        });
        let paths: Vec<&str> =
            asked.iter().map(|line| line.trim_end().trim_end_matches(" HTTP/1.1")).collect();
        assert_eq!(
            paths,
            [
                "GET /api/v1/backends/b/status",
                "GET /api/v1/instances/usage",
                "POST /api/v1/jobs",
                "GET /api/v1/jobs/7?exclude_params=true",
                "GET /api/v1/jobs/7?exclude_params=true",
                "GET /api/v1/jobs/7/results",
            ]
        );
        // The time was over before it began.
        assert_eq!(found["calls"]["submit"]["count"], 0, "{found}");
        assert_eq!(found["jobs"]["count"], 0, "{found}");
    }

    #[test]
    fn the_spread_is_read_off_the_sorted_times() {
        let found = spread((0..200).rev().map(f64::from).collect());
        assert_eq!(found["p50_s"], 100.0);
        assert_eq!(found["p99_s"], 198.0);
        assert_eq!(found["max_s"], 199.0);
        assert_eq!(spread(Vec::new())["p99_s"], Value::Null);
    }
}
