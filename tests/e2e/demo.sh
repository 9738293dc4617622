#!/bin/sh
# The README's first command on this checkout, to its end: the demo must finish with a good best, the
# server must stay up, answer, and stop cleanly on Ctrl-C.
set -u
cd "$(dirname "$0")/../.." || exit 2
log=$(mktemp)
trap 'rm -rf "$log" data-demo' EXIT
mkdir -p data-demo
CAIRN_LISTEN=127.0.0.1:0 CAIRN_DATABASE=sqlite:///data-demo/cairn.db setsid make run >"$log" 2>&1 &
run=$!
tries=9000
until grep -q 'The server stays up' "$log"; do
	kill -0 "$run" 2>/dev/null || { cat "$log"; echo "make run ended early"; exit 1; }
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || { cat "$log"; echo "make run takes longer than 15 minutes"; exit 1; }
	sleep 0.1
done
cat "$log"
url=$(sed -n 's/^cairnd is up at \([^ ]*\) .*/\1/p' "$log")
best=$(sed -n 's/.*200\/200 trials, best \(.*\)$/\1/p' "$log")
curl -fsS "$url/readyz" >/dev/null || { echo "the server is gone after the demo"; exit 1; }
kill -INT "-$run"
wait "$run"
status=$?
curl -fsS "$url/readyz" >/dev/null 2>&1 && { echo "the server is still up after Ctrl-C"; exit 1; }
awk -v best="$best" 'BEGIN { exit !(best > 40 && best <= 50) }' || { echo "best is $best, more than 40 was expected"; exit 1; }
case $status in
0 | 2 | 130) ;;
*) echo "make run ended with $status"; exit 1 ;;
esac
echo "demo: best $best"
