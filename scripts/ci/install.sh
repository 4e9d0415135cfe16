#!/usr/bin/env bash
# What the other sections need of the system, on Debian and Ubuntu. Elsewhere nothing is installed
# and the sections say what they miss.
source "$(dirname "$0")/lib.sh"
export DEBIAN_FRONTEND=noninteractive
# Servers among the packages are not to start by themselves.
export RUNLEVEL=1

# Package and a file or command that shows it is there.
wanted=(
  "g++ c++" "cmake cmake" "make make" "ninja-build ninja" "git git"
  "clang-format-14 clang-format-14" "clang-tidy-14 clang-tidy-14"
  "doctest-dev /usr/include/doctest/doctest.h"
  "iproute2 ip" "nftables nft" "conntrack conntrack" "strace strace" "socat socat"
  "valgrind valgrind" "binutils readelf" "util-linux prlimit" "openssl openssl" "procps ps"
  # Peers of the bridges and of TLS; the tests start their own, with data of their own.
  "curl curl" "postgresql /usr/lib/postgresql" "redis-server redis-server"
  "mariadb-server mariadbd"
  "nginx nginx" "libnginx-mod-stream /usr/lib/nginx/modules/ngx_stream_module.so"
  # WebSockets of others; gorilla's tests are compiled from what Debian has of it.
  "python3-websockets /usr/lib/python3/dist-packages/websockets"
  "golang-go go"
  "golang-github-gorilla-websocket-dev /usr/share/gocode/src/github.com/gorilla/websocket"
  # Peers of the datagram sockets: DNS, mDNS, syslog, sd_notify.
  "dnsmasq-base dnsmasq" "avahi-daemon avahi-daemon" "rsyslog rsyslogd" "systemd systemd-notify"
  "bsdutils logger"
  # The shells whose completions the command makes.
  "zsh zsh" "fish fish"
)
# To run the prebuild of the other processor.
if [ "$(uname -m)" = x86_64 ]; then
  wanted+=("g++-aarch64-linux-gnu aarch64-linux-gnu-g++" "qemu-user qemu-aarch64")
fi

missing=()
for entry in "${wanted[@]}"; do
  read -r package proof <<< "$entry"
  if [[ $proof == /* ]]; then
    [ -e "$proof" ] || missing+=("$package")
  else
    PATH=$PATH:/usr/sbin:/sbin command -v "$proof" > /dev/null || missing+=("$package")
  fi
done

# Browsers, whose names differ. Ubuntu has them as snaps only, which its CI machines come with.
has_any() {
  for name in "$@"; do command -v "$name" > /dev/null && return; done
  return 1
}
if grep -qs '^ID=debian' /etc/os-release; then
  has_any chromium chromium-browser google-chrome || missing+=(chromium)
  has_any firefox-esr firefox || missing+=(firefox-esr)
fi

if [ ${#missing[@]} = 0 ]; then
  echo "nothing is missing"
elif command -v apt-get > /dev/null; then
  echo "installing ${missing[*]}"
  as_root apt-get update -qq -o DPkg::Lock::Timeout=300
  as_root apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "${missing[@]}" > /dev/null
else
  echo "missing, and no apt-get to install it: ${missing[*]}" >&2
fi
