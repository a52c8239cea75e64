# shellcheck shell=bash
# A network namespace for an engine of its own: its ports are private, and its firewall rules do not meet those of this
# machine's engine. Sourced, never run. Who sources it sets:
#
#   name   the namespace's
#   link   the name of the link to it, here (at most 15 letters)
#   near   our address on that link
#   far    the namespace's address on it

# Both ways, ahead of the rules of the machine's own engine, which drops what it does not know.
firewall() {
  iptables "$1" FORWARD -i "$link" -j ACCEPT
  iptables "$1" FORWARD -o "$link" -j ACCEPT
  iptables -t nat "$1" POSTROUTING -s "$far" ! -o "$link" -j MASQUERADE
}

network_up() {
  ip netns add "$name"
  ip link add "$link" type veth peer name eth0 netns "$name"
  ip address add "$near/30" dev "$link"
  ip link set "$link" up
  ip -n "$name" address add "$far/30" dev eth0
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
  ip -n "$name" route add default via "$near"
  sysctl -qw net.ipv4.ip_forward=1
  firewall -I
}

network_down() {
  firewall -D 2> /dev/null
  ip netns delete "$name" 2> /dev/null
  ip link delete "$link" 2> /dev/null
}

# Not `ip netns exec`: that mounts a new /sys, which hides the control groups.
inside() { nsenter --net="/run/netns/$name" "$@"; }
