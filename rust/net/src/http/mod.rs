//! The live HTTP client. It sends each request once: no redirect is followed and nothing is sent again, for whoever places
//! an order must know whether it may have arrived.

mod options;
pub(crate) mod tls;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use exuvia_ports::{Http, HttpError, Request, Response};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url, redirect, retry};

pub use options::{HttpOptions, Reach};

use crate::{Driver, NetError};

/// A client with a pool of connections; clones share it.
///
/// ```
/// use exuvia_net::{Driver, HttpClient, HttpOptions};
/// use exuvia_ports::{Http, Request};
/// let client = HttpClient::new(&Driver::new()?, HttpOptions::default())?;
/// let error = client.send(&Request::new("GET", "https://api.example/orders")).unwrap_err();
/// assert!(!error.may_have_arrived());
/// assert!(error.to_string().contains("127.0.0.1 only"), "{error}");
/// # Ok::<(), exuvia_net::NetError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpClient {
    driver: Driver,
    client: Client,
    options: HttpOptions,
}

/// What kept an exchange from its end, before it is put into words.
enum Failure {
    NotSent(String),
    NotAnswered(String),
}

impl HttpClient {
    /// A client within these bounds, on the threads of `driver`. Proxies come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`
    /// and `NO_PROXY`; a client that reaches loopback only asks none.
    ///
    /// # Errors
    /// [`NetError`] if the options or the machine's TLS set-up do not go.
    pub fn new(driver: &Driver, options: HttpOptions) -> Result<Self, NetError> {
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls::configuration()?)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(options.connect.min(options.whole))
            .pool_idle_timeout(options.idle)
            .user_agent(options.user_agent.as_str());
        if options.reach == Reach::Loopback {
            builder = builder.no_proxy().resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        let client = builder.build().map_err(|error| NetError::Client(chain(&error)))?;
        Ok(Self { driver: driver.clone(), client, options })
    }

    /// Sends and awaits the answer, in any runtime; [`Http::send`] is the same for callers that wait. A request that nobody
    /// awaits any more goes on to its end.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn exchange(&self, request: &Request) -> Result<Response, HttpError> {
        let (client, asked) = (self.clone(), request.clone());
        let outcome = self.driver.on_threads(async move { client.exchange_here(&asked).await }).await;
        outcome.map_err(|failure| failure.of(request))
    }

    async fn exchange_here(&self, request: &Request) -> Result<Response, Failure> {
        let prepared = self.prepare(request).map_err(Failure::NotSent)?;
        let whole = self.options.whole;
        match tokio::time::timeout(whole, self.carry_out(prepared)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::NotAnswered(format!("no whole answer within {}", shown(whole)))),
        }
    }

    /// Asks for another protocol on the connection; the answer with status 101 can be upgraded.
    pub(crate) async fn ask_to_upgrade(&self, request: &Request) -> Result<reqwest::Response, String> {
        let prepared = self.prepare(request)?;
        self.client.execute(prepared).await.map_err(|error| chain(&error.without_url()))
    }

    pub(crate) const fn driver(&self) -> &Driver {
        &self.driver
    }

    fn prepare(&self, request: &Request) -> Result<reqwest::Request, String> {
        let url: Url = request.url.parse().map_err(|error| format!("it is no URL: {error}"))?;
        if let Some(why) = self.options.reach.refuses(&url) {
            return Err(why);
        }
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("{:?} is no method of HTTP", request.method))?;
        let mut headers = HeaderMap::with_capacity(request.headers.len());
        for (name, value) in &request.headers {
            let key =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no name of a header"))?;
            // A value may be a secret: it is never told.
            let value = HeaderValue::from_str(value)
                .map_err(|_| format!("the value of header {name} has characters it must not"))?;
            headers.append(key, value);
        }
        let mut prepared = reqwest::Request::new(method, url);
        *prepared.headers_mut() = headers;
        if !request.body.is_empty() {
            *prepared.body_mut() = Some(request.body.clone().into());
        }
        Ok(prepared)
    }

    async fn carry_out(&self, request: reqwest::Request) -> Result<Response, Failure> {
        let mut answer = self.client.execute(request).await.map_err(failure)?;
        let largest = self.options.largest;
        let too_large = || Failure::NotAnswered(format!("its answer is larger than {largest} bytes"));
        let announced = answer.content_length().unwrap_or(0);
        if announced > largest as u64 {
            return Err(too_large());
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
        while let Some(part) =
            answer.chunk().await.map_err(|error| Failure::NotAnswered(chain(&error.without_url())))?
        {
            if body.len() + part.len() > largest {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        Ok(Response { status: answer.status().as_u16(), headers, body })
    }
}

impl Http for HttpClient {
    fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let in_a_task =
            || Err(Failure::NotSent("a task of an async runtime must not wait: await the exchange".to_owned()));
        let outcome = self.driver.wait(self.exchange_here(request)).unwrap_or_else(in_a_task);
        outcome.map_err(|failure| failure.of(request))
    }
}

impl Failure {
    fn of(self, request: &Request) -> HttpError {
        let (method, url) = (request.method.clone(), without_query(&request.url));
        match self {
            Self::NotSent(reason) => HttpError::NotSent { method, url, reason },
            Self::NotAnswered(reason) => HttpError::NotAnswered { method, url, reason },
        }
    }
}

/// Before a connection stands no byte of the request has left; after that anything may have arrived.
fn failure(error: reqwest::Error) -> Failure {
    let sent = !(error.is_connect() || error.is_builder());
    let reason = chain(&error.without_url());
    if sent { Failure::NotAnswered(reason) } else { Failure::NotSent(reason) }
}

/// The error and its causes; each once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

/// A query may hold a token, as that of a hub does: it is not told.
pub(crate) fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(path, _)| format!("{path}?…"))
}

pub(crate) fn shown(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}
