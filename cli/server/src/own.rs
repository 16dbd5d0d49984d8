//! Accounts at the server itself. It would list its own backends once more, and wait for itself to
//! say which: it answers nobody before it knows them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

use hyper::Uri;
use ketch::{AccountFilter, Registry};

/// Makes the plugins not use the accounts whose URL leads to this address; returns their names.
/// Blocks while names of hosts are looked up. What stands before the server, such as a proxy, is not
/// seen through.
pub(crate) fn leave_out(registry: &Registry, address: SocketAddr) -> Vec<String> {
    let accounts = registry.accounts();
    let mut left_out = Vec::new();
    for account in accounts.accounts() {
        if account.url.as_deref().is_some_and(|url| leads_to(url, address)) {
            let name = Some(account.name.clone());
            accounts.disable(&AccountFilter { name, provider: Some(account.provider), url: None });
            left_out.push(account.name);
        }
    }
    left_out
}

/// Whether who asks at a URL asks whoever listens at an address.
fn leads_to(url: &str, address: SocketAddr) -> bool {
    let Ok(url) = url.trim().parse::<Uri>() else { return false };
    let standard = if url.scheme_str() == Some("https") { 443 } else { 80 };
    let Some(host) = url.host() else { return false };
    // Nobody is asked for a host's address where the port tells already.
    if url.port_u16().unwrap_or(standard) != address.port() {
        return false;
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(mut places) = (host, address.port()).to_socket_addrs() else { return false };
    let listening = address.ip().to_canonical();
    places.any(|place| {
        let ip = place.ip().to_canonical();
        // Who connects to no address in particular comes to this machine's loopback.
        let loopback = ip.is_unspecified() && listening.is_loopback();
        ip == listening || loopback || listening.is_unspecified() && is_of_this_machine(ip)
    })
}

/// Whether an address is one of this machine's: nobody can have a socket at another one's.
fn is_of_this_machine(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_the_server_by_any_name_of_it() {
        let table = [
            ("http://127.0.0.1:8642", "127.0.0.1:8642", true),
            ("http://127.0.0.1:8642/api/v1", "127.0.0.1:8642", true),
            (" https://127.0.0.1:8642/ ", "127.0.0.1:8642", true),
            ("http://localhost:8642", "127.0.0.1:8642", true),
            ("http://0.0.0.0:8642", "127.0.0.1:8642", true),
            ("http://127.0.0.1:8642", "0.0.0.0:8642", true),
            ("http://127.0.0.1:8642", "[::]:8642", true),
            ("http://[::1]:8642", "[::1]:8642", true),
            ("http://127.0.0.1", "127.0.0.1:80", true),
            ("https://127.0.0.1", "127.0.0.1:443", true),
            ("http://127.0.0.1:8643", "127.0.0.1:8642", false),
            ("http://127.0.0.2:8642", "127.0.0.1:8642", false),
            // An address that is for documents only, and so nobody's.
            ("http://192.0.2.7:8642", "0.0.0.0:8642", false),
            ("http://192.0.2.7:8642", "127.0.0.1:8642", false),
            ("https://quantum.example/api/v1", "127.0.0.1:8642", false),
            ("no url", "127.0.0.1:8642", false),
            ("", "127.0.0.1:8642", false),
        ];
        for (url, address, expected) in table {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(leads_to(url, address), expected, "{url} and {address}");
        }
    }
}
