//! The part of a request that comes before its body, free of any HTTP library.

/// The header fields of a request.
pub trait Headers {
    /// The first value of a field, if it is text. The name is given in lower case.
    fn header(&self, name: &str) -> Option<&str>;
}

/// Method, query and header fields of a request. The path is missing because Kinesis ignores it (reference
/// 1.1).
#[derive(Debug)]
pub struct RequestHead<'a, H: ?Sized> {
    /// The method, in capitals.
    pub method: &'a str,
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
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.header(name).filter(|value| !value.is_empty())
    }

    /// The first value of a query parameter, still percent-encoded.
    pub(super) fn query_value(&self, name: &str) -> Option<&'a str> {
        query_value(self.query?, name)
    }
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
        fn header(&self, name: &str) -> Option<&str> {
            self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
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
