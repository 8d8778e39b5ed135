# shellcheck shell=bash disable=SC2154
# PostgreSQL from the Debian package, with a cluster of its own: password by SCRAM, 127.0.0.1 and a socket in its
# folder, writes synced to disk as in earnest. The role lakehouse is a superuser, so tests make databases.

# The newest installed version's folder of programs.
postgresql_programs() { find /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname; }

postgresql_install() {
  [ -n "$(postgresql_programs)" ] || debian_package postgresql
}

postgresql_start() {
  local folder=$dir/postgresql programs run password
  programs=$(postgresql_programs) run=$folder/run
  choose_ports postgresql sql || return 1
  password=$(secret postgresql password 20) || return 1
  # As root, what PostgreSQL reads and writes belongs to the user postgres; the password's file does not.
  if [ "$(id -u)" = 0 ]; then
    chmod 0711 "$folder"
    mkdir -p "$run"
    chown postgres: "$run" "$folder/work"
    if ! (as_user postgres test -w "$folder/work"); then
      say "the user postgres cannot enter $folder: set SERVICES_DIR to a folder that everybody may pass."
      return 1
    fi
  else
    mkdir -p "$run"
  fi
  if [ ! -e "$folder/made" ]; then
    # What a call that was ended half made is made anew.
    find "$folder/work" -mindepth 1 -delete
    printf '%s\n' "$password" >"$run/password"
    [ "$(id -u)" != 0 ] || chown postgres: "$run/password"
    (
      cd "$run" && as_user postgres "$programs/initdb" -D "$folder/work" -U lakehouse \
        --pwfile="$run/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
    ) >"$folder/log" 2>&1
    local made=$?
    rm -f "$run/password"
    [ "$made" = 0 ] || { tail -n 20 "$folder/log" >&2; return 1; }
    : >"$folder/made"
  fi
  # Nothing of this cluster runs now. After a kill, the server's own notes may name a process that is dead but not
  # yet reaped, or another one by now, and would keep it from starting.
  rm -f "$folder/work/postmaster.pid" "$run"/.s.PGSQL.*
  # The path of a Unix socket has at most 107 bytes; in a deeper folder there is TCP only.
  [ ${#run} -le 85 ] || run=''
  spawn postgresql postgres "$programs/postgres" -D "$folder/work" -p "$(port postgresql sql)" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories="$run" -c max_connections=200 -c fsync=on
}

# INT is the fast shutdown: it ends connections and does not wait for them.
postgresql_stop_signal() { echo INT; }

postgresql_ready() {
  "$(postgresql_programs)/pg_isready" -q -h 127.0.0.1 -p "$(port postgresql sql)" -t 3
}

postgresql_setup() { :; }

postgresql_address() { echo "127.0.0.1:$(port postgresql sql)"; }

postgresql_env() {
  line SERVICE_POSTGRES \
    "postgres://lakehouse:$(secret postgresql password 20)@$(postgresql_address)/postgres"
}
