//! A double of the server, in memory and as simple as can be, with faults to order.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use shardmill_load_tests::wire::answers::find_string;
use shardmill_load_tests::wire::scan::Cursor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the double does wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    LosesOne,
    StoresOneTwice,
    SwapsTwo,
    AltersOne,
    NamesAnotherShard,
    RefusesOne,
    FailsOneRead,
    RefusesStreams,
}

/// The record, counted over all puts, that the fault meets.
const VICTIM: u64 = 1_777;

struct Stored {
    sequence: u64,
    key: String,
    data: String,
}

pub(crate) struct Double {
    fault: Fault,
    shards: Vec<Vec<Stored>>,
    records: u64,
    reads: u64,
}

impl Double {
    /// Starts it on a free port; it ends with the test's runtime.
    pub(crate) async fn start(fault: Fault) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let double = Arc::new(Mutex::new(Self { fault, shards: Vec::new(), records: 0, reads: 0 }));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(connection(socket, Arc::clone(&double)));
            }
        });
        address
    }

    fn answer(&mut self, operation: &str, body: &[u8]) -> (u16, String) {
        match operation {
            "CreateStream" if self.fault == Fault::RefusesStreams => {
                (400, r#"{"__type":"LimitExceededException"}"#.to_owned())
            }
            "CreateStream" => {
                let text = std::str::from_utf8(body).unwrap();
                let count =
                    text.split_once("\"ShardCount\":").unwrap().1.trim_end_matches('}').parse().unwrap();
                self.shards = std::iter::repeat_with(Vec::new).take(count).collect();
                (200, String::new())
            }
            "DescribeStreamSummary" => {
                (200, r#"{"StreamDescriptionSummary":{"StreamStatus":"ACTIVE"}}"#.to_owned())
            }
            "GetShardIterator" => {
                let id = find_string(body, b"ShardId").unwrap();
                let shard: usize = std::str::from_utf8(&id[8..]).unwrap().parse().unwrap();
                (200, format!(r#"{{"ShardIterator":"{shard}/0"}}"#))
            }
            "PutRecords" => (200, self.put(body)),
            "PutRecord" => self.put_one(body),
            "GetRecords" => self.get(body),
            other => panic!("{other}"),
        }
    }

    /// As the only entry of a PutRecords.
    fn put_one(&mut self, body: &[u8]) -> (u16, String) {
        let answer = self.put(&[b"{\"Records\":[", body, b"]}"].concat());
        let entry = answer.split_once('[').unwrap().1.trim_end_matches("]}").to_owned();
        if entry.contains("ErrorCode") { (500, entry) } else { (200, entry) }
    }

    fn put(&mut self, body: &[u8]) -> String {
        let (mut entries, mut refused) = (Vec::new(), 0);
        for Entry { key, hash_key, data } in put_entries(body) {
            let number = self.records;
            self.records += 1;
            let victim = number == VICTIM;
            if victim && self.fault == Fault::RefusesOne {
                refused += 1;
                entries.push(r#"{"ErrorCode":"InternalFailure","ErrorMessage":"x"}"#.to_owned());
                continue;
            }
            let shards = self.shards.len();
            let shard = match hash_key {
                Some(hash_key) => usize::try_from(hash_key / (u128::MAX / shards as u128)).unwrap(),
                None => key.bytes().map(usize::from).sum::<usize>() % shards,
            };
            let sequence = 1_000_000 + number * 2;
            let named =
                if victim && self.fault == Fault::NamesAnotherShard { (shard + 1) % shards } else { shard };
            entries.push(format!(r#"{{"SequenceNumber": "{sequence}", "ShardId": "shardId-{named:012}"}}"#));
            let list = &mut self.shards[shard];
            let stored = |sequence, data: &str| Stored { sequence, key: key.clone(), data: data.to_owned() };
            match self.fault {
                Fault::LosesOne if victim => {}
                Fault::StoresOneTwice if victim => {
                    list.extend([stored(sequence, &data), stored(sequence + 1, &data)]);
                }
                Fault::SwapsTwo if victim => list.insert(list.len() - 1, stored(sequence, &data)),
                Fault::AltersOne if victim => {
                    let (before, rest) = data.split_at(50);
                    let other = if rest.starts_with('A') { 'B' } else { 'A' };
                    list.push(stored(sequence, &format!("{before}{other}{}", &rest[1..])));
                }
                _ => list.push(stored(sequence, &data)),
            }
        }
        format!(r#"{{"FailedRecordCount": {refused}, "Records": [{}]}}"#, entries.join(", "))
    }

    fn get(&mut self, body: &[u8]) -> (u16, String) {
        self.reads += 1;
        if self.fault == Fault::FailsOneRead && self.reads == 5 {
            return (500, r#"{"__type":"InternalFailure"}"#.to_owned());
        }
        let text = std::str::from_utf8(body).unwrap();
        let iterator = find_string(body, b"ShardIterator").unwrap();
        let (shard, from) = std::str::from_utf8(&iterator).unwrap().split_once('/').unwrap();
        let (shard, from): (usize, usize) = (shard.parse().unwrap(), from.parse().unwrap());
        // Short answers, so that readers come back while the writers are still at it, and never the newest record,
        // which a fault may still move.
        let list = &self.shards[shard];
        let done = if self.records == super::RECORDS { 0 } else { 1 };
        let limit = text.split_once("\"Limit\":").unwrap().1.trim_end_matches('}').parse::<usize>().unwrap();
        let to = list.len().saturating_sub(done).min(from + limit.min(700)).max(from);
        let mut answer = String::from("{\"Records\":[");
        for (index, Stored { sequence, key, data }) in list[from..to].iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(
                answer,
                r#"{comma}{{"Data":"{data}","PartitionKey":"{key}","ApproximateArrivalTimestamp":1.5,"SequenceNumber":"{sequence}"}}"#
            )
            .unwrap();
        }
        write!(answer, r#"],"NextShardIterator":"{shard}/{to}","MillisBehindLatest":0}}"#).unwrap();
        (200, answer)
    }
}

#[derive(Default)]
struct Entry {
    key: String,
    hash_key: Option<u128>,
    data: String,
}

fn put_entries(body: &[u8]) -> Vec<Entry> {
    let mut cursor = Cursor::new(body);
    let mut entries = Vec::new();
    let mut first = true;
    cursor.take(b'{', "an object").unwrap();
    while cursor.more(b'}', &mut first).unwrap() {
        if &*cursor.name().unwrap() != b"Records" {
            cursor.skip().unwrap();
            continue;
        }
        let mut first = true;
        cursor.take(b'[', "a list").unwrap();
        while cursor.more(b']', &mut first).unwrap() {
            let mut entry = Entry::default();
            let mut first = true;
            cursor.take(b'{', "an object").unwrap();
            while cursor.more(b'}', &mut first).unwrap() {
                let name = cursor.name().unwrap();
                let value = String::from_utf8(cursor.string().unwrap().into_owned()).unwrap();
                match &*name {
                    b"Data" => entry.data = value,
                    b"PartitionKey" => entry.key = value,
                    b"ExplicitHashKey" => entry.hash_key = Some(value.parse().unwrap()),
                    // The one member of a PutRecord that is no entry's.
                    name => assert_eq!(name, b"StreamName"),
                }
            }
            entries.push(entry);
        }
    }
    entries
}

async fn connection(mut socket: TcpStream, double: Arc<Mutex<Double>>) {
    let mut inbox = Vec::new();
    loop {
        let head_bytes = loop {
            if let Some(place) = inbox.windows(4).position(|window| window == b"\r\n\r\n") {
                break place + 4;
            }
            if socket.read_buf(&mut inbox).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = std::str::from_utf8(&inbox[..head_bytes]).unwrap().to_owned();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let whole = head_bytes + field("Content-Length: ").parse::<usize>().unwrap();
        while inbox.len() < whole {
            assert!(socket.read_buf(&mut inbox).await.unwrap() > 0);
        }
        let operation = field("X-Amz-Target: Kinesis_20131202.");
        let (status, body) = double.lock().unwrap().answer(operation, &inbox[head_bytes..whole]);
        inbox.drain(..whole);
        let answer = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
