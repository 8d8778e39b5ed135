# shellcheck shell=bash disable=SC2154
# MinIO, built from its last public source (its authors publish no programs any more), single drive, without
# its browser page. The version is the one that the Go module index has.

minio_version=v0.0.0-20260212201848-7aac2a2c5b7c

minio_build() {
  say "building minio from source: a few minutes, once …"
  (
    export GOBIN=$1 GOFLAGS="${GOFLAGS:-} -trimpath"
    if [ -n "${SERVICES_JOBS:-}" ]; then
      export GOMAXPROCS=$SERVICES_JOBS GOFLAGS="$GOFLAGS -p=$SERVICES_JOBS"
    fi
    cd / && quietly go install -ldflags '-s -w' "github.com/minio/minio@$minio_version"
  )
}

minio_install() {
  if [ ! -e "$cache/minio-$minio_version/complete" ] && ! command -v go >/dev/null; then
    say "minio is built from source and needs Go, 1.24 or newer."
    return 1
  fi
  install_once "minio-$minio_version" minio_build
}

minio_start() {
  local folder=$dir/minio access secret
  choose_ports minio s3 || return 1
  access=$(secret minio access-key 10) secret=$(secret minio secret-key 20) || return 1
  mkdir -p "$folder/data" "$folder/certs"
  (
    # No question to the outside for newer versions, nothing written to the home folder.
    export MINIO_ROOT_USER=$access MINIO_ROOT_PASSWORD=$secret MINIO_BROWSER=off MINIO_UPDATE=off HOME=$folder/work
    spawn minio - "$cache/minio-$minio_version/minio" server --quiet --certs-dir "$folder/certs" \
      --address "127.0.0.1:$(port minio s3)" "$folder/data"
  )
}

minio_ready() { http_ok "$(port minio s3)" /minio/health/ready; }

minio_setup() { s3_bucket minio "$(port minio s3)"; }

minio_address() { echo "127.0.0.1:$(port minio s3)"; }

minio_env() { s3_env minio SERVICE_MINIO; }
