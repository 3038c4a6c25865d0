//! What holds for every request: nothing from other hosts is shown, and no other host's page may act here.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::words::t;

/// Everything comes from here; nothing is run that stands in a page itself; nobody shows us in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !is_from_here(request.headers()) {
        return (StatusCode::FORBIDDEN, t("error.other_site")).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Browsers say where a form stood. Programs say nothing, and have no session of somebody else's.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
        (None, _) => true,
    };
    site && origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(fields: &[(&'static str, &'static str)]) -> bool {
        let pairs = fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        is_from_here(&pairs.collect())
    }

    #[test]
    fn forms_of_other_sites_are_known() {
        assert!(from(&[("host", "fax:8025"), ("origin", "http://fax:8025"), ("sec-fetch-site", "same-origin")]));
        assert!(from(&[("host", "fax:8025")]));
        assert!(!from(&[("host", "fax:8025"), ("origin", "http://evil.example")]));
        assert!(!from(&[("host", "fax:8025"), ("origin", "null")]));
        assert!(!from(&[("host", "fax:8025"), ("sec-fetch-site", "cross-site")]));
        assert!(!from(&[("origin", "http://fax:8025")]));
    }
}
