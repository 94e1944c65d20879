//! Settles which request heads are read at all: bounded, without encodings of control characters, without a compressed body behind them.
//!
//! actix-web itself bounds a head at 96 headers and 128 KiB; that is for a parser, not for a service whose longest address
//! is a page of an inbox and whose largest header is a cookie of a kilobyte.

use actix_web::dev::RequestHead;
use actix_web::http::{StatusCode, header};

use super::Problem;

/// Longest path with query, in bytes.
const LONGEST_ADDRESS: usize = 2_048;
/// All names and values of headers together, in bytes; the front door's own limit is the same.
const LARGEST_HEADERS: usize = 16 * 1_024;

/// Refuses what no route takes, whatever its handler would do with it.
pub(super) fn check(head: &RequestHead) -> Result<(), Problem> {
    let address = head.uri.path_and_query().map_or("", |address| address.as_str());
    if address.len() > LONGEST_ADDRESS {
        let detail = format!("Path and query may have at most {LONGEST_ADDRESS} bytes.");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "address_too_long", detail));
    }
    if has_control_character(address.as_bytes()) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_address",
            "Path and query may hold no control characters.",
        ));
    }
    let size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > LARGEST_HEADERS {
        return Err(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            format!("All headers together may have at most {LARGEST_HEADERS} bytes."),
        ));
    }
    if head.headers.get_all(header::CONTENT_ENCODING).any(|coding| coding != "identity") {
        // A few hundred kilobytes may unpack to gigabytes: no route needs that risk.
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_encoding",
            "Send the body uncompressed.",
        ));
    }
    Ok(())
}

/// Percent-encoded ones: raw ones never get through the parser. NUL is what PostgreSQL refuses with an error of its own.
fn has_control_character(address: &[u8]) -> bool {
    address.windows(3).any(|window| match window {
        [b'%', b'0' | b'1', second] => second.is_ascii_hexdigit(),
        [b'%', b'7', b'f' | b'F'] => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_control_characters_are_found_and_others_are_not() {
        for bad in ["/a%00", "/a?q=%00", "/%0a", "/%1F", "/?x=%7f"] {
            assert!(has_control_character(bad.as_bytes()), "{bad}");
        }
        for good in ["/", "/caf%C3%A9?q=%20", "/a%2500", "/100%", "/%7e"] {
            assert!(!has_control_character(good.as_bytes()), "{good}");
        }
    }
}
