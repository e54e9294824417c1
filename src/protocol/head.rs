//! The part of a request that comes before its body, free of any HTTP library.

macro_rules! fields {
    ($($field:ident $name:literal,)+) => {
        /// A header field that has a say in the answer, by its name in lower case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)+
        }

        impl Field {
            /// Every field, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$field,)+];

            /// The field of this name, which is in lower case.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$field),)+
                    _ => None,
                }
            }
        }
    };
}

fields! {
    AccessControlRequestHeaders "access-control-request-headers",
    AccessControlRequestMethod "access-control-request-method",
    Authorization "authorization",
    ContentType "content-type",
    Date "date",
    Origin "origin",
    XAmzDate "x-amz-date",
    XAmzTarget "x-amz-target",
}

/// The header fields of a request. Values are bytes, since a `str` would have to be checked each time.
pub trait Headers {
    /// The first value of a field, if it is printable ASCII.
    fn header(&self, field: Field) -> Option<&[u8]>;

    /// Each field's name, in lower case, and value, in the order they came; `host` is one of them over HTTP/2 as well.
    fn for_each(&self, see: &mut dyn FnMut(&str, &[u8]));
}

/// What stands before the body of a request.
#[derive(Debug)]
pub struct RequestHead<'a, H: ?Sized> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path of the target. Kinesis ignores it (reference 1.1), but it is signed.
    pub path: &'a str,
    /// What follows the `?` of the target, still percent-encoded.
    pub query: Option<&'a str>,
    /// The header fields.
    pub headers: &'a H,
}

impl<H: ?Sized> Clone for RequestHead<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H: ?Sized> Copy for RequestHead<'_, H> {}

impl<'a, H: Headers + ?Sized> RequestHead<'a, H> {
    /// The first value of a field that is not empty.
    pub(super) fn header(&self, field: Field) -> Option<&'a [u8]> {
        self.headers.header(field).filter(|value| !value.is_empty())
    }

    /// The first value of a query parameter, still percent-encoded.
    pub(super) fn query_value(&self, name: &str) -> Option<&'a str> {
        query_value(self.query?, name)
    }
}

/// The text of a field's value, for messages.
pub(super) fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap_or_default()
}

/// The first value of a parameter in `a=b&c=d`; empty if the parameter has none.
pub(super) fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Header fields for tests: lower-case names and their values.
    #[derive(Debug, Clone, Default)]
    pub(in crate::protocol) struct Fields(pub(in crate::protocol) Vec<(&'static str, String)>);

    impl Headers for Fields {
        fn header(&self, field: Field) -> Option<&[u8]> {
            self.0
                .iter()
                .find(|(name, _)| Field::named(name) == Some(field))
                .map(|(_, value)| value.as_bytes())
        }

        fn for_each(&self, see: &mut dyn FnMut(&str, &[u8])) {
            for (name, value) in &self.0 {
                see(name, value.as_bytes());
            }
        }
    }

    /// A parameter without a value is there, and empty.
    #[test]
    fn query_values() {
        let query = "a=1&b&c=&a=2&d=x=y";
        for (name, value) in
            [("a", Some("1")), ("b", Some("")), ("c", Some("")), ("d", Some("x=y")), ("e", None)]
        {
            assert_eq!(query_value(query, name), value, "{name}");
        }
    }
}
