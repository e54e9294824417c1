//! What policies say, and which are bad.

use super::*;

const STREAM: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/s";

fn user(account: &str, name: &str) -> UserArn {
    UserArn { account: AccountId::parse(account).unwrap(), name: name.into() }
}

/// A policy of one statement, which allows unless `more` says otherwise.
fn policy(principal: &str, action: &str, resource: &str) -> Policy {
    Policy::new(&format!(
        r#"{{"Version":"2012-10-17","Id":"x","Statement":{{"Sid":"y","Effect":"Allow","Principal":{principal},
        "Action":{action},"Resource":{resource}}}}}"#
    ))
}

/// Protects: who is meant: everyone, an account by either name, a user by ARN; nobody else.
#[test]
fn principals() {
    let guest = user("222222222222", "guest");
    for (principal, is_meant) in [
        (r#""*""#, true),
        (r#"{"AWS":"*"}"#, true),
        (r#"{"AWS":"222222222222"}"#, true),
        (r#"{"AWS":"arn:aws:iam::222222222222:root"}"#, true),
        (r#"{"AWS":"arn:aws:iam::222222222222:user/guest"}"#, true),
        (r#"{"AWS":["333333333333","222222222222"]}"#, true),
        (r#"{"Service":"lambda.amazonaws.com","AWS":"222222222222"}"#, true),
        (r#"{"Service":"lambda.amazonaws.com"}"#, false),
        (r#"{"AWS":"222222222223"}"#, false),
        (r#"{"AWS":"arn:aws:iam::222222222222:user/guests"}"#, false),
        (r#"{"AWS":"arn:aws:iam::222222222222:role/guest"}"#, false),
    ] {
        let policy = policy(principal, r#""kinesis:*""#, r#""*""#);
        policy.check().unwrap_or_else(|bad| panic!("{principal}: {bad}"));
        assert_eq!(policy.decide(&guest, "PutRecord", STREAM) == Decision::Allowed, is_meant, "{principal}");
    }
}

/// Protects: actions in whatever letters, resources to the letter, both with wildcards, and what is all but some.
#[test]
fn actions_and_resources() {
    let guest = user("222222222222", "guest");
    let consumer = format!("{STREAM}/consumer/c:1700000000");
    for (action, resource, asked, arn, is_meant) in [
        (r#""kinesis:PutRecord""#, r#""*""#, "PutRecord", STREAM, true),
        (r#""KINESIS:putrecord""#, r#""*""#, "PutRecord", STREAM, true),
        (r#""kinesis:PutRecord""#, r#""*""#, "PutRecords", STREAM, false),
        (r#"["kinesis:Get*","kinesis:PutRecord?"]"#, r#""*""#, "PutRecords", STREAM, true),
        (r#""*""#, r#""*""#, "PutRecords", STREAM, true),
        (r#""s3:*""#, r#""*""#, "PutRecords", STREAM, false),
        (r#""*""#, r#""arn:aws:kinesis:us-east-1:111111111111:stream/s""#, "PutRecord", STREAM, true),
        (r#""*""#, r#""arn:aws:kinesis:us-east-1:111111111111:stream/S""#, "PutRecord", STREAM, false),
        (r#""*""#, r#""arn:aws:kinesis:*:111111111111:stream/?""#, "PutRecord", STREAM, true),
        (
            r#""*""#,
            r#""arn:aws:kinesis:us-east-1:111111111111:stream/s""#,
            "SubscribeToShard",
            &consumer,
            false,
        ),
        (r#""*""#, r#"["x","arn:aws:kinesis:*:stream/s/consumer/c:*"]"#, "SubscribeToShard", &consumer, true),
    ] {
        let policy = policy(r#""*""#, action, resource);
        policy.check().unwrap_or_else(|bad| panic!("{action} {resource}: {bad}"));
        let decision = policy.decide(&guest, asked, arn);
        assert_eq!(decision == Decision::Allowed, is_meant, "{action} {resource} {asked} {arn}");
    }
    let all_but = |action, resource| {
        let text = r#"{"Statement":[{"Effect":"Allow","Principal":"*","NotAction":"kinesis:Delete*","NotResource":"*/t"}]}"#;
        Policy::new(text).decide(&guest, action, resource)
    };
    assert_eq!(all_but("PutRecord", STREAM), Decision::Allowed);
    assert_eq!(all_but("DeleteStream", STREAM), Decision::Silent);
    assert_eq!(all_but("PutRecord", "arn:aws:kinesis:us-east-1:111111111111:stream/t"), Decision::Silent);
}

/// Protects: a denial wins, wherever it stands, and only over whom it names.
#[test]
fn denials_win() {
    let allow = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let deny =
        r#"{"Effect":"Deny","Principal":{"AWS":"222222222222"},"Action":"kinesis:PutRecord","Resource":"*"}"#;
    for statements in [format!("{allow},{deny}"), format!("{deny},{allow}")] {
        let policy = Policy::new(&format!(r#"{{"Statement":[{statements}]}}"#));
        let decide = |account, action| policy.decide(&user(account, "u"), action, STREAM);
        assert_eq!(decide("222222222222", "PutRecord"), Decision::Denied);
        assert_eq!(decide("222222222222", "PutRecords"), Decision::Allowed);
        assert_eq!(decide("111111111111", "PutRecord"), Decision::Allowed);
    }
}

/// Protects: what cannot be judged is refused and is never half in force; nor is anything that is no policy.
#[test]
fn bad_policies() {
    let whole = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let with = |from: &str, to: &str| format!(r#"{{"Statement":{}}}"#, whole.replace(from, to));
    let element = |name: &str| BadPolicy::Element(name.to_owned());
    for (text, bad) in [
        (String::new(), BadPolicy::NotJson),
        ("[]".to_owned(), BadPolicy::NotJson),
        ("{".to_owned(), BadPolicy::NotJson),
        (format!(r#"{{"Statement":{}{}}}"#, "[".repeat(40), "]".repeat(40)), BadPolicy::NotJson),
        (" ".repeat(20_481), BadPolicy::TooLong),
        ("{}".to_owned(), BadPolicy::Value("Statement")),
        (r#"{"Statement":[]}"#.to_owned(), BadPolicy::Value("Statement")),
        (r#"{"Statement":[1]}"#.to_owned(), BadPolicy::Value("Statement")),
        (format!(r#"{{"Version":"2020-01-01","Statement":{whole}}}"#), BadPolicy::Value("Version")),
        (format!(r#"{{"Statement":{whole},"Statement":{whole}}}"#), BadPolicy::Value("Statement")),
        (format!(r#"{{"Statement":{whole},"statement":{whole}}}"#), element("statement")),
        (with("}", r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#), element("Condition")),
        (with("Principal", "NotPrincipal"), element("NotPrincipal")),
        (with("Allow", "allow"), BadPolicy::Value("Effect")),
        (with(r#""Effect":"Allow","#, ""), BadPolicy::Value("Effect")),
        (with(r#""Principal":"*","#, ""), BadPolicy::Value("Principal")),
        (with(r#""Principal":"*""#, r#""Principal":"222222222222""#), BadPolicy::Value("Principal")),
        (with(r#""Principal":"*""#, r#""Principal":{}"#), BadPolicy::Value("Principal")),
        (
            with(r#""Principal":"*""#, r#""Principal":{"AWS":"arn:aws:iam::*:root"}"#),
            BadPolicy::Value("Principal"),
        ),
        (with(r#""Principal":"*""#, r#""Principal":{"Aws":"*"}"#), BadPolicy::Value("Principal")),
        (with(r#""Action":"*""#, r#""Action":[]"#), BadPolicy::Value("Action")),
        (with(r#""Action":"*""#, r#""Action":["*",1]"#), BadPolicy::Value("Action")),
        (with(r#""Action":"*""#, r#""Action":"PutRecord""#), BadPolicy::Value("Action")),
        (with(r#""Action":"*""#, r#""Action":"*","NotAction":"x:y""#), BadPolicy::Value("Action")),
        (with(r#""Resource":"*""#, r#""Resource":"stream/${aws:username}""#), BadPolicy::Value("Resource")),
        (with(r#","Resource":"*""#, ""), BadPolicy::Value("Resource")),
    ] {
        let policy = Policy::new(&text);
        assert_eq!(policy.check(), Err(&bad), "{text}");
        assert_eq!(policy.text(), text);
        let decision = policy.decide(&user("222222222222", "u"), "PutRecord", STREAM);
        assert_eq!(decision, Decision::Silent, "{text}");
    }
}
