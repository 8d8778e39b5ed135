"""For `fuzz_openapi`: bodies of the kinds that the fuzzer cannot write by itself."""
import json

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/vnd.apache.arrow.stream")
def as_it_is(_context, value):
    """Text and bytes are sent as they are; whatever else is made up becomes a line of JSON."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value) + "\n").encode("utf-8", "surrogatepass")
