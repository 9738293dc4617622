#!/bin/sh
# cairn.sh - a Cairn client in POSIX sh and curl: a library when sourced, a command when run.
#
#   . cairn.sh                                  cairn.sh create experiment.json     -> exp_...
#   cairn_suggest exp_... && {                  cairn.sh suggest exp_...            -> trial as JSON
#       lr=$(cairn_param lr)                    cairn.sh observe exp_... 0 0.93
#       cairn_report 0.5 1                      cairn.sh best exp_... ; show, list, trials, wait ...
#       cairn_final 0.93
#   }
#
# After a status of 4 CAIRN_REASON says why (max_trials, exhausted, ...).
# Environment: CAIRN_URL (http://127.0.0.1:8080), CAIRN_TOKEN, CAIRN_WORKER (host:pid),
# CAIRN_LEASE ("5m"), CAIRN_WAIT ("10s": how long a suggest is held), CAIRN_TRIES (8).
# Exit status of every function: 0; 1 refused (the problem is on standard error);
# 2 usage; 3 the server cannot be reached; 4 nothing more to do (done).

: "${CAIRN_URL:=http://127.0.0.1:8080}"
: "${CAIRN_WORKER:=$(uname -n):$$}"
: "${CAIRN_WAIT:=10s}"
: "${CAIRN_LEASE:=}"
: "${CAIRN_TRIES:=8}"

# JSON on standard input -> one line a leaf: path TAB value, the path's parts joined by dots
# (a dot inside a name is kept: address by the whole path). Strings are unescaped, \n and \t stay as
# they are so that a leaf is a line.
cairn_flatten() {
	LC_ALL=C awk '
	function skip() { while (substr(s, i, 1) ~ /[ \t\r\n]/) i++ }
	function text(    from, out, c) {
		i++; out = ""
		while (i <= n) {
			c = substr(s, i, 1)
			if (c == "\"") { i++; return out }
			if (c == "\\") {
				c = substr(s, i + 1, 1)
				if (c == "\"" || c == "\\" || c == "/") { out = out c; i += 2; continue }
				if (c == "u") { out = out substr(s, i, 6); i += 6; continue }
				out = out "\\" c; i += 2; continue
			}
			out = out c; i++
		}
		return out
	}
	function join(path, part) { return path == "" ? part : path "." part }
	function value(path,    c, key, k, from) {
		skip(); c = substr(s, i, 1)
		if (c == "{") {
			i++; skip()
			if (substr(s, i, 1) == "}") { i++; print path "\t{}"; return }
			while (i <= n) {
				skip(); key = text(); skip(); i++
				value(join(path, key)); skip()
				if (substr(s, i, 1) == ",") { i++; continue }
				i++; return
			}
		} else if (c == "[") {
			i++; k = 0; skip()
			if (substr(s, i, 1) == "]") { i++; print path "\t[]"; return }
			while (i <= n) {
				value(join(path, k++)); skip()
				if (substr(s, i, 1) == ",") { i++; continue }
				i++; return
			}
		} else if (c == "\"") {
			print path "\t" text()
		} else {
			from = i
			while (i <= n && substr(s, i, 1) !~ /[,}\] \t\r\n]/) i++
			print path "\t" substr(s, from, i - from)
		}
	}
	{ s = s $0 "\n" }
	END { n = length(s); i = 1; value("") }'
}

# cairn_get PATH < JSON: the leaf at that path; status 1 when there is none.
cairn_get() {
	cairn_flatten | awk -F '\t' -v path="$1" '
		$1 == path { print substr($0, length(path) + 2); found = 1; exit }
		END { exit !found }'
}

# A string as JSON, quotes included.
cairn_quote() {
	printf '%s' "$1" | LC_ALL=C awk '
		BEGIN { ORS = ""; print "\"" }
		NR > 1 { print "\\n" }
		{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); print }
		END { print "\"" }'
}

cairn_key() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# cairn_request METHOD PATH [BODY]: the answer's body on standard output. POSTs carry an
# Idempotency-Key, so trying again after a lost answer is safe; 429 and 503 are tried again after
# Retry-After.
cairn_request() {
	_method=$1 _path=$2 _body=${3-}
	_key=$(cairn_key) _try=0 _pause=1
	_tmp=$(mktemp -d) || return 3
	printf '%s' "$_body" >"$_tmp/body"
	# The token goes through a file only we can read: arguments can be seen by everybody in ps.
	{
		echo 'header = "Accept: application/json"'
		[ -z "$_body" ] || echo 'header = "Content-Type: application/json"'
		[ -z "${CAIRN_TOKEN-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$CAIRN_TOKEN"
		[ "$_method" != POST ] || printf 'header = "Idempotency-Key: %s"\n' "$_key"
	} >"$_tmp/config"
	while :; do
		_try=$((_try + 1))
		_status=$(curl -sS -o "$_tmp/answer" -D "$_tmp/headers" -w '%{http_code}' \
			-X "$_method" -K "$_tmp/config" --max-time 90 \
			${_body:+--data-binary "@$_tmp/body"} \
			"$CAIRN_URL$_path" 2>"$_tmp/error") || _status=000
		case $_status in
		2??)
			cat "$_tmp/answer"
			rm -rf "$_tmp"
			return 0
			;;
		429 | 503 | 000)
			if [ "$_try" -lt "$CAIRN_TRIES" ]; then
				_after=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9][0-9]*\).*/\1/p' \
					"$_tmp/headers" 2>/dev/null | tail -n 1)
				sleep "${_after:-$_pause}"
				_pause=$((_pause < 16 ? _pause * 2 : 16))
				continue
			fi
			;;
		esac
		if [ "$_status" = 000 ]; then
			echo "cairn.sh: $CAIRN_URL: $(cat "$_tmp/error")" >&2
			rm -rf "$_tmp"
			return 3
		fi
		{
			printf 'cairn.sh: %s %s: %s: ' "$_method" "$_path" "$_status"
			cairn_get detail <"$_tmp/answer" || cat "$_tmp/answer"
			cairn_flatten <"$_tmp/answer" | awk -F '\t' '
				/^errors\.[0-9]+\.pointer/ { pointer = $2 }
				/^errors\.[0-9]+\.message/ { print "  " pointer ": " $2 }'
		} >&2
		rm -rf "$_tmp"
		return 1
	done
}

# cairn_create FILE (- for standard input): the new experiment's id.
cairn_create() {
	_json=$(cat -- "${1:--}") || return 2
	cairn_request POST /v1/experiments "$_json" | cairn_get id
}

# cairn_suggest EXPERIMENT: takes a trial. Sets CAIRN_EXPERIMENT, CAIRN_TRIAL, CAIRN_ATTEMPT and
# CAIRN_SUGGESTION (its JSON). Waits while there is nothing now; 4 when there is nothing ever again.
cairn_suggest() {
	CAIRN_EXPERIMENT=$1
	while :; do
		_answer=$(cairn_request POST "/v1/experiments/$1/suggest" \
			"{\"worker\":$(cairn_quote "$CAIRN_WORKER"),\"wait\":\"$CAIRN_WAIT\"${CAIRN_LEASE:+,\"lease\":\"$CAIRN_LEASE\"}}") || return
		_flat=$(printf '%s' "$_answer" | cairn_flatten)
		CAIRN_TRIAL=$(printf '%s\n' "$_flat" | sed -n 's/^trials\.0\.trial	//p')
		if [ -n "$CAIRN_TRIAL" ]; then
			CAIRN_ATTEMPT=$(printf '%s\n' "$_flat" | sed -n 's/^trials\.0\.attempt	//p')
			CAIRN_SUGGESTION=$_answer
			return 0
		fi
		if printf '%s\n' "$_flat" | grep -q '^done	true$'; then
			# shellcheck disable=SC2034 # for the script that sourced this one
			CAIRN_REASON=$(printf '%s\n' "$_flat" | sed -n 's/^reason	//p')
			return 4
		fi
		_ms=$(printf '%s\n' "$_flat" | sed -n 's/^retry_after_ms	//p')
		sleep "$(awk -v ms="${_ms:-1000}" 'BEGIN { print ms / 1000 }')"
	done
}

# cairn_param NAME: a parameter of the current trial (nested ones: op.rate).
cairn_param() {
	printf '%s' "$CAIRN_SUGGESTION" | cairn_get "trials.0.parameters.$1"
}

_cairn_observe() {
	cairn_request POST "/v1/experiments/$CAIRN_EXPERIMENT/observe" \
		"{\"trial\":$CAIRN_TRIAL${CAIRN_ATTEMPT:+,\"attempt\":$CAIRN_ATTEMPT},$1}"
}

# A number as JSON writes it: nan and inf are strings there.
_cairn_number() {
	case $1 in
	*[!0-9.eE+-]*) cairn_quote "$1" ;;
	*) printf '%s' "$1" ;;
	esac
}

# cairn_report VALUE [STEP]: intermediate. Prints and answers the server's command: 0 go on, 4 stop.
cairn_report() {
	_answer=$(_cairn_observe "\"value\":$(_cairn_number "$1")${2:+,\"step\":$2}") || return
	[ "$(printf '%s' "$_answer" | cairn_get command)" != stop ] || return 4
}

# cairn_final VALUE, cairn_fail MESSAGE: the end of the trial.
cairn_final() { _cairn_observe "\"value\":$(_cairn_number "$1"),\"final\":true" >/dev/null; }
cairn_fail() { _cairn_observe "\"status\":\"failed\",\"message\":$(cairn_quote "${1:-failed}")" >/dev/null; }

# cairn_heartbeat: keeps the lease. 0 go on, 4 stop.
cairn_heartbeat() {
	_answer=$(cairn_request POST "/v1/experiments/$CAIRN_EXPERIMENT/trials/$CAIRN_TRIAL/heartbeat" \
		"{${CAIRN_ATTEMPT:+\"attempt\":$CAIRN_ATTEMPT}}") || return
	[ "$(printf '%s' "$_answer" | cairn_get command)" != stop ] || return 4
}

# cairn_wait EXPERIMENT [SECONDS]: until it is done or stopped.
cairn_wait() {
	_left=${2:-2147483647}
	while [ "$_left" -gt 0 ]; do
		_state=$(cairn_request GET "/v1/experiments/$1" | cairn_get status) || return
		case $_state in
		done | stopped) return 0 ;;
		esac
		sleep 1
		_left=$((_left - 1))
	done
	return 1
}

_cairn_usage() {
	cat >&2 <<'USAGE'
usage: cairn.sh create FILE | list | show EXP | suggest EXP | observe EXP TRIAL VALUE |
       report EXP TRIAL VALUE [STEP] | fail EXP TRIAL MESSAGE | best EXP [N] | trials EXP |
       pause EXP | resume EXP | stop EXP | delete EXP | export EXP | wait EXP [SECONDS] |
       get PATH < JSON
Server: CAIRN_URL (now http://127.0.0.1:8080 by default), token: CAIRN_TOKEN.
USAGE
	exit 2
}

_cairn_main() {
	[ $# -ge 1 ] || _cairn_usage
	_verb=$1
	shift
	case $_verb:$# in
	list:0) cairn_request GET /v1/experiments ;;
	create:1) cairn_create "$1" ;;
	get:1) cairn_get "$1" ;;
	show:1) cairn_request GET "/v1/experiments/$1" ;;
	suggest:1) cairn_suggest "$1" && printf '%s\n' "$CAIRN_SUGGESTION" ;;
	observe:3 | report:3 | report:4 | fail:3)
		CAIRN_EXPERIMENT=$1 CAIRN_TRIAL=$2 CAIRN_ATTEMPT=
		case $_verb in
		observe) cairn_final "$3" ;;
		report) cairn_report "$3" "${4-}" ;;
		fail) cairn_fail "$3" ;;
		esac
		;;
	best:1 | best:2) cairn_request GET "/v1/experiments/$1/best?top=${2:-1}" ;;
	trials:1) cairn_request GET "/v1/experiments/$1/trials?limit=1000" ;;
	pause:1 | resume:1 | stop:1) cairn_request POST "/v1/experiments/$1/$_verb" ;;
	delete:1) cairn_request DELETE "/v1/experiments/$1" ;;
	export:1) cairn_request GET "/v1/experiments/$1/export" ;;
	wait:1 | wait:2) cairn_wait "$@" ;;
	*) _cairn_usage ;;
	esac
}

# Run as a command (sourced, $0 is the sourcing script's name).
case ${0##*/} in
cairn.sh) _cairn_main "$@" ;;
esac
