//! The live HTTP client against servers that answer, stall, break off and lie. Whether a request may have arrived is what an
//! order hangs on, so each way to fail is tried with a real socket.

// The servers of these tests are theirs: real sockets, threads and time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::result_large_err)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use exuvia_net::{Driver, HttpClient, HttpOptions};
use exuvia_ports::{Http, HttpError, Request, Response};

/// Serves each connection in turn with `serve`, and tells how many were opened.
fn server(connections: usize, serve: impl Fn(usize, TcpStream) + Send + 'static) -> (SocketAddr, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, opened) = channel();
    thread::spawn(move || {
        for number in 0..connections {
            let Ok((stream, _)) = listener.accept() else { return };
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let _ = tell.send(number);
            serve(number, stream);
        }
    });
    (address, opened)
}

/// Reads one request: its head and as much body as it announces.
fn read_request(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(count) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = count.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn client(change: impl FnOnce(&mut HttpOptions)) -> HttpClient {
    let mut options = HttpOptions::default();
    change(&mut options);
    HttpClient::new(&Driver::new().unwrap(), options).unwrap()
}

fn order(address: SocketAddr) -> Request {
    Request::new("POST", &format!("http://{address}/orders?access_token=s3cret"))
        .header("Authorization", "Bearer s3cret")
        .header("x-request-id", "1")
        .body("{\"Amount\":1}")
}

fn after(answer: &'static str) -> Result<Response, HttpError> {
    let (address, _opened) = server(1, move |_, mut stream| {
        read_request(&stream).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    client(|options| options.whole = Duration::from_secs(5)).send(&order(address))
}

#[test]
fn what_is_sent_arrives_as_it_was_written_and_any_status_is_an_answer() {
    let (address, opened) = server(1, |_, mut stream| {
        for (status, body) in [("201 Created", "{\"OrderId\":\"7\"}"), ("500 Oops", ""), ("429 Slow", "later")] {
            let (head, sent) = read_request(&stream).unwrap();
            assert!(head.starts_with("POST /orders?access_token=s3cret HTTP/1.1\r\n"), "{head}");
            for line in ["authorization: Bearer s3cret", "x-request-id: 1", "user-agent: exuvia/"] {
                assert!(head.to_ascii_lowercase().contains(&line.to_ascii_lowercase()), "{line} in {head}");
            }
            assert_eq!(sent, b"{\"Amount\":1}");
            write!(stream, "HTTP/1.1 {status}\r\nX-Left: 3\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    let client = client(|_| {});
    for (status, body) in [(201, "{\"OrderId\":\"7\"}"), (500, ""), (429, "later")] {
        let answer = client.send(&order(address)).unwrap();
        assert_eq!(
            (answer.status, answer.header("x-left"), answer.body.as_slice()),
            (status, Some("3"), body.as_bytes())
        );
    }
    assert_eq!(opened.iter().count(), 1, "one connection served all three");
}

#[test]
fn a_port_where_nobody_listens_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client(|_| {}).send(&order(address)).unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn a_server_that_takes_the_request_and_says_nothing_leaves_it_in_doubt_within_the_time() {
    let (address, _opened) = server(1, |_, stream| {
        read_request(&stream).unwrap();
        thread::sleep(Duration::from_secs(2));
    });
    let start = Instant::now();
    let error = client(|options| options.whole = Duration::from_millis(300)).send(&order(address)).unwrap_err();
    assert!(error.may_have_arrived() && error.to_string().contains("within 0.3 s"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(1_800), "{:?}", start.elapsed());
}

#[test]
fn an_answer_that_breaks_off_or_is_none_leaves_the_request_in_doubt() {
    for answer in [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{\"Ord",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Ord\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: -4\r\n\r\n{}",
        "I am no server of HTTP\r\n\r\n",
    ] {
        let error = after(answer).expect_err(answer);
        assert!(error.may_have_arrived(), "{answer:?}: {error}");
    }
}

#[test]
fn no_error_tells_a_token() {
    let mut told = vec![after("nonsense\r\n\r\n").unwrap_err().to_string()];
    let silent = client(|_| {});
    told.push(silent.send(&order("127.0.0.1:1".parse().unwrap())).unwrap_err().to_string());
    let bad = Request::new("GET", "http://127.0.0.1:1/").header("Authorization", "Bearer s3cret\n");
    told.push(silent.send(&bad).unwrap_err().to_string());
    told.push(format!("{silent:?}"));
    for text in told {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_redirect_is_an_answer_and_is_never_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let target = elsewhere.local_addr().unwrap();
    let (address, _opened) = server(1, move |_, mut stream| {
        read_request(&stream).unwrap();
        write!(stream, "HTTP/1.1 307 Go\r\nLocation: http://{target}/\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let answer = client(|_| {}).send(&order(address)).unwrap();
    assert_eq!((answer.status, answer.header("location")), (307, Some(format!("http://{target}/").as_str())));
    assert!(elsewhere.accept().is_err(), "nobody came");
}

#[test]
fn an_answer_beyond_the_largest_is_not_kept_in_memory_announced_or_not() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n";
    let open = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (head, part) in [(head, "x".repeat(1_000)), (open, format!("3e8\r\n{}\r\n", "x".repeat(1_000)))] {
        let (address, _opened) = server(1, move |_, mut stream| {
            read_request(&stream).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            while stream.write_all(part.as_bytes()).is_ok() {}
        });
        let error = client(|options| options.largest = 1_500).send(&order(address)).unwrap_err();
        assert!(error.may_have_arrived() && error.to_string().contains("larger than 1500 bytes"), "{error}");
    }
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_not_used_for_an_order() {
    let (address, opened) = server(2, |number, mut stream| {
        read_request(&stream).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}").unwrap();
    });
    let client = client(|_| {});
    assert_eq!(client.send(&order(address)).unwrap().body, b"0");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(client.send(&order(address)).unwrap().body, b"1");
    assert_eq!(opened.iter().count(), 2);
}

#[test]
fn tls_that_the_machine_does_not_trust_or_that_is_none_sends_nothing() {
    let (address, _opened) = server(1, |_, mut stream| {
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).unwrap();
        assert_eq!(hello[0], 22, "a TLS handshake, no request");
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let request = Request::new("GET", &format!("https://{address}/"));
    let error = client(|_| {}).send(&request).unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error}");
}

#[test]
fn what_cannot_be_asked_is_refused_before_a_connection() {
    let client = client(|_| {});
    for (request, expected) in [
        (Request::new("GET", "orders"), "it is no URL"),
        (Request::new("GET", "https://gateway.example/orders"), "127.0.0.1 only"),
        (Request::new("G T", "http://127.0.0.1:1/"), "no method"),
        (Request::new("GET", "http://127.0.0.1:1/").header("a b", "1"), "\"a b\" is no name of a header"),
        (Request::new("GET", "http://127.0.0.1:1/").header("a", "1\r\nb: 2"), "header a has characters"),
    ] {
        let error = client.send(&request).unwrap_err();
        assert!(matches!(error, HttpError::NotSent { .. }) && error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn waiting_inside_a_task_is_refused_and_awaiting_there_is_not() {
    let (address, _opened) = server(1, |_, mut stream| {
        read_request(&stream).unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    let driver = Driver::new().unwrap();
    let client = HttpClient::new(&driver, HttpOptions::default()).unwrap();
    let outcome = driver.wait(async {
        assert!(client.send(&order(address)).unwrap_err().to_string().contains("await the exchange"));
        client.exchange(&order(address)).await
    });
    assert_eq!(outcome.unwrap().unwrap().status, 204);
}

#[test]
fn many_threads_share_one_client() {
    let (address, _opened) = server(1_000, |_, mut stream| {
        thread::spawn(move || {
            while let Some((_, body)) = read_request(&stream) {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
                stream.write_all(&body).unwrap();
            }
        });
    });
    let client = client(|_| {});
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let client = client.clone();
            thread::spawn(move || {
                for round in 0..25 {
                    let body = format!("{thread}/{round}");
                    let request = Request::new("POST", &format!("http://{address}/")).body(body.as_str());
                    assert_eq!(client.send(&request).unwrap().body, body.as_bytes());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
