#!/bin/bash
# MinIO, and once it answers the bucket and a user who may use that bucket and nothing else: no program gets the root keys.
# usage: minio-start BUCKET | minio-start health
set -euo pipefail

if [ "$1" = health ]; then
  [ -e /tmp/is-set-up ] && exec mc ready local
  exit 1
fi

bucket=$1
export MINIO_ROOT_USER_FILE=/run/secrets/minio_root_user MINIO_ROOT_PASSWORD_FILE=/run/secrets/minio_root_password

set_up() {
  local user
  user=$(</run/secrets/lake_access_key)
  mc mb --ignore-existing "root/$bucket" &&
    sed "s/BUCKET/$bucket/g" /etc/minio/policy.json >/tmp/policy.json &&
    mc admin policy create root "$bucket" /tmp/policy.json &&
    mc admin user add root "$user" "$(</run/secrets/lake_secret_key)" || return 1
  # To attach what is attached is an error, so it is looked at first.
  mc admin user info root "$user" | grep -q "PolicyName: $bucket\$" || mc admin policy attach root "$bucket" --user "$user"
}

(
  MC_HOST_root="http://$(</run/secrets/minio_root_user):$(</run/secrets/minio_root_password)@127.0.0.1:9000"
  export MC_HOST_root
  until mc ready local >/dev/null 2>&1; do sleep 0.5; done
  until set_up; do sleep 2; done
  : >/tmp/is-set-up
) &

exec minio server --quiet --address :9000 /data
