# shellcheck shell=bash disable=SC2154
# What every service of scripts/services uses. Sourced there; $dir, $cache and $parts are set.
#
# A service NAME is a file NAME.sh with the functions
#   NAME_install  puts the program into $cache (or the system); quick when it is there already
#   NAME_start    ends in `spawn NAME USER COMMAND…`; its folder is $dir/NAME, its working folder $dir/NAME/work
#   NAME_ready    0 when it answers
#   NAME_setup    once after each start, when it answers
#   NAME_env      prints its lines with `line`
#   NAME_address  host:port
# and, where its processes stop best on another signal than TERM, NAME_stop_signal.

say() { printf 'scripts/services: %s\n' "$*" >&2; }

# line NAME VALUE: one line of `env`.
line() { printf 'export %s=%q\n' "$1" "$2"; }

# ---- the folder and its lock

make_folder() {
  local mode=0700
  # As root, the users postgres and nobody pass through the folder to what is theirs; they cannot list it.
  [ "$(id -u)" != 0 ] || mode=0711
  if mkdir -p -- "$(dirname "$dir")" && { mkdir -m "$mode" -- "$dir" 2>/dev/null || [ -d "$dir" ]; }; then
    if [ -O "$dir" ] && [ ! -L "$dir" ]; then chmod "$mode" "$dir" && return 0; fi
    say "the folder $dir is somebody else's; set SERVICES_DIR to one of your own."
    exit 1
  fi
  say "the folder $dir cannot be made."
  exit 1
}

# One `up` or `down` at a time. The lock is held on file descriptor 9 until this process ends; after a purge the
# lock's file may be another one, so it is looked at again once the lock is ours.
lock() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    make_folder
    if { exec 9>"$dir/lock"; } 2>/dev/null; then
      flock -w 5 9 || { say "waiting for another call to finish …"; flock 9; }
      [ "$dir/lock" -ef /proc/self/fd/9 ] && return
      exec 9>&-
    fi
    sleep 0.1
  done
  say "the file $dir/lock cannot be written."
  exit 1
}

# ---- processes: known by pid, start time and boot, never by name

# start_time PID: ticks since boot at which it started; nothing when it is gone.
start_time() {
  local stat threads
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  threads=("/proc/$1/task"/*)
  # shellcheck disable=SC2086 # after the program's name in brackets, the fields are words; the state is the first
  set -- ${stat##*) }
  [ "$1" != Z ] || [ "${#threads[@]}" -gt 1 ] || return 1
  echo "${20}"
}

# dying PID: it was killed, or ends, but still holds what it has: a kill takes a while.
dying() {
  local stat key value
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  while read -r key value; do
    case $key in SigPnd: | ShdPnd:) [ $((16#${value: -3} & 0x100)) = 0 ] || return 0 ;; esac
  done 2>/dev/null <"/proc/$1/status"
  # shellcheck disable=SC2086 # as above; the seventh field has the kernel's flag that a process is exiting
  set -- ${stat##*) }
  [ "$1" = Z ] || [ $(($7 & 4)) != 0 ]
}

boot() { echo "$(</proc/sys/kernel/random/boot_id)"; }

pid_of() { local pid; { read -r pid _ <"$dir/$1/pid"; } 2>/dev/null && echo "$pid"; }

# there NAME: its leading process exists. alive NAME: and is not about to end.
there() {
  local pid time booted
  { read -r pid time booted <"$dir/$1/pid"; } 2>/dev/null || return 1
  [ "$booted" = "$(boot)" ] && [ "$time" = "$(start_time "$pid")" ]
}

alive() { there "$1" && ! dying "$(pid_of "$1")"; }

# as_user USER COMMAND…: as that user when we are root (empty or - for no change), replacing this shell.
as_user() {
  local user=$1
  shift
  if [ -z "$user" ] || [ "$user" = - ] || [ "$(id -u)" != 0 ]; then exec "$@"; fi
  exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
}

# spawn NAME USER COMMAND…: detached from our terminal and our lock. COMMAND is the path of the program itself, by
# which what is left of it after a kill is known.
spawn() {
  local name=$1 user=$2 pid
  shift 2
  echo "$1" >"$dir/$name/program"
  [ ! -e "$dir/$name/log" ] || mv -f "$dir/$name/log" "$dir/$name/log.before"
  (
    cd "$dir/$name/work" || exit 1
    as_user "$user" setsid "$@"
  ) </dev/null >"$dir/$name/log" 2>&1 9>&- &
  pid=$!
  echo "$pid $(start_time "$pid") $(boot)" >"$dir/$name/pid"
}

# leftovers NAME: pids of processes of ours, for when their leader is gone, known by the service's own working folder
# together with the program that the leader ran.
leftovers() {
  local work=$dir/$1/work program process
  { read -r program <"$dir/$1/program"; } 2>/dev/null || return 0
  for process in /proc/[0-9]*; do
    if [ "$process/cwd" -ef "$work" ] && [ "$process/exe" -ef "$program" ]; then echo "${process#/proc/}"; fi
  done
}

end_leftovers() {
  local pids tries
  for ((tries = 0; tries < 100; tries++)); do
    pids=$(leftovers "$1")
    [ -n "$pids" ] || there "$1" || break
    # shellcheck disable=SC2086 # the pids are words
    [ -z "$pids" ] || kill -KILL $pids 2>/dev/null
    sleep 0.1
  done
  there "$1" || rm -f "$dir/$1/pid"
}

# stop NAME…: asks all of them first, since some take their time; after half a minute one is killed.
stop() {
  local name signal tries
  for name; do
    signal=TERM
    ! declare -F "${name}_stop_signal" >/dev/null || signal=$("${name}_stop_signal")
    ! alive "$name" || kill "-$signal" "$(pid_of "$name")" 2>/dev/null
  done
  for name; do
    for ((tries = 0; tries < 300; tries++)); do there "$name" || break; sleep 0.1; done
    ! there "$name" || kill -KILL "$(pid_of "$name")" 2>/dev/null
    end_leftovers "$name"
  done
}

wait_until_ready() {
  local end=$((SECONDS + ${SERVICES_WAIT:-180}))
  while ! "$1_ready"; do
    alive "$1" && [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
  alive "$1"
}

tell_failure() {
  if alive "$1"; then
    say "$1 runs but does not answer as it should; the end of its log:"
  else
    say "$1 stopped while it was starting; the end of its log:"
  fi
  tail -n 20 "$dir/$1/log" >&2
}

# ---- ports and credentials

# choose_ports NAME KEY…: those kept, when they are free, else new ones.
choose_ports() { python3 "$parts/ports.py" "$dir" "$@"; }

# port NAME KEY
port() { sed -n "s/^$2=//p" "$dir/$1/ports" 2>/dev/null; }

# secret NAME KEY BYTES: made at first use, kept in a file that only we read.
secret() {
  local file=$dir/$1/$2
  if [ ! -s "$file" ]; then
    mkdir -p "$dir/$1" && od -An -vtx1 -N"$3" /dev/urandom | tr -d ' \n' >"$file.new" &&
      mv "$file.new" "$file" || return 1
  fi
  cat "$file"
}

# ---- questions to a service

# http_ok PORT PATH: answers with a 2xx.
http_ok() (
  exec 2>/dev/null
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$2" "$1" >&3
  IFS= read -r -t 5 first <&3 && [[ $first == HTTP/1.?\ 2* ]]
)

# s3_bucket NAME PORT: makes the bucket lakehouse-test unless it is there; returns once it can be written and read.
s3_bucket() {
  S3_ACCESS_KEY=$(secret "$1" access-key 10) S3_SECRET_KEY=$(secret "$1" secret-key 20) \
    python3 "$parts/s3bucket.py" "http://127.0.0.1:$2" lakehouse-test
}

# s3_env NAME PREFIX
s3_env() {
  line "$2_ENDPOINT" "http://$("$1_address")"
  line "$2_ACCESS_KEY" "$(secret "$1" access-key 10)"
  line "$2_SECRET_KEY" "$(secret "$1" secret-key 20)"
  line "$2_BUCKET" lakehouse-test
}

# ---- installing

# debian COMMAND PACKAGE: unless the command is there.
debian() { command -v "$1" >/dev/null || debian_package "$2"; }

debian_package() {
  local sudo=''
  say "installing the Debian package $1 …"
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || { say "the Debian package $1 is missing: install it."; return 1; }
    sudo=sudo
  fi
  # A list of packages that is old or not there at all is fetched, then it is tried once more.
  quietly $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" && return
  quietly $sudo apt-get update
  quietly $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" && return
  say "the Debian package $1 could not be installed; the end of the log:"
  tail -n 20 "$dir/install.log" >&2
  return 1
}

quietly() { "$@" </dev/null >>"$dir/install.log" 2>&1 8>&- 9>&-; }

# install_once FOLDER FUNCTION: runs FUNCTION NEWFOLDER unless $cache/FOLDER is complete. Several sets of
# services share the cache, so it has a lock of its own.
install_once() {
  local folder=$cache/$1
  [ ! -e "$folder/complete" ] || return 0
  mkdir -p "$cache" || return 1
  (
    flock 8
    [ ! -e "$folder/complete" ] || exit 0
    say "installing $1 …"
    rm -rf "$folder" "$dir/install.log" && mkdir -p "$folder" || exit 1
    if ! "$2" "$folder"; then
      say "$1 could not be installed; the end of the log:"
      tail -n 20 "$dir/install.log" >&2
      exit 1
    fi
    : >"$folder/complete"
  ) 8>"$cache/lock"
}

# python_packages FOLDER REQUIREMENT…: a virtual environment with these.
python_packages() {
  local folder=$1
  shift
  python3 -c 'import ensurepip' 2>/dev/null || debian_package python3-venv || return 1
  quietly python3 -m venv "$folder" &&
    quietly "$folder/bin/pip" install --disable-pip-version-check --no-input "$@"
}
