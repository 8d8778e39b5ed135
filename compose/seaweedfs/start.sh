#!/bin/sh
# SeaweedFS, all of it in one process, and once it answers the bucket. The programs' key may use that bucket and nothing else:
# seaweedfs_s3 among the secrets says so. Of its ports only the one of S3 is reached by others.
# usage: seaweedfs-start BUCKET | seaweedfs-start health
set -eu

if [ "$1" = health ]; then
  [ -e /tmp/is-set-up ] && exec curl --fail --silent --max-time 3 --output /dev/null http://127.0.0.1:9000/healthz
  exit 1
fi

bucket=$1
sed "s/BUCKET/$bucket/g" /run/secrets/seaweedfs_s3 >/tmp/s3.json

(
  until curl --fail --silent --output /dev/null http://127.0.0.1:9000/healthz; do sleep 1; done
  # It says what went wrong and ends well, so what is there is looked at.
  until echo s3.bucket.list | weed shell -master=127.0.0.1:9333 2>/dev/null | grep -q "^ *${bucket}[[:space:]]"; do
    echo "s3.bucket.create -name $bucket" | weed shell -master=127.0.0.1:9333 >/dev/null 2>&1 || true
    sleep 1
  done
  : >/tmp/is-set-up
) &

export HOME=/tmp
# One volume to begin with for each bucket; no report to the outside.
export WEED_MASTER_VOLUME_GROWTH_COPY_1=1
exec weed -logtostderr=true server -dir=/var/lib/seaweedfs -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -master.port=9333 -master.electionTimeout=1s -master.volumeSizeLimitMB=1024 -master.telemetry=false \
  -volume.port=9340 -volume.max=0 -volume.preStopSeconds=1 \
  -filer -filer.port=9350 -filer.localSocket=/tmp/filer.sock \
  -s3 -s3.port=9000 -s3.ip.bind=0.0.0.0 -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 -s3.localSocket=/tmp/s3.sock -s3.config=/tmp/s3.json
