//! The hub over a WebSocket port: greeted, carried, lost, and never a token in an error.

use std::sync::Mutex;

use exuvia_brokers::projectx::{HubState, ProjectXBroker};
use exuvia_execution::{Broker, Heard};
use exuvia_ports::{Frame, Request, SimWebSocket, TapedWebSockets, WebSocket, WebSocketError, WebSockets};

use crate::hub::{completion, event, text};
use crate::kit::*;

/// Gives the connections that it holds, the last one first; none left is none opened.
#[derive(Debug, Default)]
struct Sockets(Mutex<Vec<SimWebSocket>>);

impl WebSockets for Sockets {
    fn connect(&self, request: &Request) -> Result<Box<dyn WebSocket>, WebSocketError> {
        let refused = || WebSocketError::NotOpened { url: request.url.clone(), reason: "refused".into() };
        let socket = self.0.lock().unwrap().pop().ok_or_else(refused)?;
        Ok(Box::new(socket))
    }
}

/// A hub that answers the greeting and the subscriptions, and then tells of an order.
fn hub() -> SimWebSocket {
    SimWebSocket::new([], |frame| {
        let Frame::Text(sent) = frame else { return Vec::new() };
        let answered = (1..=4).find(|id| sent.contains(&format!("\"invocationId\":\"{id}\"")));
        match answered {
            Some(4) => vec![text(&[&completion(4), &event("GatewayUserOrder", ORDER)])],
            Some(id) => vec![text(&[&completion(id)])],
            None if sent.contains("protocol") => vec![text(&["{}"])],
            None => Vec::new(),
        }
    })
}

fn gaps(broker: &mut ProjectXBroker) -> Vec<String> {
    let reports = broker.poll(NOW).into_iter();
    reports.filter_map(|report| if let Heard::Gap(why) = report.what { Some(why) } else { None }).collect()
}

#[test]
fn a_connection_is_greeted_subscribed_and_heard_until_it_breaks() {
    let (_, mut broker) = broker(config());
    let sockets = Sockets(Mutex::new(vec![hub()]));
    let mut socket = broker.hub_connect(&sockets, NOW).unwrap();
    assert_eq!(broker.hub_state(), HubState::Greeting);
    for _ in 0..5 {
        assert!(broker.hub_carry(socket.as_mut(), NOW));
    }
    assert_eq!(broker.hub_state(), HubState::Ready);
    let reports = broker.poll(NOW);
    assert!(matches!(&reports[1].what, Heard::Order(order) if order.venue_id == "93001"), "{reports:?}");
    assert!(!broker.hub_carry(socket.as_mut(), NOW), "the script has ended");
    assert!(gaps(&mut broker)[0].contains("the WebSocket is lost"));
}

#[test]
fn a_connection_that_is_not_opened_shows_no_token_and_changes_nothing() {
    let (_, mut broker) = broker(config());
    let error = broker.hub_connect(&Sockets::default(), NOW).unwrap_err();
    assert_eq!(error.code(), "not_sent");
    assert!(error.to_string().contains("access_token=***") && !error.to_string().contains("eyJ"), "{error}");
    assert_eq!((broker.hub_state(), gaps(&mut broker).len()), (HubState::Closed, 0));
}

#[test]
fn a_tape_ends_as_a_closed_connection_and_takes_nothing() {
    let url = "ws://127.0.0.1:8080/hubs/user?access_token=eyJ.first".to_owned();
    let (_, mut first) = broker(config());
    let mut socket = first.hub_connect(&TapedWebSockets::new([(url, vec![])]), NOW).unwrap();
    assert_eq!(first.hub_state(), HubState::Closed, "a tape takes no greeting");
    assert!(gaps(&mut first)[0].contains("outgoing frame"));
    assert!(!first.hub_carry(socket.as_mut(), NOW));
    let (_, mut second) = broker(config());
    second.hub_opened(NOW);
    second.hub_frames(NOW);
    assert!(!second.hub_carry(socket.as_mut(), NOW));
    assert!(gaps(&mut second)[0].contains("the hub closed the connection"));
}
