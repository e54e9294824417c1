//! TLS on the one port, with the certificates that the server makes and with the user's own.

use std::io;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use shardmill::Server;
use shardmill::clock::Clock;
use shardmill::config::Config;

use crate::folder::Folder;
use crate::setup::{TestServer, call, config, wait_until};
use crate::speakers::{Http2, Tls, within};

/// A server that makes its certificates, and what to trust.
fn generating() -> (TestServer, Vec<u8>) {
    let folder = Folder::new();
    let path = folder.path().join("ca.pem");
    let server = TestServer::with(Config { tls_ca_out: Some(path.clone()), ..config() });
    let ca = std::fs::read(path).expect("the CA is there as soon as the server is");
    (server, ca)
}

/// Protects: every way in which clients come to HTTP/1.1 or HTTP/2 within TLS, in both versions of TLS, and plain HTTP on
/// the same port.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_way_in() {
    let (server, ca) = generating();
    let address = server.address;
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        for offered in [&["h2", "http/1.1"][..], &["h2"], &["http/1.1", "h2"], &[]] {
            let stream =
                Tls::speaking(&ca, versions).offering(offered).connect(address, "localhost").await.unwrap();
            let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            assert_eq!(agreed.as_deref(), (!offered.is_empty()).then_some(&b"h2"[..]), "{offered:?}");
            // Without ALPN, the preface tells.
            let client = Http2::over(stream).await;
            assert_eq!(client.call("ListStreams", &json!({})).await.head.status(), 200, "{offered:?}");
        }
        for offered in [&["http/1.1"][..], &[]] {
            let client = Tls::speaking(&ca, versions).offering(offered);
            let both = tokio::task::spawn_blocking(move || {
                let mut connection = client.http1(address, "localhost");
                [(); 2].map(|()| connection.call("ListStreams", &json!({})).status)
            });
            assert_eq!(within(both).await.unwrap(), [200, 200], "{offered:?}");
        }
    }
    assert_eq!(server.call("ListStreams", &json!({})).status, 200);
}

/// Protects: the certificate is good for whatever name the client checks, and for nobody who does not trust the CA.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn names() {
    let (server, ca) = generating();
    let client = Tls::trusting(&ca);
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "localhost.localstack.cloud",
        "kinesis.localhost.localstack.cloud",
        "kinesis.us-east-1.amazonaws.com",
        "000000000000.data-kinesis.us-east-1.amazonaws.com",
        "000000000000.control-kinesis.eu-west-1.amazonaws.com",
        "prefix.suffix.data-kinesis.us-east-1.amazonaws.com",
        "kinesis-fips.us-gov-west-1.api.aws",
        "kinesis",
        "host.docker.internal",
    ] {
        client.connect(server.address, name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // An address that is not the server's.
    assert!(client.connect(server.address, "192.0.2.7").await.is_err());
    let (_other_server, other_ca) = generating();
    assert!(Tls::trusting(&other_ca).connect(server.address, "localhost").await.is_err());
}

/// Protects: large bodies both ways within TLS.
#[test]
fn large_bodies() {
    let (server, ca) = generating();
    server.create("s", 1);
    let mut connection = Tls::trusting(&ca).http1(server.address, "localhost");
    let data = "AAAA".repeat(6_990);
    let records = vec![json!({"Data": data, "PartitionKey": "k"}); 500];
    let put = connection.call("PutRecords", &json!({"StreamName": "s", "Records": records}));
    assert_eq!(put.json()["FailedRecordCount"], 0);
    let read = connection.read_all(0);
    assert_eq!(read.len(), 500);
    assert!(read.iter().all(|record| record["Data"] == *data));
}

/// Protects: a handshake that fails ends its connection and nothing else.
#[test]
fn nonsense_in_place_of_a_handshake() {
    let (server, ca) = generating();
    for nonsense in [&[0x16, 0x03, 0x01, 0xff, 0xff][..], &[0x16; 64], b"\x16POST / HTTP/1.1\r\n\r\n"] {
        let mut connection = server.connect();
        connection.send(nonsense);
        if nonsense.len() > 5 {
            // An alert may come first.
            wait_until("the connection is closed", || connection.is_closed() || connection.skip_byte());
        }
    }
    let mut connection = Tls::trusting(&ca).http1(server.address, "localhost");
    assert_eq!(connection.call("ListStreams", &json!({})).status, 200);
}

/// Protects: within TLS as well, a request that has begun is answered when the server stops, and an idle connection is
/// closed in order.
#[test]
fn graceful() {
    let (server, ca) = generating();
    let client = Tls::trusting(&ca);
    let (mut idle, mut busy) =
        (client.http1(server.address, "localhost"), client.http1(server.address, "localhost"));
    assert_eq!(idle.call("ListStreams", &json!({})).status, 200);
    busy.begin("ListStreams", 2);
    let server = server.into_server();
    let ending = std::thread::spawn(move || server.shutdown());
    assert!(idle.is_closed());
    busy.send("{}");
    assert_eq!(busy.answer().status, 200);
    assert_eq!(ending.join().unwrap().connections_cut, 0);
}

/// A certificate for `own.test` that is its own CA for those who trust it, and its key.
fn own() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["own.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// Protects: the user's own certificate is the one that is shown, from two files or from one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_users_own() {
    let folder = Folder::new();
    let (certificate, key) = own();
    let both = folder.file("both.pem", &format!("{key}{certificate}"));
    let apart = (folder.file("cert.pem", &certificate), folder.file("key.pem", &key));
    for (tls_cert, tls_key) in [(both, None), (apart.0, Some(apart.1))] {
        let server = TestServer::with(Config { tls_cert: Some(tls_cert), tls_key, ..config() });
        let stream = Tls::trusting(certificate.as_bytes()).connect(server.address, "own.test").await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap();
        let kept = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        assert_eq!(shown, [kept]);
    }
}

/// Protects: files that make no TLS stop the start, in one line that names them, as bad settings.
#[test]
fn files_that_are_no_good() {
    let folder = Folder::new();
    let (certificate, key) = own();
    let (_, other_key) = own();
    let cert_file = folder.file("cert.pem", &certificate);
    let key_file = folder.file("key.pem", &key);
    let other_key_file = folder.file("other.pem", &other_key);
    let text_file = folder.file("text.pem", "hello");
    let absent = folder.path().join("absent.pem");
    let folder_path = folder.path().to_owned();
    let some = |path: &Path| Some(path.to_owned());
    let cases = [
        (some(&absent), None, None, "absent.pem"),
        (some(&text_file), some(&key_file), None, "text.pem holds no certificate"),
        (some(&cert_file), None, None, "cert.pem holds no private key"),
        (some(&cert_file), some(&absent), None, "absent.pem"),
        (some(&cert_file), some(&text_file), None, "text.pem holds no private key"),
        (some(&cert_file), some(&other_key_file), None, "cert.pem"),
        (None, some(&key_file), None, "--tls-cert"),
        (some(&cert_file), some(&key_file), some(&absent), "--tls-ca-out"),
        (None, None, some(&folder_path), folder_path.to_str().unwrap()),
    ];
    for (tls_cert, tls_key, tls_ca_out, named) in cases {
        let config = Config { tls_cert, tls_key, tls_ca_out, ..config() };
        let Err(error) = Server::start(config, Clock::system()) else { panic!("it has started: {named}") };
        let text = error.to_string();
        assert_eq!((error.exit_code(), text.lines().count()), (2, 1), "{text}");
        assert!(text.contains(named), "{text} does not say {named}");
    }
    assert!(!absent.exists());
}

/// Protects: a client that knows no certificate of ours is refused by itself, not by a server that has none.
#[test]
fn those_who_trust_nobody() {
    let server = TestServer::start();
    let (certificate, _) = own();
    let mut connection = Tls::trusting(certificate.as_bytes()).http1(server.address, "localhost");
    let refused = connection.try_send(call("ListStreams", "{}")).expect_err("an unknown issuer");
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{refused}");
}
