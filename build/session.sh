#!/usr/bin/env bash
# Records the session in the README: starts the cluster, types the commands into a real terminal as a person does, and puts what
# was to be seen there into README.md, and the menu into docs/pictures/menu.png.
# usage: build/session.sh    (its ports 7099 to 7104 must be free, or: unshare -n sh -c 'ip link set lo up; build/session.sh')
# It needs tmux; the picture also aha and chromium (apt-get install tmux aha chromium).
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_NOLOGO=1 NO_PROXY=localhost
work=$(mktemp -d)
restored=/tmp/back
export XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
cluster=
tmux() { command tmux -u -L "backup-session-$$" -f /dev/null "$@"; }
finish() { tmux kill-server 2>/dev/null || true; [ -z "$cluster" ] || kill -TERM -- "-$cluster" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
fail() { echo "session: $1"; tmux capture-pane -p -t 0 2>/dev/null; tail -n 20 "$work/cluster.log"; exit 1; }

[ ! -e "$restored" ] || { echo "session: $restored is in the way"; exit 1; }
dotnet build Backup.AppHost -v:q && dotnet build Backup.Client -v:q
setsid dotnet run --project Backup.AppHost -- "--Cluster:DataDirectory=$work/data" >"$work/cluster.log" 2>&1 &
cluster=$!
for _ in $(seq 180); do grep -q 'The cluster is ready' "$work/cluster.log" && break; sleep 1; done
grep -q 'The cluster is ready' "$work/cluster.log" || fail "the cluster was not ready in 3 minutes"

tmux new-session -d -x 100 -y 60 "env PS1='$ ' bash --norc --noprofile"
screen() { tmux capture-pane -p -t 0 "$@"; }
# Waits until the last line that is not empty is the one given, or contains the text given.
until_last() { for _ in $(seq 600); do [ "$(screen | sed '/^ *$/d' | tail -n 1 | sed 's/ *$//')" = "$1" ] && return; sleep 0.2; done; fail "'$1' did not come"; }
# The checkout is called by the name the README gives it, wherever it lies.
as_read() { sed "s#$PWD#~/backup#g"; }
until_seen() { for _ in $(seq 600); do screen | grep -qF "$1" && return; sleep 0.2; done; fail "'$1' did not come"; }
run() { until_last '$'; tmux send-keys -t 0 -l "$1"; tmux send-keys -t 0 Enter; sleep 1; until_last '$'; }
pick() { tmux send-keys -t 0 -l "$1"; until_seen "filter: $1_"; }

client='dotnet run --project Backup.Client --'
for arguments in "backup report.pdf" "backup" "where report.pdf" "restore --to $restored" "cluster status"; do
  run "$client $arguments"
done
# One empty line before each command but the first, and none of the last prompt.
{ echo '```console'; screen -J -S - | sed 's/ *$//' | sed '/^\$$/d; /^$/d' | sed '2,$ s/^\$ /\n$ /'; echo '```'; } >"$work/session.md"
grep -q '^healthy: 4 of 4' "$work/session.md" || fail "the session did not end well"
rm -rf "$restored"

# The menu, in the terminal that everybody has.
tmux resize-window -t 0 -x 80 -y 24
run clear
tmux send-keys -t 0 -l 'dotnet run --project Backup.Client'; tmux send-keys -t 0 Enter
until_seen 'Back up everything'
shot() { printf '```text\n'; screen | as_read | sed 's/ *$//' | sed '/^\$ /d' | sed -e '/./,$!d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; printf '```\n'; }
shot >"$work/menu.md"
screen -e | as_read >"$work/menu.ansi"
pick 'a file'; tmux send-keys -t 0 Enter
until_seen 'Which file?'; pick 'sun'
shot >>"$work/menu.md"
tmux send-keys -t 0 Enter
until_seen 'Press a key to go on.'
shot >>"$work/menu.md"
tmux send-keys -t 0 Space
until_seen 'Back up everything'; tmux send-keys -t 0 Escape

put() {
  awk -v mark="$1" -v file="$2" '
    $0 == "<!-- /" mark " -->" { hidden = 0 }
    !hidden
    index($0, "<!-- " mark ":") == 1 { while ((getline line < file) > 0) print line; hidden = 1 }' README.md >"$work/README.md"
  cat "$work/README.md" >README.md
}
put session "$work/session.md"
put menu "$work/menu.md"

if command -v aha >/dev/null && command -v chromium >/dev/null; then
  { echo '<meta charset="utf-8"><style>body{margin:0;background:#16181d}pre{margin:14px;font:15px/1.25 "DejaVu Sans Mono",monospace;color:#e6e6e6}</style>'
    printf '<pre>'; sed '/^\$ /d; /^ *$/d' "$work/menu.ansi" | aha --no-header --black; printf '</pre>'; } >"$work/menu.html"
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=720,310 "--screenshot=$PWD/docs/pictures/menu.png" "file://$work/menu.html" >/dev/null 2>&1 || fail "no picture was made"
else
  echo "session: aha or chromium is missing; docs/pictures/menu.png stays as it is"
fi
echo "session: recorded"
