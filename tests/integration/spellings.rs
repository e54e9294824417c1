//! One put in many spellings of JSON: whichever route reads it, the same record is stored; and what is no JSON is refused
//! by all of them, with nothing stored.

use serde_json::{Value, json};

use crate::setup::{TestServer, call};

/// The answer to a body that is no JSON object.
const UNREADABLE: &str = r#"{"__type":"SerializationException"}"#;
const DATA: &str = "aGk/aGk/";
const KEY: &str = "k\"é😀";

/// A record's members in many spellings; all mean [`DATA`] and [`KEY`].
const RECORDS: &[&str] = &[
    r#""Data":"aGk/aGk/","PartitionKey":"k\"é😀""#,
    r#""PartitionKey":"k\"é😀","Data":"aGk/aGk/""#,
    r#""Data": "aGk/aGk/", "PartitionKey": "k\"é😀""#,
    "\n\t\"Data\" :\r\n \"aGk/aGk/\"  ,\t\"PartitionKey\"\n:\n\"k\\\"é😀\"\n",
    r#""Data":"aGk\/aGk\u002f","PartitionKey":"\u006b\u0022\u00E9\ud83d\ude00""#,
    r#""Da\u0074a":"aGk/aGk/","PartitionKey":"k\"é😀""#,
    r#""Data":"aGk/aGk/","PartitionKey":"k\"é😀","ExplicitHashKey":"0""#,
    r#""ExplicitHashKey":"0","Data":"aGk/aGk/","PartitionKey":"k\"é😀""#,
    r#""ExplicitHashKey":null,"Data":"aGk/aGk/","PartitionKey":"k\"é😀""#,
    r#""Unknown":{"a":[1,-2.5e3,true,null,"]}\"\\"],"b":{}},"Data":"aGk/aGk/","PartitionKey":"k\"é😀","More":[]"#,
    r#""data":"AAAA","partitionkey":"x","Data":"aGk/aGk/","PartitionKey":"k\"é😀","":"""#,
    r#""Data":"AAAA","PartitionKey":"x","Data":"aGk/aGk/","PartitionKey":"k\"é😀""#,
];

/// What names the stream, in many spellings.
const STREAMS: &[&str] = &[
    r#""StreamName":"s""#,
    r#""StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s""#,
    r#""StreamName":"s","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream\/s""#,
    r#""StreamName":null,"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","StreamId":null"#,
    r#" "Stream\u004eame" : "\u0073" , "DryRun" : false "#,
];

/// Protects: PutRecord and PutRecords read each spelling, the stream's before and after the records, and store the same.
#[test]
fn many_spellings() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let mut expected = 0;
    for record in RECORDS {
        for stream in STREAMS {
            for body in [
                format!("{{{stream},{record}}}"),
                format!(" {{{record},{stream}}}\r\n"),
                format!("{{{stream},\"Records\":[{{{record}}}]}}"),
                format!("{{\"Records\" : [ {{{record}}} ,{{{record}}} ] ,{stream}}} "),
            ] {
                let is_batch = body.contains("Records");
                let operation = if is_batch { "PutRecords" } else { "PutRecord" };
                connection.send(call(operation, &body));
                let answer = connection.answer();
                assert_eq!(answer.status, 200, "{body}\n{answer:?}");
                let reply = answer.json();
                expected += reply["Records"].as_array().map_or(1, Vec::len);
                assert_eq!(
                    reply["FailedRecordCount"],
                    if is_batch { json!(0) } else { Value::Null },
                    "{body}"
                );
            }
        }
    }
    let records = connection.read_all(0);
    assert_eq!(records.len(), expected);
    for record in records {
        assert_eq!((&record["Data"], &record["PartitionKey"]), (&json!(DATA), &json!(KEY)));
    }
}

/// Protects: what is no JSON is refused as such, in either put, and nothing of it is stored.
#[test]
fn no_spelling_at_all() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    let good = r#""Data":"AAAA","PartitionKey":"k""#;
    let put = |record: &[u8]| [br#"{"StreamName":"s","#, record, b"}"].concat();
    let batch = |record: &[u8]| {
        [format!(r#"{{"StreamName":"s","Records":[{{{good}}},{{"#).as_bytes(), record, b"}]}"].concat()
    };
    for record in [
        &br#""Data":"AAAA","PartitionKey":"k","#[..],
        br#""Data":"AAAA" "PartitionKey":"k""#,
        br#""Data":"AAAA","PartitionKey":'k'"#,
        br#""Data":"AAAA","PartitionKey":k"#,
        br#""Data":"AAAA","PartitionKey":"k"#,
        br#""Data":"AAAA","PartitionKey":"\x""#,
        br#""Data":"AAAA","PartitionKey":"\u12G4""#,
        b"\"Data\":\"AAAA\",\"PartitionKey\":\"\xff\"",
        b"\"Data\":\"AAAA\",\"PartitionKey\":\"\xed\xa0\x80\"",
        b"\"Data\":\"AAAA\",\"PartitionKey\":\"line\nbreak\"",
        br#""Data":"AAAA","PartitionKey":"k"}"#,
        br#""Data":"AAAA","PartitionKey":"k","X":01"#,
        br#""Data":"AAAA","PartitionKey":"k","X":nul"#,
        br#""Data":"AAAA","PartitionKey":"k","X":[1,]"#,
        br#""Data":"AAAA","PartitionKey":"k","X":{"a"}"#,
    ] {
        for (operation, body) in [("PutRecord", put(record)), ("PutRecords", batch(record))] {
            connection.send(call(operation, &body));
            let text = String::from_utf8_lossy(&body);
            assert_eq!(connection.answer().both(), (400, UNREADABLE), "{operation} {text}");
        }
    }
    for (before, after) in [("", "x"), ("", "{}"), ("\u{feff}", ""), ("[", "]"), ("x", "")] {
        let body = format!("{before}{{\"StreamName\":\"s\",{good}}}{after}");
        connection.send(call("PutRecord", &body));
        assert_eq!(connection.answer().both(), (400, UNREADABLE), "{body}");
        let body = format!("{before}{{\"StreamName\":\"s\",\"Records\":[{{{good}}}]}}{after}");
        connection.send(call("PutRecords", &body));
        assert_eq!(connection.answer().both(), (400, UNREADABLE), "{body}");
    }
    assert!(connection.read_all(0).is_empty());
}

/// Protects: both puts refuse the same records for the same reasons, whatever the order of members.
#[test]
fn both_puts_refuse_alike() {
    let server = TestServer::with_stream(1);
    let mut connection = server.connect();
    for (member, value) in [
        ("Data", json!("AAA")),
        ("Data", json!("AA=A")),
        ("Data", json!("AAA\u{e9}")),
        ("Data", json!("AA A")),
        ("Data", json!(1)),
        ("Data", json!([])),
        ("Data", json!({})),
        ("Data", Value::Null),
        ("PartitionKey", json!("")),
        ("PartitionKey", json!("k".repeat(257))),
        ("PartitionKey", json!("é".repeat(257))),
        ("PartitionKey", json!(true)),
        ("PartitionKey", Value::Null),
        ("ExplicitHashKey", json!("")),
        ("ExplicitHashKey", json!("01")),
        ("ExplicitHashKey", json!("-1")),
        ("ExplicitHashKey", json!("9".repeat(40))),
        ("ExplicitHashKey", json!(" 1")),
        ("ExplicitHashKey", json!(1)),
        ("ExplicitHashKey", json!("340282366920938463463374607431768211456")),
    ] {
        let mut record = json!({"Data": "AAAA", "PartitionKey": "k"});
        record[member] = value;
        let batch = connection.call("PutRecords", &json!({"StreamName": "s", "Records": [record]}));
        record["StreamName"] = "s".into();
        let single = connection.call("PutRecord", &record);
        assert_eq!((single.status, batch.status), (400, 400), "{record}");
        // A batch names the record as well.
        let text = batch.text().replace("records.1.member.", "");
        assert_eq!(text, single.text(), "{record}");
    }
    assert!(connection.read_all(0).is_empty());
}
