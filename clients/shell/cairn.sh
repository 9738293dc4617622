#!/bin/sh
# cairn.sh - a Cairn client in POSIX sh, curl and awk: a library when sourced, a command when run.
#
#   . cairn.sh                                  cairn.sh create experiment.json     -> exp_...
#   while cairn_suggest exp_...; do             cairn.sh suggest exp_...            -> trial as JSON
#       lr=$(cairn_param lr)                    cairn.sh observe exp_... 0 0.93
#       cairn_report 0.5 1 || continue          cairn.sh best exp_... ; show, list, trials, wait ...
#       cairn_final 0.93
#   done
#   [ -n "$CAIRN_REASON" ] || exit 3            # it ended because there is nothing more to do
#
# Environment: CAIRN_URL (http://127.0.0.1:8080), CAIRN_TOKEN, CAIRN_WORKER (host:pid), CAIRN_LEASE (the
# server's: 60s), CAIRN_WAIT ("10s": how long a suggest is held), CAIRN_TRIES (8 attempts at a request).
# Exit status of every function: 0; 1 refused (the problem is on standard error); 2 usage; 3 the server
# cannot be reached; 4 nothing more to do (CAIRN_REASON says why), or, from a report or heartbeat: end the
# work on this trial; 5 the time is over (wait).
# Names that begin with _cairn_ are its own.

: "${CAIRN_URL:=http://127.0.0.1:8080}"
: "${CAIRN_WORKER:=$(uname -n):$$}"
: "${CAIRN_WAIT:=10s}"
: "${CAIRN_LEASE:=}"
: "${CAIRN_TRIES:=8}"

_cairn_nl='
'
_cairn_tab=$(printf '\t')
_cairn_suggested=

# ---- JSON ----

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

# cairn_leaf FLAT PATH: sets CAIRN_LEAF to the leaf at that path of what cairn_flatten printed, without a
# process; 1 when there is none.
cairn_leaf() {
	CAIRN_LEAF=
	case $_cairn_nl$1 in
	*"$_cairn_nl$2$_cairn_tab"*) ;;
	*) return 1 ;;
	esac
	CAIRN_LEAF=$_cairn_nl$1
	CAIRN_LEAF=${CAIRN_LEAF#*"$_cairn_nl$2$_cairn_tab"}
	CAIRN_LEAF=${CAIRN_LEAF%%"$_cairn_nl"*}
}

# cairn_get PATH < JSON: the leaf at that path; status 1 when there is none.
cairn_get() {
	cairn_leaf "$(cairn_flatten)" "$1" && printf '%s\n' "$CAIRN_LEAF"
}

# A string as JSON, quotes included. What is not UTF-8 loses its bytes beyond ASCII to "?".
cairn_quote() {
	case $1 in
	*[!A-Za-z0-9\ .,:\;_/@+=-]*)
		printf '%s\n' "$1" | LC_ALL=C awk '
			BEGIN {
				ORS = ""; print "\""
				for (i = 1; i < 32; i++)
					escape[i] = sprintf("%c", i)
			}
			NR > 1 { print "\\n" }
			{
				gsub(/\\/, "&&"); gsub(/"/, "\\\"")
				gsub(/\t/, "\\t"); gsub(/\r/, "\\r"); gsub(/\177/, "\\u007f")
				if ($0 ~ /[\001-\037]/)
					for (i = 1; i < 32; i++)
						gsub(escape[i], sprintf("\\u%04x", i))
				rest = $0
				gsub(/[\302-\337][\200-\277]/, "", rest)
				gsub(/\340[\240-\277][\200-\277]/, "", rest)
				gsub(/[\341-\354\356\357][\200-\277][\200-\277]/, "", rest)
				gsub(/\355[\200-\237][\200-\277]/, "", rest)
				gsub(/\360[\220-\277][\200-\277][\200-\277]/, "", rest)
				gsub(/[\361-\363][\200-\277][\200-\277][\200-\277]/, "", rest)
				gsub(/\364[\200-\217][\200-\277][\200-\277]/, "", rest)
				if (rest ~ /[\200-\377]/)
					gsub(/[\200-\377]/, "?")
				print
			}
			END { print "\"" }'
		;;
	*) printf '"%s"' "$1" ;;
	esac
}

# Sets _cairn_number to $1 as JSON writes it: .5 is 0.5, nan and inf are strings. 2: it is no number.
_cairn_json_number() {
	_cairn_sign='' _cairn_exponent='' _cairn_digits=''
	_cairn_number=${1#+}
	case $_cairn_number in
	-*) _cairn_sign=- _cairn_number=${_cairn_number#-} ;;
	esac
	case $_cairn_number in
	[Nn][Aa][Nn])
		_cairn_number='"nan"'
		return
		;;
	[Ii][Nn][Ff] | [Ii][Nn][Ff][Ii][Nn][Ii][Tt][Yy])
		_cairn_number="\"${_cairn_sign}inf\""
		return
		;;
	*[eE]*)
		_cairn_exponent=${_cairn_number#*[eE]}
		[ -n "${_cairn_exponent#[+-]}" ] || _cairn_exponent=none
		_cairn_number=${_cairn_number%%[eE]*}
		;;
	esac
	case $_cairn_number in
	*.*) _cairn_digits=${_cairn_number#*.} ;;
	esac
	_cairn_number=${_cairn_number%%.*}
	case $_cairn_number$_cairn_digits:${_cairn_exponent#[+-]} in
	:* | *[!0-9]*:* | *:*[!0-9]*)
		printf 'cairn.sh: %s is not a number\n' "$1" >&2
		return 2
		;;
	esac
	_cairn_number=${_cairn_number#"${_cairn_number%%[!0]*}"}
	_cairn_number=$_cairn_sign${_cairn_number:-0}${_cairn_digits:+.$_cairn_digits}
	_cairn_number=$_cairn_number${_cairn_exponent:+e$_cairn_exponent}
}

# ---- requests ----

_cairn_new_key() {
	if [ -r /proc/sys/kernel/random/uuid ]; then
		read -r _cairn_key </proc/sys/kernel/random/uuid
	else
		_cairn_key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	fi
}

# The curl errors that another attempt may mend; after some of them the server may have done it all the same.
_cairn_is_transient() {
	case $_cairn_rc in
	5 | 6 | 7 | 35) return 0 ;;
	16 | 18 | 28 | 52 | 55 | 56 | 92) _cairn_doubt=1 ;;
	*) return 1 ;;
	esac
	[ "$1" = GET ] || [ "$1" = POST ]
}

# Shall METHOD be tried again after _cairn_status? A key is refused with 409 while its first request is
# still under way.
_cairn_is_temporary() {
	case $_cairn_status in
	429 | 503) return 0 ;;
	409) [ -n "$_cairn_doubt" ] ;;
	502 | 504)
		_cairn_doubt=1
		[ "$1" = GET ] || [ "$1" = POST ]
		;;
	*) return 1 ;;
	esac
}

_cairn_explain() {
	_cairn_flat=$(cairn_flatten <<-ANSWER
		$_cairn_answer
	ANSWER
	)
	printf 'cairn.sh: %s %s: %s: ' "$1" "$2" "$_cairn_status"
	if cairn_leaf "$_cairn_flat" detail; then
		printf '%s\n' "$CAIRN_LEAF"
		_cairn_i=0
		while cairn_leaf "$_cairn_flat" "errors.$_cairn_i.message"; do
			_cairn_message=$CAIRN_LEAF
			cairn_leaf "$_cairn_flat" "errors.$_cairn_i.pointer" || :
			printf '  %s: %s\n' "$CAIRN_LEAF" "$_cairn_message"
			_cairn_i=$((_cairn_i + 1))
		done
	else
		printf '%.500s\n' "$_cairn_answer"
	fi
}

# Runs curl with the words given; the body is standard input. The token comes through a file descriptor:
# arguments can be seen by everybody in ps. Sets _cairn_rc, _cairn_answer, _cairn_status, _cairn_after.
_cairn_curl() {
	_cairn_rc=0
	_cairn_answer=$(curl -sS -w '\n%{http_code} %header{retry-after}' "$@" 2>&1 <<-BODY 3<<-CONFIG
		$_cairn_body
	BODY
		header = "Authorization: Bearer ${CAIRN_TOKEN-}"
	CONFIG
	) || _cairn_rc=$?
	_cairn_after=${_cairn_answer##*"$_cairn_nl"}
	_cairn_status=${_cairn_after%% *}
	_cairn_after=${_cairn_after#* }
	if [ "$_cairn_rc" = 0 ]; then
		_cairn_answer=${_cairn_answer%"$_cairn_nl"*}
	else
		_cairn_status=000
	fi
	# A date, or a curl that does not know %header: our own back-off.
	case $_cairn_after in
	'' | *[!0-9]*) _cairn_after= ;;
	esac
}

# METHOD PATH [BODY [FILE]]: sets _cairn_answer, or fills FILE (and asks for a line a row). POSTs carry an
# Idempotency-Key, so trying again after a lost answer is safe; 429 and 503 are tried again after
# Retry-After, if that is within five minutes.
_cairn_send() {
	_cairn_method=$1 _cairn_path=$2 _cairn_body=${3-} _cairn_file=${4-}
	_cairn_try=0 _cairn_pause=1 _cairn_doubt=
	set -- -X "$1" -H "Accept: application/${_cairn_file:+x-nd}json"
	if [ -n "$_cairn_body" ]; then
		set -- "$@" -H 'Expect:' -H 'Content-Type: application/json' --data-binary @-
	elif [ "$_cairn_method" = POST ]; then
		set -- "$@" -H 'Content-Length: 0'
	fi
	if [ "$_cairn_method" = POST ]; then
		_cairn_new_key
		set -- "$@" -H "Idempotency-Key: $_cairn_key"
	fi
	case ${CAIRN_TOKEN-} in
	'') ;;
	*[!A-Za-z0-9._~+/=-]*)
		echo 'cairn.sh: CAIRN_TOKEN is no token' >&2
		return 2
		;;
	*) set -- "$@" -K /dev/fd/3 ;;
	esac
	if [ -n "$_cairn_file" ]; then
		set -- "$@" --speed-limit 1 --speed-time 90 -o "$_cairn_file"
	else
		set -- "$@" --max-time 90
	fi
	while :; do
		_cairn_try=$((_cairn_try + 1))
		_cairn_curl "$@" "$CAIRN_URL$_cairn_path"
		case $_cairn_status in
		2??) return 0 ;;
		000) _cairn_is_transient "$_cairn_method" ;;
		*) _cairn_is_temporary "$_cairn_method" ;;
		esac || break
		[ "$_cairn_try" -lt "$CAIRN_TRIES" ] || break
		[ "${_cairn_after:-0}" -le 300 ] || break
		sleep "${_cairn_after:-$_cairn_pause}"
		_cairn_pause=$((_cairn_pause < 16 ? _cairn_pause * 2 : 16))
	done
	if [ "$_cairn_status" = 000 ]; then
		_cairn_answer=${_cairn_answer##*"curl: ("}
		echo "cairn.sh: $CAIRN_URL: curl: (${_cairn_answer%%"$_cairn_nl"*}" >&2
		return 3
	fi
	[ -z "$_cairn_file" ] || _cairn_answer=$(dd if="$_cairn_file" bs=10000 count=1 2>/dev/null)
	_cairn_explain "$_cairn_method" "$_cairn_path" >&2
	return 1
}

# cairn_request METHOD PATH [BODY]: the answer's body on standard output.
cairn_request() {
	_cairn_send "$@" || return
	[ -z "$_cairn_answer" ] || printf '%s\n' "$_cairn_answer"
}

# cairn_rows PATH: a list of any length, as a line of JSON a row.
cairn_rows() {
	_cairn_rows=$(mktemp) || return 2
	_cairn_ended=0
	_cairn_send GET "$1" '' "$_cairn_rows" && cat "$_cairn_rows" || _cairn_ended=$?
	rm -f "$_cairn_rows"
	return "$_cairn_ended"
}

# ---- experiments and trials ----

# cairn_create FILE (- for standard input): the new experiment's id.
cairn_create() {
	_cairn_json=$(cat -- "${1:--}") || return 2
	_cairn_send POST /v1/experiments "$_cairn_json" || return
	cairn_get id <<-ANSWER
		$_cairn_answer
	ANSWER
}

# cairn_suggest EXPERIMENT: takes a trial. Sets CAIRN_EXPERIMENT, CAIRN_TRIAL, CAIRN_ATTEMPT and
# CAIRN_SUGGESTION (its JSON). Waits while there is nothing now; 4 when there is nothing ever again.
# With a multi-fidelity tuner CAIRN_RESOURCE is the step up to which to train, in total: its report ends
# the work (status 4, CAIRN_COMMAND pause), and the trial may come again, with more. CAIRN_START is how many
# steps are done (0: train from the beginning), by trial CAIRN_SOURCE (this one, or the one it was forked from),
# CAIRN_CHECKPOINT the checkpoint reported then.
cairn_suggest() {
	CAIRN_EXPERIMENT=$1 CAIRN_TRIAL='' CAIRN_ATTEMPT='' CAIRN_SUGGESTION='' CAIRN_REASON=''
	_cairn_request="{\"worker\":$(cairn_quote "$CAIRN_WORKER"),\"wait\":\"$CAIRN_WAIT\""
	_cairn_request="$_cairn_request${CAIRN_LEASE:+,\"lease\":\"$CAIRN_LEASE\"}}"
	while :; do
		_cairn_send POST "/v1/experiments/$1/suggest" "$_cairn_request" || return
		_cairn_suggested=$(cairn_flatten <<-ANSWER
			$_cairn_answer
		ANSWER
		)
		if cairn_leaf "$_cairn_suggested" trials.0.trial; then
			CAIRN_TRIAL=$CAIRN_LEAF
			cairn_leaf "$_cairn_suggested" trials.0.attempt || :
			CAIRN_ATTEMPT=$CAIRN_LEAF
			CAIRN_SUGGESTION=$_cairn_answer
			_cairn_set_resource
			return 0
		fi
		if cairn_leaf "$_cairn_suggested" 'done'; then
			cairn_leaf "$_cairn_suggested" reason || :
			# shellcheck disable=SC2034 # for the script that sourced this one
			CAIRN_REASON=$CAIRN_LEAF
			return 4
		fi
		cairn_leaf "$_cairn_suggested" retry_after_ms || CAIRN_LEAF=1000
		sleep "$(((CAIRN_LEAF + 999) / 1000))"
	done
}

# PATH: as cairn_leaf of the suggestion, but null is none.
_cairn_given() { cairn_leaf "$_cairn_suggested" "trials.0.$1" && [ "$CAIRN_LEAF" != null ]; }

# shellcheck disable=SC2034 # for the script that sourced this one
_cairn_set_resource() {
	CAIRN_RESOURCE='' CAIRN_START=0 CAIRN_SOURCE='' CAIRN_CHECKPOINT=''
	! _cairn_given resource || CAIRN_RESOURCE=$CAIRN_LEAF
	! { _cairn_given resume_from.resource || _cairn_given resume_from.step; } || CAIRN_START=$CAIRN_LEAF
	! _cairn_given resume_from.trial || CAIRN_SOURCE=$CAIRN_LEAF
	! _cairn_given resume_from.checkpoint || CAIRN_CHECKPOINT=$CAIRN_LEAF
}

# cairn_param NAME: a parameter of the current trial. Of a nested choice op, op is the name of the option
# and op.rate its parameter rate. 1 when the trial has no such parameter.
cairn_param() {
	cairn_leaf "$_cairn_suggested" "trials.0.parameters.$1" ||
		cairn_leaf "$_cairn_suggested" "trials.0.parameters.$1._name" || return 1
	printf '%s\n' "$CAIRN_LEAF"
}

# MEMBERS: reports the current trial.
_cairn_observe() {
	_cairn_send POST "/v1/experiments/$CAIRN_EXPERIMENT/observe" \
		"{\"trial\":$CAIRN_TRIAL${CAIRN_ATTEMPT:+,\"attempt\":$CAIRN_ATTEMPT},$1}"
}

# PATH: sets CAIRN_COMMAND to the command in the answer. 0 go on, 4 end the work.
_cairn_obey() {
	cairn_leaf "$(cairn_flatten <<-ANSWER
		$_cairn_answer
	ANSWER
	)" "$1" || :
	CAIRN_COMMAND=$CAIRN_LEAF
	case $CAIRN_COMMAND in
	stop | pause) return 4 ;;
	esac
}

# cairn_report VALUE [STEP]: an intermediate value. 0 go on, 4 end the work on this trial.
cairn_report() {
	_cairn_json_number "$1" || return
	_cairn_observe "\"value\":$_cairn_number${2:+,\"step\":$2}" || return
	_cairn_obey items.0.command
}

# cairn_final VALUE, cairn_fail MESSAGE: the end of the trial.
cairn_final() {
	_cairn_json_number "$1" || return
	_cairn_observe "\"value\":$_cairn_number,\"final\":true"
}
cairn_fail() {
	_cairn_message=${1:-failed}
	# The server takes 4096 bytes; a character has four at most.
	[ "${#_cairn_message}" -le 1000 ] || _cairn_message=$(printf '%s\n' "$_cairn_message" | LC_ALL=C awk '
		{ text = text (NR > 1 ? "\n" : "") $0 }
		length(text) > 4000 { exit }
		END {
			if (length(text) > 4000) {
				text = substr(text, 1, 4000)
				sub(/[\300-\377][\200-\277]*$/, "", text)
			}
			print text
		}')
	_cairn_observe "\"status\":\"failed\",\"message\":$(cairn_quote "$_cairn_message")"
}

_cairn_act() {
	_cairn_send POST "/v1/experiments/$CAIRN_EXPERIMENT/trials/$CAIRN_TRIAL/$1" \
		"{${CAIRN_ATTEMPT:+\"attempt\":$CAIRN_ATTEMPT}}"
}

# cairn_heartbeat: keeps the lease. 0 go on, 4 end the work on this trial.
cairn_heartbeat() {
	_cairn_act heartbeat || return
	_cairn_obey command
}

# cairn_release: gives the trial back, to be handed out again.
cairn_release() { _cairn_act release; }

# cairn_wait EXPERIMENT [SECONDS]: until it is done or stopped. 5 when the time is over.
cairn_wait() {
	_cairn_left=${2:-2147483647}
	while :; do
		_cairn_send GET "/v1/experiments/$1" || return
		cairn_leaf "$(cairn_flatten <<-ANSWER
			$_cairn_answer
		ANSWER
		)" status || :
		case $CAIRN_LEAF in
		done | stopped | error) return 0 ;;
		esac
		[ "$_cairn_left" -gt 0 ] || return 5
		sleep 1
		_cairn_left=$((_cairn_left - 1))
	done
}

# ---- as a command ----

_cairn_usage() {
	cat >&2 <<'USAGE'
usage: cairn.sh create FILE | list | show EXP | suggest EXP | observe EXP TRIAL VALUE |
       report EXP TRIAL VALUE [STEP] | fail EXP TRIAL MESSAGE | heartbeat EXP TRIAL |
       release EXP TRIAL | best EXP [N] | trials EXP | pause EXP | resume EXP | stop EXP |
       delete EXP | export EXP | wait EXP [SECONDS] | get PATH < JSON
The server is CAIRN_URL (http://127.0.0.1:8080), the token CAIRN_TOKEN.
USAGE
	exit 2
}

# VERB TRIAL-ARGUMENTS...
_cairn_trial_verb() {
	CAIRN_EXPERIMENT=$2 CAIRN_TRIAL=$3 CAIRN_ATTEMPT=${CAIRN_ATTEMPT-} CAIRN_COMMAND=
	case $CAIRN_TRIAL in
	'' | *[!0-9]*) _cairn_usage ;;
	esac
	_cairn_ended=0
	case $1 in
	observe) cairn_final "$4" ;;
	report) cairn_report "$4" "${5-}" ;;
	fail) cairn_fail "$4" ;;
	*) "cairn_$1" ;;
	esac || _cairn_ended=$?
	[ -z "$CAIRN_COMMAND" ] || echo "$CAIRN_COMMAND"
	return "$_cairn_ended"
}

_cairn_main() {
	_cairn_verb=${1-}
	case $_cairn_verb:$#:${2-} in
	create:2:* | get:2:* | list:1:) ;;
	*:*:*[!A-Za-z0-9_-]* | *:*:) _cairn_usage ;;
	esac
	case $_cairn_verb:$# in
	list:1) cairn_rows /v1/experiments ;;
	create:2) cairn_create "$2" ;;
	get:2) cairn_get "$2" ;;
	show:2) cairn_request GET "/v1/experiments/$2" ;;
	suggest:2) cairn_suggest "$2" && printf '%s\n' "$CAIRN_SUGGESTION" ;;
	observe:4 | report:4 | report:5 | fail:4 | heartbeat:3 | release:3) _cairn_trial_verb "$@" ;;
	best:2 | best:3) cairn_request GET "/v1/experiments/$2/best?top=${3:-1}" ;;
	trials:2 | export:2) cairn_rows "/v1/experiments/$2/$_cairn_verb" ;;
	pause:2 | resume:2 | stop:2) cairn_request POST "/v1/experiments/$2/$_cairn_verb" ;;
	delete:2) cairn_request DELETE "/v1/experiments/$2" ;;
	wait:2) cairn_wait "$2" ;;
	wait:3)
		case $3 in '' | *[!0-9]*) _cairn_usage ;; esac
		cairn_wait "$2" "$3"
		;;
	*) _cairn_usage ;;
	esac
}

# Run as a command (sourced, $0 is the sourcing script's name).
case ${0##*/} in
cairn.sh) _cairn_main "$@" ;;
esac
