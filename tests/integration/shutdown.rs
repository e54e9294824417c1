//! A server's start and end: a taken port, requests in flight, connections that came too late.

use std::net::{TcpListener, TcpStream};

use serde_json::json;
use shardmill::Server;
use shardmill::clock::Clock;
use shardmill::config::Config;

use crate::setup::{TestServer, config, free_ports, wait_until};

/// Protects: a request that has begun is answered whole after the end was asked for; idle connections are closed and
/// new ones refused meanwhile; and the server counts nobody as cut off.
#[test]
fn graceful() {
    let server = TestServer::with_stream(1);
    let address = server.address;
    let body = json!({"StreamName": "s", "Data": "AA==", "PartitionKey": "k"}).to_string();
    let mut idle = server.connect();
    assert_eq!(idle.call("ListStreams", &json!({})).status, 200);
    let mut begun = server.connect();
    begun.begin("PutRecord", body.len());
    let server = server.into_server();
    let ending = std::thread::spawn(move || server.shutdown());
    wait_until("new connections are refused", || TcpStream::connect(address).is_err());
    assert!(idle.is_closed(), "an idle connection has nothing to wait for");
    begun.send(&body);
    let answer = begun.answer();
    assert_eq!((answer.status, &answer.json()["ShardId"]), (200, &json!("shardId-000000000000")));
    assert!(begun.is_closed());
    assert_eq!(ending.join().unwrap().connections_cut, 0);
}

/// Protects: a server that ends gives its port back, and another one starts there without the old streams.
#[test]
fn the_port_is_free_again() {
    let [port] = free_ports();
    let server = TestServer::with(Config { port, ..config() });
    server.create("s", 1);
    let address = server.address;
    server.into_server().shutdown();
    let again = TestServer::with(Config { port: address.port(), ..config() });
    assert_eq!(again.address, address);
    assert_eq!(again.call("ListStreams", &json!({})).json()["StreamNames"], json!([]));
}

/// Protects: a taken port is told in one line that names it, and not as a bug.
#[test]
fn taken_port() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let config = Config { port: address.port(), ..config() };
    let Err(error) = Server::start(config, Clock::system()) else { panic!("{address} is taken twice") };
    let text = error.to_string();
    assert!(text.contains(&address.to_string()), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Protects: two servers in one process know nothing of each other.
#[test]
fn two_servers() {
    let (one, other) = (TestServer::with_stream(1), TestServer::start());
    assert_ne!(one.address, other.address);
    assert_eq!(other.call("ListStreams", &json!({})).json()["StreamNames"], json!([]));
    assert_eq!(one.call("ListStreams", &json!({})).json()["StreamNames"], json!(["s"]));
}
