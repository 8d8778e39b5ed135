#!/bin/bash
# One process with everything: only its S3 port listens beyond this container.
# usage: seaweedfs-start BUCKET | seaweedfs-start health
set -euo pipefail

answers() {
  exec 3<>/dev/tcp/127.0.0.1/9000 || return 1
  printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
  IFS= read -r -t 4 line <&3 || return 1
  [[ $line == HTTP/1.?\ 2* ]]
} 2>/dev/null

if [ "$1" = health ]; then
  [ -e /tmp/has-bucket ] && answers
  exit
fi

bucket=$1
# The programs may use that bucket and nothing else.
printf '{"identities": [{"name": "lakehouse", "credentials": [{"accessKey": "%s", "secretKey": "%s"}],
  "actions": ["Read:%s", "Write:%s", "List:%s", "Tagging:%s"]}]}\n' \
  "$(</run/secrets/lake_access_key)" "$(</run/secrets/lake_secret_key)" "$bucket" "$bucket" "$bucket" "$bucket" >/tmp/s3.json

# Beside the server, until it answers: the bucket, by the server's own shell. To make what is there changes nothing.
(
  until (answers); do sleep 0.5; done
  until weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 <<<"s3.bucket.list" 2>/dev/null | grep -qw "$bucket"; do
    weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 <<<"s3.bucket.create -name $bucket" >/dev/null 2>&1 || sleep 1
  done
  : >/tmp/has-bucket
) &

# No report to the outside; no doors but S3.
exec weed -logtostderr=true server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -master.telemetry=false -master.volumeSizeLimitMB=1024 -volume.max=0 \
  -filer -s3 -s3.port=9000 -s3.ip.bind=0.0.0.0 -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 -s3.config=/tmp/s3.json
