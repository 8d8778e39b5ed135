"""s3bucket.py ENDPOINT BUCKET: makes the bucket unless it is there, then writes, reads and deletes one object.

A store may answer before it can do all that, so each step is tried until a minute is over. Requests are signed
with AWS Signature Version 4 by the standard library alone; the keys come from the environment (S3_ACCESS_KEY,
S3_SECRET_KEY).
"""
import datetime
import hashlib
import hmac
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

endpoint, bucket = sys.argv[1], sys.argv[2]
access, secret, region = os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"], "us-east-1"
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    content = hashlib.sha256(body).hexdigest()
    headers = {"host": urllib.parse.urlsplit(endpoint).netloc, "x-amz-content-sha256": content, "x-amz-date": stamp}
    signed = ";".join(headers)
    lines = [method, path, "", *(f"{name}:{value}" for name, value in headers.items()), "", signed, content]
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    request = urllib.request.Request(endpoint + path, data=body or None, headers=headers, method=method)
    try:
        with direct.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


def there(status: int, body: bytes) -> bool:
    return status == 200 or (status == 409 and b"BucketAlready" in body)


probe = f"/{bucket}/.probe-{os.getpid()}"
steps = [
    (("PUT", f"/{bucket}"), there),
    (("PUT", probe, b"written"), lambda status, _: status == 200),
    (("GET", probe), lambda status, body: (status, body) == (200, b"written")),
    (("DELETE", probe), lambda status, _: status == 204),
]
end = time.monotonic() + 60
for request, good in steps:
    while not good(*(answer := ask(*request))):
        if time.monotonic() > end:
            sys.exit(f"{request[0]} {request[1]}: {answer[0]} {answer[1].decode(errors='replace')}")
        time.sleep(0.2)
