//! Where the service of an account is.

use ketch_core::Result;
use reqwest::Url;

use super::not_a_url;
use crate::account::Account;

/// IBM's host; its regions are names before it.
const IBM: &str = "cloud.ibm.com";

/// The region that has no name of its own in the address.
const FIRST_REGION: &str = "us-east";

/// The addresses of a service.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    /// Of the API.
    pub(super) api: Url,
    /// Where keys become tokens.
    pub(super) iam: Url,
}

impl Place {
    /// # Errors
    /// If an address of the account is not a URL.
    pub(super) fn of(account: &Account) -> Result<Self> {
        let given = account.url.as_deref().filter(|url| !url.is_empty());
        let mut api = match given.map(Url::parse) {
            None => ibm(account.instance.as_deref()),
            Some(Ok(url)) if url.host_str() == Some(IBM) => ibm(account.instance.as_deref()),
            Some(Ok(url)) if url.has_host() => url,
            Some(_) => return Err(not_a_url(account, "url")),
        };
        api.set_query(None);
        if api.path() == "/" {
            api.set_path("/api/v1");
        }
        let iam = match account.iam_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Url::parse(url).ok().filter(Url::has_host),
            // A key must not go to IBM for the sake of somebody else's service.
            None if is_ibms(&api) => Url::parse(&format!("https://iam.{IBM}")).ok(),
            None => {
                let mut host = api.clone();
                host.set_path("/");
                Some(host)
            }
        };
        Ok(Self { api, iam: iam.ok_or_else(|| not_a_url(account, "iam_url"))? })
    }
}

fn is_ibms(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == IBM || host.ends_with(&format!(".{IBM}")))
}

/// IBM's own address for the region that the instance names: the sixth field of a CRN.
fn ibm(instance: Option<&str>) -> Url {
    let region = instance.and_then(|crn| crn.split(':').nth(5)).filter(|region| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !region.is_empty() && *region != FIRST_REGION && region.chars().all(plain)
    });
    let address = match region {
        Some(region) => format!("https://{region}.quantum.{IBM}/api/v1"),
        None => format!("https://quantum.{IBM}/api/v1"),
    };
    Url::parse(&address).expect("a plain region makes a URL")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(url: Option<&str>, instance: Option<&str>) -> [String; 2] {
        let document = json!({"name": "a", "token": "t", "url": url, "instance": instance});
        let place = Place::of(&serde_json::from_value(document).unwrap()).unwrap();
        [place.api.to_string(), place.iam.to_string()]
    }

    #[test]
    fn the_region_is_in_the_instance() {
        let crn =
            |region: &str| format!("crn:v1:bluemix:public:quantum-computing:{region}:a/1:2::");
        let iam = "https://iam.cloud.ibm.com/";
        assert_eq!(places(None, None), ["https://quantum.cloud.ibm.com/api/v1", iam]);
        let east = crn("us-east");
        assert_eq!(places(None, Some(&east))[0], "https://quantum.cloud.ibm.com/api/v1");
        let europe = crn("eu-de");
        let expected = "https://eu-de.quantum.cloud.ibm.com/api/v1";
        assert_eq!(places(Some("https://cloud.ibm.com"), Some(&europe)), [expected, iam]);
        let evil = crn("evil.example/");
        assert_eq!(places(None, Some(&evil))[0], "https://quantum.cloud.ibm.com/api/v1");
    }

    #[test]
    fn other_services_get_their_own_keys() {
        let expected = ["http://127.0.0.1:8080/api/v1", "http://127.0.0.1:8080/"];
        assert_eq!(places(Some("http://127.0.0.1:8080"), None), expected);
        let expected = ["http://127.0.0.1:8080/experimental/api/v1", "http://127.0.0.1:8080/"];
        assert_eq!(places(Some("http://127.0.0.1:8080/experimental/api/v1"), None), expected);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in ["quantum", "file:///etc", "http://"] {
            let document = json!({"name": "lab", "token": "t", "url": url});
            let error = Place::of(&serde_json::from_value(document).unwrap()).unwrap_err();
            assert_eq!(error.to_string(), "the url of account `lab` is not a URL");
        }
    }
}
