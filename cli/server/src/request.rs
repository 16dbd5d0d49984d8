//! A request as the routes see it: a path of decoded segments, a query, and a body within its limit
//! once the head was found in order.

use hyper::{HeaderMap, Method, Uri, body::Bytes, header};
use serde::de::DeserializeOwned;

use crate::answer::Refusal;

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The segments of the path. The host of an absolute target is nobody's business here: to a
    /// client that uses this server as its proxy, it stands for every host.
    pub(crate) path: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    /// Empty until it has been read.
    pub(crate) body: Bytes,
}

impl Request {
    /// # Errors
    /// If the target is not valid text behind its percent signs.
    pub(crate) fn new(method: Method, target: &Uri, headers: HeaderMap) -> Result<Self, Refusal> {
        let segments = target.path().split('/').filter(|segment| !segment.is_empty());
        let path = segments.map(|text| decoded(text, false)).collect::<Result<_, _>>()?;
        let pairs = target.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
        let query = pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decoded(name, true)?, decoded(value, true)?))
            })
            .collect::<Result<_, Refusal>>()?;
        Ok(Self { method, path, query, headers, body: Bytes::new() })
    }

    /// The value of a parameter of the query; the last one if it is given several times.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters(name).last()
    }

    /// All values of a parameter of the query.
    pub(crate) fn parameters(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.query.iter().filter(move |(one, _)| one == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A parameter of the query that is a number or a truth value.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let read = |text: &str| {
            // Python writes True and False.
            let word = text.to_ascii_lowercase();
            word.parse().map_err(|_| {
                Refusal::bad(format!("`{name}={text}`: not a value of this parameter"))
            })
        };
        self.parameter(name).filter(|text| !text.is_empty()).map(read).transpose()
    }

    /// What the client shows to be let in: the scheme, in lower case, and what stands behind it.
    pub(crate) fn credentials(&self) -> Option<(String, &str)> {
        let text = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
        let (scheme, shown) = text.split_once(' ').unwrap_or(("bearer", text));
        Some((scheme.to_ascii_lowercase(), shown.trim()))
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// If it is none, or not such a document.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::bad(format!("the body cannot be read: {error}")))
    }

    /// The fields of a body that is a form.
    ///
    /// # Errors
    /// If it is not valid text.
    pub(crate) fn form(&self) -> Result<Vec<(String, String)>, Refusal> {
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| Refusal::bad("the form is not UTF-8 text"))?;
        let pairs = text.trim().split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decoded(name, true)?, decoded(value, true)?))
            })
            .collect()
    }
}

/// Text without its percent signs.
fn decoded(text: &str, plus_is_space: bool) -> Result<String, Refusal> {
    let wrong = || Refusal::bad("the target has a percent sign that encodes no text");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
                u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte")
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> Result<Request, Refusal> {
        let target: Uri = target.parse().unwrap();
        Request::new(Method::GET, &target, HeaderMap::new())
    }

    #[test]
    fn paths_and_queries_are_decoded() {
        let read = request("/api/v1/backends/a%2Fb?tags=x+y&tags=%C3%A9&limit=5&p=True").unwrap();
        assert_eq!(read.path, ["api", "v1", "backends", "a/b"]);
        assert_eq!(read.parameters("tags").collect::<Vec<_>>(), ["x y", "é"]);
        assert_eq!(read.parsed::<u64>("limit"), Ok(Some(5)));
        assert_eq!(read.parsed::<bool>("p"), Ok(Some(true)));
        assert_eq!(read.parsed::<u64>("none"), Ok(None));
        assert_eq!(read.parsed::<u64>("p").unwrap_err().status, 400);
    }

    #[test]
    fn the_host_of_an_absolute_target_does_not_matter() {
        assert_eq!(
            request("http://iam.q.local/identity/token").unwrap().path,
            ["identity", "token"]
        );
    }

    #[test]
    fn broken_percent_signs_are_refused() {
        for target in ["/%", "/%4", "/%zz", "/%ff", "/x?a=%"] {
            assert_eq!(request(target).unwrap_err().status, 400, "{target}");
        }
    }
}
