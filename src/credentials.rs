//! Who may call a server that requires signatures: access keys, their secrets, and whose they are.
//!
//! They come from a file as AWS's own tools read it, with two lines more: until when a key is good, and whose it is:
//!
//! ```text
//! [orders-writer]
//! aws_access_key_id     = AKIDEXAMPLE
//! aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
//! aws_session_token     = only for temporary keys
//! aws_expiration        = 2030-01-02T00:47:31Z
//! account_id            = 123456789012
//! ```
//!
//! Without `account_id` (or `aws_account_id`, which some SDKs know) the account is the one that the key would have where
//! no signature is required: the key itself if it is twelve digits, else the server's own. The profile's name is the
//! user's: `arn:aws:iam::123456789012:user/orders-writer` is who policies and refusals then speak of. AWS's tools know no
//! line for the end of a key; those that write such files have several ([`EXPIRATION_NAMES`]), and each is read. Other
//! lines are passed over, as AWS's tools do, and so are profiles without a key.

mod expiry;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ahash::RandomState;

use crate::names::{AccountId, UserArn};

/// The lines that say until when a temporary key is good: AWS's own names for it (`Expiration` in answers,
/// `AWS_CREDENTIAL_EXPIRATION` in an environment) in small letters, and what writers of credentials files made of them.
const EXPIRATION_NAMES: [&str; 5] = [
    "aws_expiration",
    "expiration",
    "aws_credential_expiration",
    "aws_session_expiration",
    "x_security_token_expires",
];

/// Every access key that may sign.
#[derive(Debug, Default)]
pub struct Credentials(HashMap<Box<str>, AccessKey, RandomState>);

/// What belongs to an access key id.
pub struct AccessKey {
    /// What requests are signed with.
    pub secret: Box<str>,
    /// What a request has to show beside its signature, if the key is a temporary one.
    pub session_token: Option<Box<str>>,
    /// When it ceases to be good, epoch seconds, if it does.
    pub expires_s: Option<u64>,
    /// Who signs with it.
    pub user: UserArn,
}

/// Secrets stay out of logs.
impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Why a file makes no credentials; one line each. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A file that can be read, but not understood.
    #[error("{0}: {1}")]
    Bad(PathBuf, #[source] BadCredentials),
}

/// What is wrong with a file of credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCredentials {
    /// Neither `[profile]`, nor `name = value`, nor a comment.
    #[error("line {0} is neither [profile] nor name = value")]
    Line(usize),
    /// A value before the first profile.
    #[error("line {0} belongs to no profile")]
    NoProfile(usize),
    /// A key without its other half.
    #[error("profile {0} has only one of aws_access_key_id and aws_secret_access_key")]
    HalfAKey(String),
    /// An account that is none.
    #[error("account_id of profile {0} is not twelve digits")]
    BadAccount(String),
    /// An end that cannot be read.
    #[error("the expiration of profile {0} is no date and time of ISO 8601")]
    BadExpiration(String),
    /// One key, two users.
    #[error("the access key of profile {0} is another profile's as well")]
    KeyTwice(String),
    /// Nobody could call.
    #[error("there is no access key in it")]
    Empty,
}

/// One profile, as far as it has been read.
#[derive(Default)]
struct Profile {
    name: String,
    key_id: Option<String>,
    secret: Option<String>,
    session_token: Option<String>,
    expiration: Option<String>,
    account: Option<String>,
}

impl Credentials {
    /// Reads a file. Keys that are said to be nobody's are of the account `usual`.
    ///
    /// # Errors
    /// It cannot be read or understood, or it holds no key.
    pub fn load(path: &Path, usual: AccountId) -> Result<Self, CredentialsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| CredentialsError::Unreadable(path.to_owned(), error))?;
        Self::parse(&text, usual).map_err(|bad| CredentialsError::Bad(path.to_owned(), bad))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`BadCredentials`].
    pub fn parse(text: &str, usual: AccountId) -> Result<Self, BadCredentials> {
        let mut profiles: Vec<Profile> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = without_comment(line);
            if line.is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                profiles.push(Profile { name: name.trim().to_owned(), ..Profile::default() });
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(BadCredentials::Line(number))?;
            let profile = profiles.last_mut().ok_or(BadCredentials::NoProfile(number))?;
            profile.set(name.trim(), value.trim());
        }
        let mut keys = HashMap::default();
        for profile in profiles {
            let name = profile.name.clone();
            if let Some((id, key)) = profile.into_key(usual)?
                && keys.insert(id, key).is_some()
            {
                return Err(BadCredentials::KeyTwice(name));
            }
        }
        if keys.is_empty() { Err(BadCredentials::Empty) } else { Ok(Self(keys)) }
    }

    /// What belongs to this access key id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&AccessKey> {
        self.0.get(id)
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Profile {
    fn set(&mut self, name: &str, value: &str) {
        let field = match name {
            "aws_access_key_id" => &mut self.key_id,
            "aws_secret_access_key" => &mut self.secret,
            "aws_session_token" => &mut self.session_token,
            "account_id" | "aws_account_id" => &mut self.account,
            name if EXPIRATION_NAMES.contains(&name) => &mut self.expiration,
            _ => return,
        };
        *field = Some(value.to_owned()).filter(|value| !value.is_empty());
    }

    fn into_key(self, usual: AccountId) -> Result<Option<(Box<str>, AccessKey)>, BadCredentials> {
        let Self { name, key_id, secret, session_token, expiration, account } = self;
        let (id, secret) = match (key_id, secret) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) => return Ok(None),
            _ => return Err(BadCredentials::HalfAKey(name)),
        };
        let account = match account {
            Some(account) => {
                AccountId::parse(&account).ok_or_else(|| BadCredentials::BadAccount(name.clone()))?
            }
            None => AccountId::parse(&id).unwrap_or(usual),
        };
        let expires_s = match expiration {
            Some(at) => Some(expiry::parse(&at).ok_or_else(|| BadCredentials::BadExpiration(name.clone()))?),
            None => None,
        };
        let key = AccessKey {
            secret: secret.into(),
            session_token: session_token.map(Into::into),
            expires_s,
            user: UserArn { account, name: name.into() },
        };
        Ok(Some((id.into(), key)))
    }
}

/// A line without what follows a `#` or `;` that begins it or stands after a blank.
fn without_comment(line: &str) -> &str {
    let is_mark = |(at, letter): &(usize, char)| {
        matches!(letter, '#' | ';') && line[..*at].chars().next_back().is_none_or(char::is_whitespace)
    };
    let end = line.char_indices().find(is_mark).map_or(line.len(), |(at, _)| at);
    line[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the form of AWS's file, comments and all, and whose each key is.
    #[test]
    fn a_file_of_credentials() {
        let text = "# keys\n\n[default]\naws_access_key_id = AKID\naws_secret_access_key=a/b+c==  ; mine\n\
                    region = eu-west-1\n  [ temporary ]\naws_access_key_id=ASIA\naws_secret_access_key = s#;x\n\
                    aws_session_token = t/o=k+en==\naccount_id = 123456789012\n[role]\nrole_arn = arn\n\
                    [plain]\naws_secret_access_key = x\naws_access_key_id = 222222222222\n";
        let credentials = Credentials::parse(text, AccountId::DEFAULT).unwrap();
        assert_eq!(credentials.count(), 3);
        let told = |id: &str| {
            let AccessKey { secret, session_token, user, .. } = credentials.find(id).unwrap();
            (&**secret, session_token.as_deref(), user.to_string())
        };
        assert_eq!(told("AKID"), ("a/b+c==", None, "arn:aws:iam::000000000000:user/default".to_owned()));
        let temporary = "arn:aws:iam::123456789012:user/temporary".to_owned();
        assert_eq!(told("ASIA"), ("s#;x", Some("t/o=k+en=="), temporary));
        assert_eq!(told("222222222222").2, "arn:aws:iam::222222222222:user/plain");
        assert!(credentials.find("akid").is_none());
        assert!(!format!("{credentials:?}").contains("a/b+c"), "secrets stay out of logs");
    }

    /// Protects: each name under which tools write the end of a key is heard, and none of them has to be there.
    #[test]
    fn ends_of_keys() {
        let expires_s = |line: &str| {
            let text = format!("[p]\naws_access_key_id = A\naws_secret_access_key = s\n{line}\n");
            Credentials::parse(&text, AccountId::DEFAULT).unwrap().find("A").unwrap().expires_s
        };
        for name in EXPIRATION_NAMES {
            assert_eq!(expires_s(&format!("{name} = 2023-11-14T22:13:20Z")), Some(1_700_000_000), "{name}");
        }
        for line in ["", "aws_expiration =", "expires = 2023-11-14T22:13:20Z"] {
            assert_eq!(expires_s(line), None, "{line}");
        }
    }

    /// Protects: what would leave somebody out is told at the start, by its profile or line.
    #[test]
    fn bad_files() {
        let key = "aws_access_key_id = A\naws_secret_access_key = s\n";
        for (text, bad) in [
            (String::new(), BadCredentials::Empty),
            ("[p]\nregion = x\n".to_owned(), BadCredentials::Empty),
            (key.to_owned(), BadCredentials::NoProfile(1)),
            (format!("[p]\n{key}nonsense\n"), BadCredentials::Line(4)),
            ("[p]\naws_access_key_id = A\n".to_owned(), BadCredentials::HalfAKey("p".to_owned())),
            ("[p]\naws_secret_access_key = s".to_owned(), BadCredentials::HalfAKey("p".to_owned())),
            (format!("[p]\n{key}account_id = 1\n"), BadCredentials::BadAccount("p".to_owned())),
            (format!("[p]\n{key}expiration = soon\n"), BadCredentials::BadExpiration("p".to_owned())),
            (format!("[p]\n{key}[q]\n{key}"), BadCredentials::KeyTwice("q".to_owned())),
        ] {
            assert_eq!(Credentials::parse(&text, AccountId::DEFAULT).err(), Some(bad), "{text}");
        }
    }
}
