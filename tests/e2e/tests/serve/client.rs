//! A client of a few lines, so that nothing hides what is on the wire.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::Value;

/// Somebody who asks.
pub(crate) struct Client {
    port: u16,
    token: String,
    /// Whom it believes, if it is to encrypt.
    believes: Option<Arc<ClientConfig>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(port: u16, token: &str) -> Self {
        Self { port, token: token.to_owned(), believes: None }
    }

    /// The same, encrypting, for a server that this authority vouches for.
    pub(crate) fn believing(self, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { believes: Some(Arc::new(config)), ..self }
    }

    /// The same at another port.
    pub(crate) fn at(&self, port: u16) -> Self {
        Self { port, token: self.token.clone(), believes: self.believes.clone() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, b"")
    }

    /// Sends a request of one kind and hears the answer.
    pub(crate) fn send(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let authorization = match self.token.as_str() {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: {length}\r\n\
             IBM-API-Version: 2026-04-15\r\nConnection: close\r\n\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// Sends bytes as they are and hears all that comes back.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let heard = match &self.believes {
            None => converse(&mut stream, bytes),
            Some(config) => {
                let name = ServerName::try_from("localhost").unwrap();
                let client = ClientConnection::new(Arc::clone(config), name).unwrap();
                converse(&mut StreamOwned::new(client, stream), bytes)
            }
        };
        let text = String::from_utf8(heard).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, body: body.to_owned() }
    }
}

/// Says something and hears all that comes back.
fn converse(stream: &mut (impl Read + Write), bytes: &[u8]) -> Vec<u8> {
    // A server that refuses a request may close before all of it was sent.
    let _ = stream.write_all(bytes);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    heard
}

impl Answer {
    /// The document of an answer that all went well.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// The text of an answer that all went well.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.body
    }

    /// Asserts that all went well and there was nothing to say.
    #[track_caller]
    pub(crate) fn done(self) {
        assert_eq!((self.status, self.body.as_str()), (204, ""), "{self:?}");
    }

    /// Why the request was refused: the first of the errors.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        let document: Value = serde_json::from_str(&self.body).unwrap();
        let error = document["errors"][0].clone();
        for field in ["code", "message", "solution", "more_info"] {
            assert!(error[field].is_string(), "{document}");
        }
        assert!(!error["message"].as_str().unwrap().is_empty() && document["trace"].is_string());
        error
    }
}
