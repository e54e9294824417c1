//! Resource policies: who else may use a stream or a consumer, and who may not, as its owner has written it.
//!
//! A policy is kept to the letter and read once, when it is put. Where callers are known, because their signatures are
//! checked, it is in force. What of it cannot be judged here (`Condition`, `NotPrincipal`, a variable, an element that
//! nobody knows) makes it a bad one, which is refused then: a policy is never half in force.

mod read;
mod wildcard;

use std::sync::Arc;

use crate::names::{AccountId, UserArn};

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    text: Box<str>,
    statements: Result<Vec<Statement>, BadPolicy>,
}

/// Why a policy cannot be in force; one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// Longer than any policy.
    #[error("it is longer than {} characters", read::TEXT_BYTES_MAX)]
    TooLong,
    /// No JSON document, or one that is nested too deeply.
    #[error("it is not a JSON object")]
    NotJson,
    /// An element that is not known or cannot be judged.
    #[error("the element {0} is not supported")]
    Element(String),
    /// An element that is missing, there twice, or has a value that it cannot have.
    #[error("the element {0} is missing, repeated or malformed")]
    Value(&'static str),
}

/// One statement: what it says, to whom, about which actions and resources.
#[derive(Debug, PartialEq, Eq)]
struct Statement {
    allows: bool,
    principals: Vec<Principal>,
    actions: Choice,
    resources: Choice,
}

/// What some patterns match, or all that none of them does.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    patterns: Vec<Box<str>>,
    is_negated: bool,
}

/// Who is meant.
#[derive(Debug, PartialEq, Eq)]
enum Principal {
    /// Everyone.
    Anyone,
    /// All users of an account.
    Account(AccountId),
    /// One user or role, by ARN; or a service, who never calls here.
    One(Box<str>),
}

/// What a policy says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A statement denies it, whatever others say.
    Denied,
    /// A statement allows it, and none denies it.
    Allowed,
    /// None is about it.
    Silent,
}

impl Policy {
    /// The policy of this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Inner { text: text.into(), statements: read::statements(text) }))
    }

    /// Its text, as it was put.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Checks that it can be in force.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&self) -> Result<(), &BadPolicy> {
        self.0.statements.as_ref().map(|_| ())
    }

    /// What it says to this user's calling `action`, such as `PutRecord`, on the resource of this ARN.
    #[must_use]
    pub fn decide(&self, user: &UserArn, action: &str, resource: &str) -> Decision {
        let user_arn = user.to_string();
        let is_user = |principal: &Principal| match principal {
            Principal::Anyone => true,
            Principal::Account(account) => *account == user.account,
            Principal::One(arn) => **arn == *user_arn,
        };
        let action = format!("kinesis:{action}").to_ascii_lowercase();
        let is_about = |statement: &&Statement| {
            statement.principals.iter().any(is_user)
                && statement.actions.holds(&action)
                && statement.resources.holds(resource)
        };
        let mut decision = Decision::Silent;
        for statement in self.0.statements.iter().flatten().filter(is_about) {
            if !statement.allows {
                return Decision::Denied;
            }
            decision = Decision::Allowed;
        }
        decision
    }
}

impl Choice {
    fn holds(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| wildcard::matches(pattern, text)) != self.is_negated
    }
}

#[cfg(test)]
mod tests;
