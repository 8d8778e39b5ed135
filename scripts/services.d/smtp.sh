# shellcheck shell=bash disable=SC2154
# A mail server that keeps every message as a file and delivers nothing: smtp-sink.py with the Python package
# aiosmtpd. No TLS, no login.

smtp_version=1.4.6

smtp_packages() { python_packages "$1" "aiosmtpd==$smtp_version"; }

smtp_install() { install_once "aiosmtpd-$smtp_version" smtp_packages; }

smtp_start() {
  choose_ports smtp smtp || return 1
  mkdir -p "$dir/smtp/messages"
  spawn smtp - "$cache/aiosmtpd-$smtp_version/bin/python" "$parts/smtp-sink.py" \
    "$(port smtp smtp)" "$dir/smtp/messages"
}

smtp_ready() (
  exec 2>/dev/null
  exec 3<>"/dev/tcp/127.0.0.1/$(port smtp smtp)" || exit 1
  IFS= read -r -t 5 first <&3 && [[ $first == 220* ]] && printf 'QUIT\r\n' >&3 && read -r -t 5 _ <&3
)

smtp_setup() { :; }

smtp_address() { echo "127.0.0.1:$(port smtp smtp)"; }

smtp_env() {
  line SERVICE_SMTP "$(smtp_address)"
  line SERVICE_SMTP_FOLDER "$dir/smtp/messages"
}
