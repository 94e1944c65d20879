//! Settles from which address a request comes: the nearest hop that is not a trusted proxy, never what a client claims.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use ipnet::IpNet;

use super::{EdgePolicy, Problem};

/// The address that a request comes from, as far as proxies are believed: for what is kept of credentials, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let policy = request.app_data::<web::Data<EdgePolicy>>();
        let address = policy.and_then(|policy| client_address(request, &policy.trusted_proxies));
        ready(address.map(|address| Self(address.to_canonical())).ok_or_else(Problem::internal))
    }
}

/// The client's address. `X-Forwarded-For` is read from the right, and only as far as the hops are trusted.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let hops = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    Some(nearest_untrusted(peer, &hops, trusted))
}

/// Whether the peer itself is a trusted proxy.
pub(super) fn is_from_proxy(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    request.peer_addr().is_some_and(|peer| is_trusted(peer.ip(), trusted))
}

fn nearest_untrusted(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        if !is_trusted(nearest, trusted) {
            break;
        }
        let Ok(address) = hop.parse() else { break };
        nearest = address;
    }
    nearest
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(peer: &str, hops: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        nearest_untrusted(peer.parse().unwrap(), hops, &trusted).to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        assert_eq!(
            nearest("203.0.113.9", &["198.51.100.1"]),
            "203.0.113.9",
            "peer is no proxy: header ignored"
        );
        assert_eq!(
            nearest("10.0.0.1", &["198.51.100.1", "203.0.113.9"]),
            "203.0.113.9",
            "leftmost is a claim"
        );
        assert_eq!(nearest("10.0.0.1", &["203.0.113.9", "10.0.0.2"]), "203.0.113.9", "two proxies in a row");
        assert_eq!(nearest("10.0.0.1", &["rubbish"]), "10.0.0.1");
    }
}
