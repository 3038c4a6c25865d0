//! How a server that speaks S3 is reached: by the HTTP client that webhooks go by.

use std::{pin::Pin, time::Duration};

use axum::http::Response;
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use reqwest::Client;
use tokio_rustls::rustls::crypto::aws_lc_rs;

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Connector;

#[derive(Debug)]
struct Service(Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        // Whoever was first has said the same.
        let _ = aws_lc_rs::default_provider().install_default();
        let client = Client::builder().timeout(PATIENCE).build();
        let client = client.map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(Service(client)))
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Service {
    fn call<'s, 'a>(&'s self, request: HttpRequest) -> Answer<'a>
    where
        's: 'a,
        Self: 'a,
    {
        Box::pin(self.ask(request))
    }
}

impl Service {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(axum::body::Body::new(body), usize::MAX).await;
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Request, error))?;
        let request = self.0.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
        let answer = request.send().await.map_err(told)?;
        let mut head = Response::builder().status(answer.status());
        if let Some(fields) = head.headers_mut() {
            *fields = answer.headers().clone();
        }
        let body = answer.bytes().await.map_err(told)?;
        head.body(body.into()).map_err(|error| HttpError::new(HttpErrorKind::Decode, error))
    }
}

fn told(error: reqwest::Error) -> HttpError {
    let kind = match &error {
        error if error.is_timeout() => HttpErrorKind::Timeout,
        error if error.is_connect() => HttpErrorKind::Connect,
        error if error.is_body() || error.is_decode() => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error.without_url())
}
