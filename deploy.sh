#!/usr/bin/env bash
# From a clone to a running stack: machines by Terraform, what is on them by Ansible, and a proof at the end that it works.
#
#   ./deploy.sh plan                what would change: machines, then hosts
#   ./deploy.sh apply               make it so; stopped halfway, run it again
#   ./deploy.sh status              the addresses, the release, and whether all of it works
#   ./deploy.sh upgrade ARCHIVE     another release (of `make dist`), host by host, back by itself if it does not get well
#   ./deploy.sh rollback            the release before
#   ./deploy.sh destroy             shows what would go; `destroy --yes NAME`, with the deployment's name, does it
#
# Settings, from the environment or a file `deploy.env` beside this script:
#   DEPLOY_INVENTORY   an inventory of Ansible with hosts of your own; then Terraform has no part in it
#   DEPLOY_ARCHIVE     the release that `apply` installs [the newest in dist/]
#   DEPLOY_SECRETS     the folder of secrets; made if it is not there [secrets]
#   DEPLOY_HOST        the names or addresses that clients use, comma-joined, for the certificate that is made with the secrets [localhost]
#   DEPLOY_STATE       where the plan, the outputs and the last releases are noted [.deploy]
#   DEPLOY_NEW=1       no run has made datamarts and a model yet: the proof asks for neither
#
# With Terraform: infra/terraform.tfvars and infra/backend.hcl, made from the examples beside them.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

say() { printf 'deploy.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '4,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# shellcheck disable=SC1091
[ ! -f deploy.env ] || . ./deploy.env
inventory=${DEPLOY_INVENTORY:-} secrets=${DEPLOY_SECRETS:-secrets} state=${DEPLOY_STATE:-.deploy}
export ANSIBLE_CONFIG=$PWD/ansible/ansible.cfg DEPLOY_OUTPUTS=$state/outputs.json
umask 077
mkdir -p "$state"

# ---- before anything is done

needs() { command -v "$1" >/dev/null || missing+=("$1 ($2)"); }

check_tools() {
  missing=()
  needs ansible-playbook 'pip install ansible-core'
  needs python3 'for the inventory'
  needs openssl 'makes the secrets'
  needs zstd 'unpacks the archive'
  if [ -z "$inventory" ]; then
    terraform=$(command -v terraform || command -v tofu || true)
    [ -n "$terraform" ] || missing+=('terraform or tofu (1.8 or later)')
  fi
  [ ${#missing[@]} = 0 ] || die "missing: $(printf '%s; ' "${missing[@]}")"
}

check_settings() {
  if [ -n "$inventory" ]; then
    [ -e "$inventory" ] || die "DEPLOY_INVENTORY: there is no $inventory"
    return
  fi
  [ -f infra/terraform.tfvars ] || die 'infra/terraform.tfvars is missing: copy infra/terraform.tfvars.example and fill it in'
  [ -f infra/backend.hcl ] || die 'infra/backend.hcl is missing: copy infra/backend.hcl.example and fill it in'
}

# ---- the parts

tf() { "$terraform" -chdir=infra "$@"; }

machines_known() {
  [ -z "$inventory" ] || return 0
  tf init -input=false -backend-config=backend.hcl >"$state/init.log" || { cat "$state/init.log" >&2; die 'terraform init failed'; }
}

outputs() {
  [ -z "$inventory" ] || return 0
  tf output -json >"$state/outputs.new" && mv "$state/outputs.new" "$state/outputs.json"
}

hosts() { echo "${inventory:-ansible/inventories/terraform.py}"; }

play() {
  local book=$1
  shift
  ansible-playbook -i "$(hosts)" "ansible/$book.yml" -e "lakehouse_secrets=$(realpath "$secrets")" "$@"
}

# release_of ARCHIVE: lakehouse-NAME-MACHINE-linux.tar.zst
release_of() { basename "$1" | sed -E 's/^lakehouse-(.+)-[a-z0-9_]+-linux\.tar\.zst$/\1/'; }

newest() {
  local found
  found=${DEPLOY_ARCHIVE:-$(find dist -name 'lakehouse-*.tar.zst' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -1 | cut -d' ' -f2-)}
  [ -f "$found" ] || die 'there is no archive: make dist, or name one with DEPLOY_ARCHIVE'
  realpath "$found"
}

noted() { cat "$state/$1" 2>/dev/null || true; }

# note RELEASE: it runs now; what ran before is what a rollback goes back to.
note() {
  local before
  before=$(noted release)
  [ "$before" = "$1" ] || [ -z "$before" ] || echo "$before" >"$state/release.before"
  echo "$1" >"$state/release"
}

# The command itself, out of the archive: what proves the deployment is of its release.
command_of() {
  mkdir -p "$state/bin"
  tar --extract --zstd --file "$1" --directory "$state/bin" --strip-components=2 --wildcards '*/bin/lakehouse'
  echo "$1" >"$state/archive"
}

# Lines of a service, its address, and the host whose key it takes.
addresses() {
  ansible-inventory -i "$(hosts)" --list | python3 -c '
import json, os, sys
listed = json.load(sys.stdin)["_meta"]["hostvars"]
outputs = os.environ["DEPLOY_OUTPUTS"]
urls = json.load(open(outputs))["urls"]["value"] if sys.argv[1] == "" else {}
for service, port in {"api": 19999, "sources": 19998, "ml": 19997}.items():
    hosts = [name for name, host in sorted(listed.items()) if service in host.get("lakehouse_tasks", [service])]
    for name in hosts[:1]:
        urls.setdefault(service, "https://{}:{}".format(listed[name].get("ansible_host", name), port))
    print(service, urls[service], hosts[0])
' "$inventory"
}

prove() {
  local -a asked=()
  local service url host key='' new=()
  while read -r service url host; do
    asked+=("--$service" "$url")
    # All services of a deployment have the same accounts, so the first host's key opens all.
    key=${key:-$secrets/keys/$host}
    printf '%-10s %s/docs\n' "$service" "$url"
  done < <(addresses)
  [ ${#asked[@]} = 6 ] || die 'the addresses could not be read'
  [ -z "${DEPLOY_NEW:-}" ] || new=(--new)
  [ -x "$state/bin/lakehouse" ] || command_of "$(newest)"
  # With a load balancer its certificate is one that every client knows; ours is in the secrets.
  "$state/bin/lakehouse" smoke "${asked[@]}" "${new[@]}" --wait 60 --ca "$secrets/ca.crt" --key-file "$key"
}

# ---- the verbs

verb_plan() {
  machines_known
  if [ -z "$inventory" ]; then
    tf plan -input=false -out=../"$state/machines.tfplan"
    [ -f "$state/outputs.json" ] || { say 'there are no machines yet: what is done on them is shown when there are'; return; }
  fi
  local archive
  archive=$(newest)
  play site --check --diff -e "lakehouse_release=$(release_of "$archive")" -e "lakehouse_archive=$archive"
}

verb_apply() {
  local archive
  archive=$(newest)
  scripts/secrets --host "${DEPLOY_HOST:-localhost}" "$secrets"
  machines_known
  if [ -z "$inventory" ]; then
    # What was planned and read, if it still fits; else what Terraform shows and asks about now.
    if [ -f "$state/machines.tfplan" ]; then
      tf apply -input=false ../"$state/machines.tfplan"
      rm "$state/machines.tfplan"
    else
      tf apply
    fi
  fi
  outputs
  play site -e "lakehouse_release=$(release_of "$archive")" -e "lakehouse_archive=$archive"
  command_of "$archive"
  note "$(release_of "$archive")"
  prove
}

verb_status() {
  machines_known
  outputs
  echo "release    $(noted release)${DEPLOY_INVENTORY:+, hosts of $inventory}"
  prove
}

verb_upgrade() {
  [ -f "${1:-}" ] || die 'name the archive of the release: ./deploy.sh upgrade dist/lakehouse-….tar.zst'
  local archive
  archive=$(realpath "$1")
  machines_known
  outputs
  play upgrade -e "lakehouse_release=$(release_of "$archive")" -e "lakehouse_archive=$archive"
  command_of "$archive"
  note "$(release_of "$archive")"
  prove
}

verb_rollback() {
  local before
  before=$(noted release.before)
  [ -n "$before" ] || die 'no release before this one is noted here'
  machines_known
  outputs
  play upgrade -e "lakehouse_release=$before"
  note "$before"
  prove
}

verb_destroy() {
  [ -z "$inventory" ] || die 'hosts of your own are not destroyed: systemctl disable --now lakehouse.target'
  machines_known
  if [ "${1:-}" != --yes ]; then
    tf plan -destroy -input=false
    say "nothing was destroyed; 'destroy --yes NAME' does it, once 'protect = false' has been applied"
    return
  fi
  local name
  name=$(sed -nE 's/^name *= *"([^"]*)".*/\1/p' infra/terraform.tfvars)
  [ "${2:-}" = "${name:-the file names none}" ] || die "to destroy it say its name: ./deploy.sh destroy --yes $name"
  tf destroy -input=false -auto-approve
  rm -f "$state/outputs.json" "$state/machines.tfplan"
}

verb=${1:-}
case $verb in
  plan | apply | status | rollback) [ $# = 1 ] || usage ;;
  upgrade) [ $# = 2 ] || usage ;;
  destroy) [ $# = 1 ] || [ $# = 3 ] || usage ;;
  *) usage ;;
esac
shift
check_tools
check_settings
"verb_$verb" "$@"
