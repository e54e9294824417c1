//! From a policy's text to its statements.

use simd_json::prelude::*;
use simd_json::tape::Value;
use simd_json::{Buffers, Tape};

use super::{BadPolicy, Choice, Principal, Statement};
use crate::names::AccountId;

/// The longest policy that is read.
pub(super) const TEXT_BYTES_MAX: usize = 20_480;
/// The deepest nesting that is read; a principal in a list stands at the sixth level.
const DEPTH_MAX: usize = 16;

/// The statements of a policy.
///
/// # Errors
/// What it is that cannot be judged.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, BadPolicy> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(BadPolicy::TooLong);
    }
    let mut bytes = text.as_bytes().to_vec();
    let mut tape = Tape(Vec::new());
    simd_json::fill_tape(&mut bytes, &mut Buffers::with_max_depth(0, DEPTH_MAX), &mut tape)
        .map_err(|_| BadPolicy::NotJson)?;
    let policy = tape.as_value().as_object().ok_or(BadPolicy::NotJson)?;
    let mut statements = None;
    for (name, value) in policy.iter() {
        match name {
            "Version" => is_version(value)?,
            "Id" => {}
            "Statement" => set(&mut statements, some_of(value, statement).ok_or(NO_STATEMENT)?, "Statement")?,
            other => return Err(BadPolicy::Element(other.to_owned())),
        }
    }
    statements.ok_or(NO_STATEMENT)?.into_iter().collect()
}

const NO_STATEMENT: BadPolicy = BadPolicy::Value("Statement");

fn is_version(value: Value<'_, '_>) -> Result<(), BadPolicy> {
    match value.as_str() {
        Some("2012-10-17" | "2008-10-17") => Ok(()),
        _ => Err(BadPolicy::Value("Version")),
    }
}

fn statement(value: Value<'_, '_>) -> Result<Statement, BadPolicy> {
    let (mut allows, mut principals, mut actions, mut resources) = (None, None, None, None);
    for (name, value) in value.as_object().ok_or(NO_STATEMENT)?.iter() {
        match name {
            "Sid" => {}
            "Effect" => {
                let effect = match value.as_str() {
                    Some("Allow") => true,
                    Some("Deny") => false,
                    _ => return Err(BadPolicy::Value("Effect")),
                };
                set(&mut allows, effect, "Effect")?;
            }
            "Principal" => {
                set(&mut principals, whom(value).ok_or(BadPolicy::Value("Principal"))?, "Principal")?;
            }
            "Action" | "NotAction" => {
                let patterns = texts(value, "Action", action)?;
                set(&mut actions, Choice { patterns, is_negated: name == "NotAction" }, "Action")?;
            }
            "Resource" | "NotResource" => {
                // A variable would have to be replaced.
                let patterns = texts(value, "Resource", |arn| (!arn.contains("${")).then(|| arn.into()))?;
                set(&mut resources, Choice { patterns, is_negated: name == "NotResource" }, "Resource")?;
            }
            other => return Err(BadPolicy::Element(other.to_owned())),
        }
    }
    Ok(Statement {
        allows: allows.ok_or(BadPolicy::Value("Effect"))?,
        principals: principals.ok_or(BadPolicy::Value("Principal"))?,
        actions: actions.ok_or(BadPolicy::Value("Action"))?,
        resources: resources.ok_or(BadPolicy::Value("Resource"))?,
    })
}

/// `{service}:{action}`, in whatever letters, or `*`. What is neither would match nothing, and a denial of it would be none.
fn action(text: &str) -> Option<Box<str>> {
    (text == "*" || text.contains(':')).then(|| text.to_ascii_lowercase().into())
}

/// Puts a value where there must be none yet.
fn set<T>(place: &mut Option<T>, value: T, name: &'static str) -> Result<(), BadPolicy> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadPolicy::Value(name)),
    }
}

/// `"*"`, or kinds of principals and the principals of each.
fn whom(value: Value<'_, '_>) -> Option<Vec<Principal>> {
    if let Some(text) = value.as_str() {
        return (text == "*").then(|| vec![Principal::Anyone]);
    }
    let mut listed = Vec::new();
    for (kind, value) in value.as_object()?.iter() {
        let read: fn(&str) -> Option<Principal> = match kind {
            "AWS" => account_or_user,
            // They never call here.
            "Service" | "Federated" | "CanonicalUser" => |name| Some(Principal::One(name.into())),
            _ => return None,
        };
        listed.extend(texts(value, "Principal", read).ok()?);
    }
    (!listed.is_empty()).then_some(listed)
}

/// An account by its id or its root, everyone, or one ARN: AWS knows no pattern of principals but `*` alone.
fn account_or_user(text: &str) -> Option<Principal> {
    if text == "*" {
        return Some(Principal::Anyone);
    }
    let arn_parts = || text.strip_prefix("arn:aws")?.split_once(":iam::")?.1.split_once(':');
    let account = match arn_parts() {
        Some((account, "root")) => AccountId::parse(account),
        _ => AccountId::parse(text),
    };
    if account.is_some() {
        return account.map(Principal::Account);
    }
    (text.starts_with("arn:aws") && !text.contains('*')).then(|| Principal::One(text.into()))
}

/// One text or a list of them, each read.
fn texts<T>(
    value: Value<'_, '_>,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, BadPolicy> {
    let listed: Option<Option<Vec<T>>> =
        some_of(value, |value| read(value.as_str()?)).map(|listed| listed.into_iter().collect());
    listed.flatten().ok_or(BadPolicy::Value(name))
}

/// One thing or a list of at least one, as policies have it.
fn some_of<'t, 'i, T>(value: Value<'t, 'i>, read: impl Fn(Value<'t, 'i>) -> T) -> Option<Vec<T>> {
    match value.as_array() {
        Some(array) => Some(array.iter().map(read).collect()).filter(|listed: &Vec<T>| !listed.is_empty()),
        None => Some(vec![read(value)]),
    }
}
