#!/bin/sh
# The README's first command on this checkout, to its end; then once more on the same data and on a terminal,
# while the port is taken; then cut short. The demo must find a good point, the server must stay up and
# answer, and Ctrl-C must leave no process. Usage: tests/e2e/demo.sh [BUILD_DIRECTORY]; without one: make run.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=$(mktemp -d)
one='' two=''

bad() {
	echo "demo: $1" >&2
	for log in "$dir"/*.log; do
		[ ! -f "$log" ] || sed "s|^|${log##*/}: |" "$log" >&2
	done
	exit 1
}
# shellcheck disable=SC2317 # the trap calls it
clean() {
	[ -z "$one" ] || kill -TERM "-$one" 2>/dev/null
	[ -z "$two" ] || kill -TERM "$two" 2>/dev/null
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM

# Waits until FILE has TEXT, SECONDS at most, as long as process PID lives.
await() {
	tries=$(($4 * 5))
	until grep -q "$2" "$1" 2>/dev/null; do
		kill -0 "$3" 2>/dev/null || bad "it ended before it said: $2"
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || bad "it does not say, within $4 s: $2"
		sleep 0.2
	done
}
address() { sed -n 's/^cairnd is up at \([^ ]*\) .*/\1/p' "$1" | tr -d '\r'; }
experiment() { sed -n 's/.*(experiment \(exp_[A-Za-z0-9_-]*\)).*/\1/p' "$1"; }
best() { tr '\r' '\n' <"$1" | sed -n 's/.*200\/200 trials, best \([0-9.]*\).*/\1/p' | tail -n 1; }
good() { awk -v best="$1" 'BEGIN { exit !(best > 40 && best <= 50) }' || bad "best is '$1', more than 40 was expected"; }

# Within ten seconds nothing that names one of the WORDS runs any more.
gone() {
	for word in "$@"; do
		tries=50
		# By standard input: grep itself shall not name it.
		# shellcheck disable=SC2062 # files, not a pattern
		while printf '%s' "$word" | grep -qasF --file=- /proc/[0-9]*/cmdline; do
			tries=$((tries - 1))
			[ "$tries" -gt 0 ] || bad "after Ctrl-C there still runs something with $word"
			sleep 0.2
		done
	done
}

CAIRN_DATABASE=sqlite:///$dir/cairn.db
export CAIRN_DATABASE
if [ $# -gt 0 ]; then
	build=$1
	set -- deploy/run-demo "$1"
else
	build=build/release
	set -- make run
fi

# What a script starts in the background ignores SIGINT, unless told otherwise. Without exec a shell between
# (script's, which $SHELL chooses) may die of the Ctrl-C and hide how the demo ended.
on_a_terminal() {
	CAIRN_LISTEN=$1 timeout --foreground 600 env --default-signal=INT \
		script -qefc "exec deploy/run-demo '$build'" "$2" <"$dir/keys" >/dev/null 2>&1 &
	two=$!
}

# Not on a terminal.
CAIRN_LISTEN=127.0.0.1:0 setsid env --default-signal=INT "$@" >"$dir/one.log" 2>&1 &
one=$!
await "$dir/one.log" 'The server stays up' "$one" 1800
url=$(address "$dir/one.log")
good "$(best "$dir/one.log")"
grep -q '^  x = 50$' "$dir/one.log" || grep -q '^  x = 4[0-9]$' "$dir/one.log" || bad 'the parameters of the best are not there'
[ "$(grep -c 'trials, best' "$dir/one.log")" -lt 60 ] || bad 'more than a line every few seconds'
curl -fsS "$url/readyz" >/dev/null || bad 'the server is gone after the demo'

# On a terminal, with the first one's port and data.
mkfifo "$dir/keys"
exec 9<>"$dir/keys"
on_a_terminal "${url#http://}" "$dir/two.log"
await "$dir/two.log" 'The server stays up' "$two" 300
good "$(best "$dir/two.log")"
grep -q 'trying any free port' "$dir/two.log" || bad 'the port was taken, and nothing said so'
grep -q "$(printf '\r\033\[K')" "$dir/two.log" || bad 'there is no line that moves'
other=$(address "$dir/two.log")
[ "$other" != "$url" ] || bad 'two servers on one port'
curl -fsS "$other/v1/experiments/$(experiment "$dir/one.log")" >/dev/null || bad 'the first experiment is gone'
printf '\003' >&9
wait "$two" || bad "the demo on a terminal ended with $?"
two=''
gone "${other#http://}" "$(experiment "$dir/two.log")"

# Cut short, in the midst of it.
on_a_terminal 127.0.0.1:0 "$dir/three.log"
await "$dir/three.log" '[1-9][0-9]/200 trials' "$two" 120
printf '\003' >&9
wait "$two" || bad "the demo that was cut short ended with $?"
two=''
gone "$(experiment "$dir/three.log")"
grep -q 'cairnd ended\|ended early' "$dir/three.log" && bad 'Ctrl-C was taken for an accident'

kill -INT "-$one"
wait "$one"
status=$?
one=''
case $status in
0 | 2 | 130) ;; # make says 2 or 130
*) bad "it ended with $status" ;;
esac
gone "$dir/cairn.db"
echo "demo: best $(best "$dir/one.log")"
