//! What a client may do and how long it may take.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use reqwest::Url;

/// How far a client reaches. The default is this machine: nothing goes live by accident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// 127.0.0.1, ::1 and localhost only; proxies are not asked.
    #[default]
    Loopback,
    /// Any host over TLS; without TLS this machine only.
    Anywhere,
}

impl Reach {
    /// Why this URL is out of reach, if it is.
    pub(crate) fn refuses(self, url: &Url) -> Option<String> {
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Some(format!("its scheme is {:?}, not http or https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some("it holds a user name or a password: send them in a header".to_owned());
        }
        if is_loopback(url) {
            return None;
        }
        match self {
            Self::Loopback => Some("this client reaches 127.0.0.1 only: a live one has to be asked for".to_owned()),
            Self::Anywhere if matches!(url.scheme(), "https" | "wss") => None,
            Self::Anywhere => Some("without TLS a token can be read on the way: use https".to_owned()),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare.parse() == Ok(Ipv4Addr::LOCALHOST) || bare.parse() == Ok(Ipv6Addr::LOCALHOST)
        }
        None => false,
    }
}

/// The bounds of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// How far it reaches.
    pub reach: Reach,
    /// Longest time for name, connection and TLS; when it has passed, nothing was sent.
    pub connect: Duration,
    /// Longest time for the whole exchange; when it has passed after the connection stood, the outcome is unknown.
    pub whole: Duration,
    /// Largest body of an answer in bytes.
    pub largest: usize,
    /// How long a connection waits for its next request.
    pub idle: Duration,
    /// What the client calls itself.
    pub user_agent: String,
}

impl Default for HttpOptions {
    /// Loopback, 5 s to connect, 30 s in all, 64 MiB, 50 s idle: venues close after a minute.
    fn default() -> Self {
        Self {
            reach: Reach::default(),
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(30),
            largest: 64 << 20,
            idle: Duration::from_secs(50),
            user_agent: concat!("exuvia/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn loopback_is_this_machine_by_its_three_names_and_nothing_that_looks_like_it() {
        let refuses = |reach: Reach, url: &str| reach.refuses(&url.parse().unwrap());
        for url in ["http://127.0.0.1:80/", "https://localhost/", "ws://[::1]:9/", "wss://127.0.0.1/"] {
            assert_eq!((refuses(Reach::Loopback, url), refuses(Reach::Anywhere, url)), (None, None), "{url}");
        }
        for url in
            ["https://127.0.0.1.example/", "https://localhost.example/", "https://127.0.0.2/", "https://api.example/"]
        {
            assert!(refuses(Reach::default(), url).unwrap().contains("127.0.0.1 only"), "{url}");
            assert_eq!(refuses(Reach::Anywhere, url), None, "{url}");
        }
        assert!(refuses(Reach::Anywhere, "http://api.example/").unwrap().contains("use https"));
        assert!(refuses(Reach::Anywhere, "ftp://127.0.0.1/").unwrap().contains("\"ftp\""));
        assert!(refuses(Reach::Anywhere, "data:text/plain,a").unwrap().contains("\"data\""));
        for url in ["https://me@127.0.0.1/", "https://:s3cret@127.0.0.1/"] {
            let said = refuses(Reach::Anywhere, url).unwrap();
            assert!(said.contains("in a header") && !said.contains("s3cret"), "{said}");
        }
    }
}
