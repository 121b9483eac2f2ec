//! The live WebSocket client against servers that talk, stay silent, break off and are none.

// The servers of these tests are theirs: real sockets, threads and time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, clippy::result_large_err)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use exuvia_net::{Connection, Driver, Heard, HttpClient, HttpOptions, WebSocketClient, WebSocketOptions};
use exuvia_ports::{Frame, Request, WebSocket, WebSocketError, WebSockets};
use tokio_tungstenite::tungstenite::handshake::server::{Request as Asked, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

type Server = tungstenite::WebSocket<TcpStream>;

/// Serves one connection.
fn raw(serve: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        serve(stream);
    });
    (address, thread)
}

fn server(serve: impl FnOnce(Server) + Send + 'static) -> (SocketAddr, thread::JoinHandle<()>) {
    raw(|stream| serve(tungstenite::accept(stream).unwrap()))
}

fn quick() -> WebSocketOptions {
    let millis = Duration::from_millis;
    WebSocketOptions { open: millis(2_000), ping: millis(100), silent: millis(300), ..WebSocketOptions::default() }
}

fn client(options: WebSocketOptions) -> WebSocketClient {
    let http = HttpClient::new(&Driver::new().unwrap(), HttpOptions::default()).unwrap();
    WebSocketClient::new(&http, options)
}

fn open(address: SocketAddr, options: WebSocketOptions) -> Connection {
    let http = HttpClient::new(&Driver::new().unwrap(), HttpOptions::default()).unwrap();
    let request = Request::new("GET", &format!("ws://{address}/hub?access_token=s3cret"));
    let driver = Driver::new().unwrap();
    driver.wait(WebSocketClient::new(&http, options).open(&request)).unwrap().unwrap()
}

fn refused(address: SocketAddr) -> String {
    let request = Request::new("GET", &format!("ws://{address}/hub?access_token=s3cret"));
    let error = client(quick()).connect(&request).unwrap_err();
    assert!(matches!(error, WebSocketError::NotOpened { .. }), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    error.to_string()
}

#[test]
fn frames_go_both_ways_as_they_are_and_headers_and_query_arrive() {
    let (address, thread) = raw(|stream| {
        let check = |asked: &Asked, answer: Response| {
            assert_eq!(asked.uri().query(), Some("access_token=s3cret"));
            assert_eq!(asked.headers().get("authorization").unwrap(), "Bearer s3cret");
            Ok(answer)
        };
        let mut socket = tungstenite::accept_hdr(stream, check).unwrap();
        for _ in 0..3 {
            let message = socket.read().unwrap();
            socket.send(message).unwrap();
        }
        let close = CloseFrame { code: CloseCode::Away, reason: "deploy".into() };
        socket.close(Some(close)).unwrap();
        while socket.read().is_ok() {}
    });
    let request = Request::new("GET", &format!("ws://{address}/hub?access_token=s3cret"));
    let mut socket =
        client(WebSocketOptions::default()).connect(&request.header("Authorization", "Bearer s3cret")).unwrap();
    let large = vec![7; 300_000];
    for sent in [Frame::Text("{}\u{1e}ü".to_owned()), Frame::Binary(vec![0, 255]), Frame::Binary(large)] {
        socket.send(sent.clone()).unwrap();
        assert_eq!(socket.receive().unwrap(), Some(sent));
    }
    assert_eq!(socket.receive().unwrap(), Some(Frame::Close(1001, "deploy".to_owned())));
    assert_eq!(socket.receive().unwrap(), None, "it stays closed");
    assert_eq!(socket.send(Frame::Text(String::new())), Err(WebSocketError::Lost("it was closed".to_owned())));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn a_ping_of_the_server_is_answered_while_it_is_listened_to() {
    let (address, thread) = server(|mut socket| {
        socket.send(Message::Ping(b"there?".to_vec().into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong(b"there?".to_vec().into()));
        socket.close(None).unwrap();
        while socket.read().is_ok() {}
    });
    let mut socket = open(address, WebSocketOptions::default());
    assert_eq!(socket.receive().unwrap(), Some(Frame::Ping(b"there?".to_vec())));
    assert_eq!(socket.receive().unwrap(), Some(Frame::Close(1005, String::new())));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn silence_is_answered_by_a_ping_and_lost_when_that_goes_unanswered() {
    let (address, thread) = server(|socket| {
        // Takes the bytes and answers nothing: a peer behind a dead line.
        let mut stream = socket.get_ref();
        let mut ping = [0; 6];
        stream.read_exact(&mut ping).unwrap();
        assert_eq!(ping[0], 0x89, "a ping");
        let _ = stream.read(&mut ping);
    });
    let start = Instant::now();
    let mut socket = open(address, quick());
    let error = socket.receive().unwrap_err().to_string();
    assert!(error.contains("nothing was heard for 0.3 s, and no answer to a ping"), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    assert_eq!(socket.receive(), Ok(None));
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn a_server_that_answers_pings_is_alive_however_long_it_says_nothing() {
    let (address, thread) = server(|mut socket| {
        for _ in 0..6 {
            assert!(matches!(socket.read().unwrap(), Message::Ping(_)));
            socket.flush().unwrap();
        }
        socket.send(Message::text("at last")).unwrap();
        while socket.read().is_ok() {}
    });
    let mut socket = open(address, quick());
    let mut pongs = 0;
    let last = loop {
        match socket.receive().unwrap() {
            Some(Frame::Pong(_)) => pongs += 1,
            other => break other,
        }
    };
    assert_eq!(last, Some(Frame::Text("at last".to_owned())));
    assert!(pongs >= 5, "{pongs}");
    socket.send(Frame::Close(1000, "bye".to_owned())).unwrap();
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn whoever_listens_seldom_finds_what_came_meanwhile_and_no_loss() {
    let (address, thread) = server(|mut socket| {
        socket.send(Message::text("early")).unwrap();
        while socket.read().is_ok() {}
    });
    let mut socket = open(address, quick());
    thread::sleep(Duration::from_millis(600));
    let now = Duration::from_millis(50);
    assert_eq!(socket.receive_within(now).unwrap(), Heard::Frame(Frame::Text("early".to_owned())));
    assert_eq!(socket.receive_within(now).unwrap(), Heard::Nothing);
    thread::sleep(Duration::from_millis(600));
    let heard = socket.receive_within(Duration::from_millis(150)).unwrap();
    assert!(matches!(heard, Heard::Nothing | Heard::Frame(Frame::Pong(_))), "asked only now: {heard:?}");
    drop(socket);
    thread.join().unwrap();
}

#[test]
fn a_connection_that_breaks_without_a_close_is_lost_and_says_so() {
    let (address, thread) = server(|mut socket| {
        socket.send(Message::text("a")).unwrap();
        socket.get_ref().write_all(&[0x81, 0x05, b'h']).unwrap();
    });
    let mut socket = open(address, WebSocketOptions::default());
    assert_eq!(socket.receive().unwrap(), Some(Frame::Text("a".to_owned())));
    thread.join().unwrap();
    let error = socket.receive().unwrap_err();
    assert!(matches!(&error, WebSocketError::Lost(why) if why.to_lowercase().contains("clos")), "{error}");
    assert_eq!(socket.receive_within(Duration::ZERO).unwrap(), Heard::Closed);
}

#[test]
fn a_message_beyond_the_largest_or_that_is_no_frame_loses_the_connection() {
    for bytes in [[0x82, 126, 0x10, 0], [0x8f, 0, 0, 0], [0xc1, 0, 0, 0]] {
        let (address, thread) = server(move |socket| {
            socket.get_ref().write_all(&bytes).unwrap();
            let _ = socket.get_ref().read(&mut [0; 64]);
        });
        let mut socket = open(address, WebSocketOptions { largest: 1_000, ..WebSocketOptions::default() });
        let error = socket.receive().unwrap_err();
        assert!(matches!(error, WebSocketError::Lost(_)), "{bytes:?}: {error}");
        drop(socket);
        thread.join().unwrap();
    }
}

#[test]
fn a_server_that_is_no_websocket_is_told_with_its_words() {
    let answer = |answer: &'static str| {
        raw(move |mut stream| {
            let _ = stream.read(&mut [0; 4_096]);
            stream.write_all(answer.as_bytes()).unwrap();
        })
        .0
    };
    let said = refused(answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 13\r\n\r\ntoken expired"));
    assert!(said.contains("answered 401 instead of 101: \"token expired\""), "{said}");
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let wrong: &'static str = Box::leak(format!("{head}Sec-WebSocket-Accept: AAAA\r\n\r\n").into_boxed_str());
    let none: &'static str = Box::leak(format!("{head}\r\n").into_boxed_str());
    for answered in [wrong, none] {
        let said = refused(answer(answered));
        assert!(said.contains("does not belong to our key"), "{said}");
    }
    assert!(refused(answer("nonsense\r\n\r\n")).contains("invalid HTTP"), "garbage");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let silent = raw(|mut stream| {
        let _ = stream.read(&mut [0; 4_096]);
        thread::sleep(Duration::from_millis(700));
    });
    let request = Request::new("GET", &format!("ws://{}/", silent.0));
    let options = WebSocketOptions { open: Duration::from_millis(200), ..quick() };
    let error = client(options).connect(&request).unwrap_err().to_string();
    assert!(error.contains("not open within 0.2 s"), "{error}");
    for (url, expected) in [
        ("http://127.0.0.1:1/", "begins with ws:// or wss://"),
        ("wss://rtc.example/hubs/user", "127.0.0.1 only"),
        ("ws://127.0.0.1:1/", "refused"),
    ] {
        let error = client(quick()).connect(&Request::new("GET", url)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    silent.1.join().unwrap();
}

#[test]
fn waiting_inside_a_task_is_refused_and_awaiting_there_is_not() {
    let (address, thread) = server(|mut socket| {
        let message = socket.read().unwrap();
        socket.send(message).unwrap();
        while socket.read().is_ok() {}
    });
    let driver = Driver::new().unwrap();
    let http = HttpClient::new(&driver, HttpOptions::default()).unwrap();
    let client = WebSocketClient::new(&http, WebSocketOptions::default());
    let request = Request::new("GET", &format!("ws://{address}/"));
    let outcome = driver.wait(async {
        assert!(client.connect(&request).unwrap_err().to_string().contains("await open"));
        let mut socket = client.open(&request).await.unwrap();
        assert!(socket.send(Frame::Text("a".to_owned())).unwrap_err().to_string().contains("await say"));
        assert!(socket.receive_within(Duration::ZERO).unwrap_err().to_string().contains("await hear"));
        assert!(format!("{socket:?}").starts_with("Connection { options"), "{socket:?}");
        socket.say(Frame::Text("a".to_owned())).await.unwrap();
        socket.hear(Duration::from_secs(5)).await.unwrap()
    });
    assert_eq!(outcome, Some(Heard::Frame(Frame::Text("a".to_owned()))));
    thread.join().unwrap();
}
