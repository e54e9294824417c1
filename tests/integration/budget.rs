//! Request bodies that want more memory than there is for them.

use bytes::Bytes;
use serde_json::json;
use shardmill::config::{Config, Limit};

use crate::setup::{TestServer, call, config, head};
use crate::speakers::{Http2, whole};

/// The least that a server takes: request bodies then share 16 MiB.
fn narrow() -> TestServer {
    let server = TestServer::with(Config { memory_limit_bytes: Some(Limit::At(128 << 20)), ..config() });
    server.create("s", 1);
    server
}

/// A PutRecord of nearly 1 MiB.
fn mebibyte() -> Bytes {
    let data = "AAAA".repeat((1 << 18) - 100);
    Bytes::from(json!({"StreamName": "s", "PartitionKey": "k", "Data": data}).to_string())
}

/// Protects: a thousand bodies of 1 MiB on one connection, far more than there is room for, are all read in the end, as
/// the client's library sends them.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_thousand_mebibytes_on_one_connection() {
    let server = narrow();
    let client = Http2::open(server.address).await;
    let body = mebibyte();
    let calls: Vec<_> = (0..1_000)
        .map(|_| {
            let (client, body) = (client.clone(), body.clone());
            tokio::spawn(async move { client.post("PutRecord", body).await.head.status().as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// Protects: bodies that are half sent, all at once, in the worst order: those that wait for their share have filled their
/// windows, and those that have it are sent last.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn half_sent_bodies_do_not_wait_for_each_other() {
    let server = narrow();
    let client = Http2::open(server.address).await;
    let body = mebibyte();
    let (half, rest) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
    let mut begun = Vec::new();
    for _ in 0..100 {
        begun.push(client.begin("PutRecord", Some(body.len())).await);
    }
    for (_, stream) in begun.iter_mut().rev() {
        stream.send_data(half.clone(), false).unwrap();
    }
    // Once this is answered, the server has seen the beginning of all of them; it needs no share of theirs.
    assert_eq!(client.call("ListStreams", &json!({})).await.head.status(), 200);
    for (_, stream) in begun.iter_mut().rev() {
        stream.send_data(rest.clone(), true).unwrap();
    }
    for (answer, _) in begun {
        assert_eq!(whole(answer).await.head.status(), 200);
    }
}

/// Protects: clients that declare large bodies and send nothing hold up nobody who has little to say.
#[test]
fn silent_bodies_hold_up_no_small_ones() {
    let server = narrow();
    let mut first = server.connect();
    // It is told to go on when it has the whole budget.
    first.begin("PutRecords", 16 << 20);
    let silent: Vec<_> = (0..50)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(head("PutRecords", &format!("Content-Length: {}", 16 << 20)));
            connection
        })
        .collect();
    let mut connection = server.connect();
    for number in 0..100 {
        let put = json!({"StreamName": "s", "Data": "AAAA", "PartitionKey": number.to_string()});
        connection.send(call("PutRecord", put.to_string()));
        assert_eq!(connection.answer().status, 200);
    }
    drop(silent);
}
