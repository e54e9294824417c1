"""What was spoken, by the server's own word: the column of the table is checked, not only claimed."""

import re

ANSWERED = re.compile(r'answered status=\d+ http2=(true|false)(?: content_type="([^"]*)")?')
FORMATS = {
    "application/x-amz-json-1.1": "JSON",
    "application/x-amz-cbor-1.1": "CBOR",
    "application/vnd.amazon.eventstream": "event stream",
}
# Of boto3, which the programs that drive others put with.
DRIVER = {"HTTP/1.1", "JSON"}


def declared(protocol):
    """The words of a row's protocol: "h2c, CBOR" is {"HTTP/2", "CBOR"}. TLS is the endpoint's scheme."""
    words = re.split(r", |; | and ", protocol.replace("h2c", "HTTP/2").replace(" without ALPN", ""))
    return set(words) - {"TLS"}


def spoken(log):
    """The same words, of what a server that logs at `debug` answered."""
    words = set()
    for is_http2, content_type in ANSWERED.findall(log):
        words.add("HTTP/2" if is_http2 == "true" else "HTTP/1.1")
        if content_type:
            words.add(FORMATS.get(content_type, content_type))
    return words


def difference(row, log):
    """What is wrong with the row's protocol, if anything is."""
    told, heard = declared(row.protocol), spoken(log)
    missing = told - heard
    surplus = heard - told - (DRIVER if row.is_driven else set())
    faults = [f"was not spoken: {', '.join(sorted(missing))}"] if missing else []
    faults += [f"was spoken too: {', '.join(sorted(surplus))}"] if surplus else []
    return "; ".join(faults)
