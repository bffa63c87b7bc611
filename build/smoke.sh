#!/usr/bin/env bash
# What a newcomer does first: start the cluster, back real files up, restore them, compare, stop, and start it once more.
# usage: smoke.sh CHECKOUT    (its ports 7099 to 7104 must be free)
set -euo pipefail
cd "$1"
work=$(mktemp -d)
export XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
cluster=
fail() { echo "smoke: $1"; tail -n 40 "$work/cluster.log" 2>/dev/null; exit 1; }
finish() { [ -z "$cluster" ] || kill -KILL -- "-$cluster" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

start() {
  setsid dotnet run --project Backup.AppHost >"$work/cluster.log" 2>&1 &
  cluster=$!
  for _ in $(seq 180); do
    grep -q 'The cluster is ready' "$work/cluster.log" && return
    kill -0 "$cluster" 2>/dev/null || fail "the cluster ended before it was ready"
    sleep 1
  done
  fail "the cluster was not ready in 3 minutes"
}
stop() {
  pids=$(awk '$2 != "|" && /^(redis|manager|node-[0-9]+) / && $NF ~ /^[0-9]+$/ { print $NF }' "$work/cluster.log")
  [ "$(echo "$pids" | wc -l)" = 6 ] || fail "expected six processes, saw: $pids"
  kill -TERM -- "-$cluster"
  for _ in $(seq 100); do
    alive=
    for pid in $pids; do kill -0 "$pid" 2>/dev/null && alive="$alive $pid"; done
    [ -z "$alive" ] && { cluster=; return; }
    sleep 0.1
  done
  fail "still running after 10 s:$alive"
}
client() { dotnet run --project Backup.Client -- "$@"; }

start
client cluster status | grep -q healthy || fail "the cluster does not say that it is healthy"
client backup report.pdf | grep -q 'primary node-' || fail "the receipt names no primary"
client backup
client list
client restore --to "$work/back"
diff -r sample-root "$work/back" || fail "what came back differs"

mkdir "$work/root"
head -c 50000000 /dev/urandom >"$work/root/fifty"
client --root "$work/root" backup
curl -sf -T "$work/root/fifty" http://localhost:7103/files/fifty >/dev/null || fail "a plain PUT was refused"
curl -sf http://localhost:7102/files/fifty | cmp - "$work/root/fifty" || fail "a plain GET gave something else"
stop

start
client --root "$work/root" restore --to "$work/again"
cmp "$work/root/fifty" "$work/again/fifty" || fail "after a restart something else came back"
stop
echo "smoke: started, backed up, restored, compared, stopped, twice; no process is left"
