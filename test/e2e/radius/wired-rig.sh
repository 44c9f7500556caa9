#!/bin/bash
# A cable between two namespaces: hostapd at one end, wpa_supplicant at the other, FreeRADIUS to authenticate.
# Runs inside new mount, network and process namespaces; all of it ends when the program given ends.
# wired-rig.sh <folder> <program> [words]
set -eu
work=$1
shift
mount -t tmpfs none /run
mkdir -p /run/netns
ip link set lo up
ip netns add cli
ip link add v-cli type veth peer name eth0 netns cli
ip link set v-cli address 02:00:00:00:00:01 up
ip -n cli link set lo up
ip -n cli link set eth0 address 02:00:00:00:00:50 up
freeradius -f -l "$work/freeradius.log" -n radiusd -d "$work/raddb" >/dev/null 2>&1 &
# The authenticator greets our server first (Accounting-On), so it waits until that is there.
(
  until [ -e "$work/ready" ]; do sleep 0.1; done
  until grep -q 'Ready to process' "$work/freeradius.log" 2>/dev/null; do sleep 0.1; done
  hostapd "$work/hostapd.conf" >"$work/hostapd.log" 2>&1 &
  ip netns exec cli wpa_supplicant -D wired -i eth0 -c "$work/supplicant.conf" >"$work/supplicant.log" 2>&1 &
) &
"$@"
