#!/usr/bin/env bash
# The figures of the store and the transfer, on this machine: what a changed file sends, how fast nothing is found to do, what a
# deletion gives back, what each process takes. Drives the documented commands on a cluster of its own.
# usage: bench/figures.sh [MIB]      (1024 by default; ports from 7500 on must be free; a Release build is made)
set -euo pipefail
cd "$(dirname "$0")/.."
mib=${1:-1024}
work=$(mktemp -d)
mkdir "$work/home"
export HOME=$work/home XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
export DOTNET_CLI_HOME=${DOTNET_CLI_HOME:-/tmp} NUGET_PACKAGES=${NUGET_PACKAGES:-$(getent passwd "$(id -u)" | cut -d: -f6)/.nuget/packages}
cluster=
finish() { [ -z "$cluster" ] || kill -TERM -- "-$cluster" 2>/dev/null || true; sleep 3; rm -rf "$work"; }
trap finish EXIT
dotnet build Backup.sln -c Release -v:q >/dev/null

setsid dotnet run -c Release --no-build --project Backup.AppHost -- --Cluster:BasePort=7500 --Cluster:Nodes=3 --Cluster:DataDirectory="$work/data" \
  --Manager:UndoTime=00:00:00 --Node:GraceTime=00:00:00 --Node:CollectInterval=00:00:05 >"$work/log" 2>&1 &
cluster=$!
until grep -q 'The cluster is ready' "$work/log"; do kill -0 "$cluster"; sleep 0.5; done
client() { dotnet Backup.Client/bin/Release/net10.0/Backup.Client.dll --server http://localhost:7501 "$@"; }
packs() { find "$work/data" -name '*.pack' -printf '%s\n' | awk '{ n += $1 } END { printf "%d", n / 1048576 }'; }
timed() { local start; start=$(date +%s.%N); "$@"; echo "took $(echo "$(date +%s.%N) - $start" | bc) s in all"; }

echo "== one file of $mib MiB"
mkdir "$work/big"
head -c "${mib}M" /dev/urandom >"$work/big/file"
client --root "$work/big" backup
echo "most memory, MiB: $(awk '$2 != "|" && /^(redis|manager|node-[0-9]+) / && $NF ~ /^[0-9]+$/ { print $1, $NF }' "$work/log" |
  while read -r name pid; do printf '%s %s  ' "$name" "$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$pid/status")"; done)"
before=$(packs)

echo "== the same with 1 % of its 64 KiB blocks changed and 1 KiB inserted at its start"
python3 - "$work/big/file" <<'P'
import os, random, sys
path = sys.argv[1]
random.seed(1)
with open(path, "r+b") as f:
    blocks = os.path.getsize(path) >> 16
    for block in random.sample(range(blocks), blocks // 100):
        f.seek(block << 16)
        f.write(os.urandom(1 << 16))
with open(path + ".new", "wb") as to, open(path, "rb") as f:
    to.write(os.urandom(1024))
    while data := f.read(1 << 20):
        to.write(data)
os.replace(path + ".new", path)
P
client --root "$work/big" backup
echo "stored for it: $(($(packs) - before)) MiB on two nodes together"

echo "== the same content of another client"
cp -r "$work/big" "$work/other"
before=$(packs)
client --root "$work/other" backup
echo "stored for it: $(($(packs) - before)) MiB on two nodes together"

echo "== 10,000 files, and the same again"
mkdir "$work/small"
python3 - "$work/small" <<'P'
import os, random, sys
random.seed(2)
for i in range(10_000):
    folder = os.path.join(sys.argv[1], f"{i % 100:02d}")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{i}.txt"), "wb") as f:
        f.write(os.urandom(random.randrange(1, 12_000)))
P
client --root "$work/small" backup
timed client --root "$work/small" backup

echo "== half of what is stored deleted and collected"
rm "$work/other/file"
client --root "$work/other" backup --allow-empty
client --root "$work/other" retention apply --keep-last 1 --yes
live=$((2 * (mib + $(du -sm "$work/small" --apparent-size | cut -f1) + mib / 20)))
for _ in $(seq 60); do [ "$(packs)" -gt $((live * 11 / 10)) ] || break; sleep 2; done
echo "stored: $(packs) MiB; live, with the changed chunks of the older version: about $live MiB"

echo "== salvage, of one node's directory"
kill -TERM -- "-$cluster"; wait "$cluster" 2>/dev/null || true; cluster=
for node in "$work"/data/node-*; do
  rm -rf "$work/out"
  dotnet Backup.Storage/bin/Release/net10.0/Backup.Storage.dll salvage "$node" --to "$work/out" | tail -n 1
  find "$work/out" -type f -size +100M -exec sha256sum {} + | cut -d' ' -f1
done
sha256sum "$work/big/file" | cut -d' ' -f1
