//! What no client should send: each gets an answer with a reason, or is hung up on, and the server
//! lives.

use std::{io::Write, net::TcpStream};

use super::{Client, Server, token};
use crate::sandbox::Sandbox;

#[test]
fn requests_that_make_no_sense_are_refused_and_the_server_lives() {
    let sandbox = Sandbox::new();
    let server = Server::with(&sandbox, &["--max-body", "1"]);
    let client = server.client(&sandbox, "ada");
    for (method, path, body, status) in [
        ("GET", "/", "", 404),
        ("GET", "/api/v2/backends", "", 404),
        ("GET", "/api/v1/backends/../jobs", "", 404),
        ("GET", "/api/v1/%ff", "", 400),
        ("BREW", "/api/v1/backends", "", 405),
        ("POST", "/api/v1/backends", "", 405),
        ("GET", "/api/v1/jobs?limit=x", "", 400),
        ("GET", "/api/v1/jobs?limit=0", "", 400),
        ("GET", "/api/v1/jobs?limit=99999999999999999999", "", 400),
        ("GET", "/api/v1/jobs?created_after=soon", "", 400),
        ("GET", "/api/v1/jobs?sort=up", "", 400),
        ("GET", "/api/v1/jobs?pending=perhaps", "", 400),
        ("POST", "/api/v1/sessions", "", 400),
        ("POST", "/api/v1/sessions", "[]", 400),
        ("POST", "/api/v1/sessions", "{\"backend\": \"noisy_ibmqx4\", \"mode\": \"x\"}", 400),
        ("POST", "/api/v1/sessions", "{\"backend\": \"noisy_ibmqx4\", \"max_ttl\": -1}", 400),
        ("POST", "/api/v1/sessions", "{\"backend\": \"noisy_ibmqx4\", \"max_ttl\": 9e18}", 400),
    ] {
        let error = client.send(method, path, body.as_bytes()).refused(status);
        assert!(error["message"].as_str().unwrap().len() > 5, "{method} {path}: {error}");
    }
    let long = format!("/api/v1/jobs?tags={}", "x".repeat(300));
    let many = format!("/api/v1/jobs?{}", "tags=x&".repeat(65));
    for path in [long, many] {
        let error = client.get(&path).refused(400);
        assert!(error["message"].as_str().unwrap().contains("tag"), "{error}");
    }
    let deep = "[".repeat(200_000);
    client.send("POST", "/api/v1/sessions", deep.as_bytes()).refused(400);
    client.get("/api/v1/backends").ok();
}

#[test]
fn what_is_too_large_is_not_read() {
    let sandbox = Sandbox::new();
    let server = Server::with(&sandbox, &["--max-body", "1"]);
    let client = server.client(&sandbox, "ada");
    let error = client.send("POST", "/api/v1/sessions", &vec![b' '; 2 << 20]).refused(413);
    assert_eq!(error["code"], "request.too_large");
    // Announced only: nothing of it needs to come.
    let announced =
        b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    client.raw(announced).refused(413);
    let secret = token(&sandbox, &["new", "ada"]);
    let mut chunked = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {secret}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for _ in 0..40 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&[b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    client.raw(&chunked).refused(413);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    assert!(matches!(client.raw(long.as_bytes()).status, 0 | 400..=499));
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(200_000));
    assert!(matches!(client.raw(head.as_bytes()).status, 0 | 400..=499));
    client.get("/api/v1/backends").ok();
}

#[test]
fn what_is_no_http_is_hung_up_on() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let client = server.client(&sandbox, "ada");
    for garbled in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut bytes = garbled.to_vec();
        bytes.extend_from_slice(b"\r\n\r\n");
        assert!(matches!(client.raw(&bytes).status, 0 | 400..=499), "{garbled:?}");
    }
    // A client that begins and goes away.
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.write_all(b"POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{").unwrap();
    drop(stream);
    client.get("/api/v1/backends").ok();
    Client::new(server.port, "").get("/healthz").ok();
}
