# The first process of the cluster's namespaces: makes them what a node expects, and collects what is orphaned in them.

# Kept open, and locked, as long as we live: another cluster that ends must not take the folders away under us.
locked=3
cover() {
  eval "exec $locked<'$2'"
  flock -s "$locked"
  locked=$((locked + 1))
  mount --bind "$1" "$2"
}

# What a container mounts must show in here. Outside of this namespace nothing of it does.
mount --make-rshared /
@covers@
# Sockets, locks and leases of our own.
mount -t tmpfs -o mode=755 tmpfs /run

# The kubelet sets these for the whole machine, unless they are what it wants already: it finds that they are.
mkdir sysctl
wanted() {
  echo "$2" > "sysctl/$(basename "$1")"
  mount --bind "sysctl/$(basename "$1")" "/proc/sys/$1"
}
wanted vm/overcommit_memory 1
wanted vm/panic_on_oom 0
wanted kernel/panic 10
wanted kernel/panic_on_oops 1
wanted kernel/keys/root_maxkeys 1000000
wanted kernel/keys/root_maxbytes 25000000

ip link set lo up
# A bridge without ports: not every kernel has dummy links.
ip link add node0 type bridge
first=@address@
for last in 0 1 2; do
  ip address add "${first%.*}.$((${first##*.} + last))/24" dev node0
done
ip link set node0 up
# Without a route a packet to a Service is refused before kube-proxy's rules see it.
ip route add @services@ dev node0
# Both belong to this network. A Service's address must be put back in answers even when both pods are on one bridge.
echo 1 > /proc/sys/net/ipv4/ip_forward
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
  echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
fi

touch made
# Every wait collects whatever has ended, also what others left behind.
while :; do
  sleep 3600 &
  wait $!
done
