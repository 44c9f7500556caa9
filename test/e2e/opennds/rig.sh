#!/bin/bash
# A small world in private namespaces: a guest (cli), a gateway running Debian's openNDS (gw), and
# beyond it our portal and an invented internet (srv). Started by rig.ts as
#   unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private rig.sh WORK LEVEL -- SERVER…
# The host's /etc, /run and network are never touched, and everything dies with the first process.
set -eu
work=$1 level=$2
shift 3
here=$(cd "$(dirname "$0")" && pwd)
say() { printf '%s\n' "$*"; }
trap 'say "failed: line $LINENO"' ERR

# This world's copy of somebody else's loop device would keep it in use after they unmounted it.
grep '^/dev/loop' /proc/mounts | while read -r _ mounted _; do
  [ "$mounted" = / ] || umount -l "$mounted" || true
done

# openNDS rewrites files in /etc: let it, on a copy that nobody sees.
mkdir -p "$work/layers"
mount -t tmpfs tmpfs "$work/layers"
mkdir -p "$work/layers/up" "$work/layers/tmp"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$work/layers/up,workdir=$work/layers/tmp" /etc
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/tmpfiles.d /run/lock /var/lib/misc
mount -t tmpfs tmpfs /var/lib/misc

for name in gw cli srv; do
  ip netns add "$name"
  ip -n "$name" link set lo up
done
ip -n gw link add br-lan type bridge forward_delay 0
ip -n gw link set br-lan up
ip -n gw addr add 192.168.77.1/24 dev br-lan
ip -n gw link add v-cli type veth peer name eth0 netns cli
ip -n gw link set v-cli master br-lan up
ip -n cli link set eth0 address 02:00:00:00:00:50
ip -n cli link set eth0 up
ip -n gw link add v-wan type veth peer name eth0 netns srv
ip -n gw addr add 10.99.0.1/24 dev v-wan
ip -n gw link set v-wan up
ip -n srv addr add 10.99.0.2/24 dev eth0
ip -n srv addr add 10.99.0.80/24 dev eth0
ip -n srv link set eth0 up
ip -n gw route add default via 10.99.0.2
ip -n srv route add 192.168.77.0/24 via 10.99.0.1
ip netns exec gw sysctl -qw net.ipv4.ip_forward=1

# The portal's certificate, trusted inside this world only.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
  -subj /CN=portal.test -addext 'subjectAltName=DNS:portal.test,IP:10.99.0.2' \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat "$work/cert.pem" >>/etc/ssl/certs/ca-certificates.crt
printf 'nameserver 192.168.77.1\n' >/etc/resolv.conf

cat >"$work/dnsmasq.conf" <<CONF
interface=br-lan
bind-interfaces
no-resolv
no-hosts
dhcp-authoritative
dhcp-range=192.168.77.100,192.168.77.200,10m
dhcp-option=114,"https://portal.test:2443/capport/harbour/rig"
address=/portal.test/10.99.0.2
address=/status.client/192.168.77.1
address=/#/10.99.0.80
CONF
ip netns exec gw dnsmasq -k -C "$work/dnsmasq.conf" >"$work/dnsmasq.log" 2>&1 &
ip netns exec srv "$@" >"$work/server.log" 2>&1 &
server=$!

# The guest joins: a real lease, because openNDS serves nobody without one.
cat >"$work/lease.sh" <<'CONF'
#!/bin/sh
case "$1" in bound | renew)
  ip addr replace "$ip/24" dev "$interface"
  ip route replace default via 192.168.77.1
  printf '%s\n' "$ip" >"$LEASE"
  ;;
esac
CONF
chmod +x "$work/lease.sh"
for _ in 1 2 3 4 5; do
  LEASE="$work/lease" ip netns exec cli busybox udhcpc -i eth0 -n -q -t 5 -T 1 -O 114 -s "$work/lease.sh" \
    >"$work/dhcp.log" 2>&1 && break
  sleep 0.3
done

# openNDS renames chains and then meets the ones it made: the wrapper swallows exactly those calls.
mkdir -p "$work/shim"
cat >"$work/shim/nft" <<CONF
#!/bin/sh
case "\$*" in
  *"rename chain ip filter INPUT"* | *"rename chain ip filter FORWARD"*) exit 0 ;;
  *"add chain ip filter INPUT"* | *"add chain ip filter FORWARD"*) exit 0 ;;
esac
exec $(command -v nft) "\$@"
CONF
printf '#!/bin/sh\ncat >>"%s/messages.log"\n' "$work" >"$work/shim/logger"
printf '#!/bin/sh\nexit 0\n' >"$work/shim/systemctl"
printf '#!/bin/sh\nexit 1\n' >"$work/shim/iw"
chmod +x "$work"/shim/*

cat >"$work/nds.conf" <<CONF
GatewayName StoreOne
GatewayInterface br-lan
GatewayAddress 192.168.77.1
checkinterval 2
fasport $([ "$level" = 3 ] && echo 2443 || echo 2080)
faspath /p/harbour
fasremoteip 10.99.0.2
fas_secure_enabled $level
faskey s3cretfaskey0123456789abcdef
FirewallRuleSet authenticated-users {
  FirewallRule allow all
}
FirewallRuleSet users-to-router {
  FirewallRule allow udp port 53
  FirewallRule allow tcp port 53
  FirewallRule allow udp port 67
}
CONF
if [ "$level" = 3 ]; then
  sed -i 's|^fasremoteip.*|&\nfasremotefqdn portal.test\nbinauth /usr/lib/opennds/binauth_log.sh|' "$work/nds.conf"
fi
# Its shell helpers read the default file, where its own parser would refuse the poll interval.
{ cat "$work/nds.conf"; echo 'nat_traversal_poll_interval 2'; } >/etc/opennds/opennds.conf

# The portal must answer before the gateway asks it. Asked from the gateway, because openNDS gives up
# at start unless its upstream router already stands in the neighbour table.
for _ in $(seq 300); do
  ip netns exec gw curl -s -m 2 -o /dev/null http://10.99.0.2:2099/ && break
  kill -0 "$server" 2>/dev/null || { say 'failed: the server ended' && exit 1; }
  sleep 0.1
done
# openNDS reaps its shell helpers in a signal handler and sometimes before it has read their answer: then
# it says that it cannot get its routing configuration, and ends. It is started again, as init would.
for attempt in 1 2 3 4 5; do
  PATH="$work/shim:$PATH" ip netns exec gw opennds -f -d 1 -c "$work/nds.conf" >"$work/opennds.log" 2>&1 &
  gateway=$!
  for _ in $(seq 200); do
    grep -q 'openNDS is now running' "$work/opennds.log" && break
    kill -0 "$gateway" 2>/dev/null || break
    sleep 0.1
  done
  sleep 1
  ip netns exec gw ndsctl status >"$work/status.log" 2>&1 && break
  kill "$gateway" 2>/dev/null || true
  wait "$gateway" || true
  rm -f /run/ndsctl.sock /run/ndsctl.lock
done
ip netns exec gw ndsctl status >"$work/status.log" 2>&1
# Its poller starts five seconds later and begins by clearing what was left for it.
if [ "$level" = 3 ]; then
  for _ in $(seq 150); do
    grep -q 'nat_traversal_poll_interval is' "$work/messages.log" 2>/dev/null && break
    sleep 0.1
  done
fi
say "ready $(cat "$work/lease")"
# Until whoever started us lets go.
cat >/dev/null
