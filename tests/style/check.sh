#!/bin/sh
# The rules of CONTRIBUTING.md that a machine can check: sizes, banned calls, the include rule.
# Usage: tests/style/check.sh [ROOT]; prints every breach, exits 1 if there is one.
set -u
cd "${1:-.}" || exit 2
status=0

files() { git ls-files --cached --others --exclude-standard "$@"; }
breach() { echo "$1"; status=1; }

# Functions of at most 70 lines, files of at most 600 (tests/ and bench/ too).
long=$(files '*.c' '*.h' | while read -r f; do
	[ -f "$f" ] || continue
	awk -v f="$f" '
		/^\{/ { open = NR }
		/^\}/ && open { n = NR - open - 1; if (n > 70) print f ":" open ": function of " n " lines (70 at most)"; open = 0 }
		END { if (NR > 600) print f ": " NR " lines (600 at most)" }
	' "$f"
done)
[ -z "$long" ] || breach "$long"

# Calls with a safer sibling, and ones that hide state.
banned='\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|rand|srand|system|alloca)[[:space:]]*\('
hits=$(files '*.c' '*.h' | xargs grep -nE "$banned" 2>/dev/null | grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)')
[ -z "$hits" ] || breach "$hits: banned call"

# A room includes only rooms below it; the lists are in order, lowest first.
allowed() {
	case $1 in
	core) echo "core" ;;
	gpu) echo "core gpu" ;;
	storage) echo "core storage" ;;
	algorithms) echo "core gpu algorithms" ;;
	engine) echo "core gpu storage algorithms engine" ;;
	api) echo "core storage algorithms engine api" ;;
	service) echo "core gpu storage algorithms engine api service" ;;
	esac
}
for room in core gpu storage algorithms engine api service; do
	rooms=$(allowed "$room")
	for f in $(files "$room/*.c" "$room/*.h"); do
		# shellcheck disable=SC2013 # room names are single words
		for target in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$f" | sort -u); do
			case " $rooms " in
			*" $target "*) ;;
			*) breach "$f: $room may not include $target/" ;;
			esac
		done
	done
done

# Third-party headers stay where the architecture puts them.
confined() { # header regex, allowed path regex
	hits=$(files '*.c' '*.h' | grep -vE "$2|^tests/|^bench/" | xargs grep -lE "#include <$1" 2>/dev/null)
	[ -z "$hits" ] || breach "$hits: <$1> does not belong there"
}
confined 'jansson\.h' '^core/(json|[a-z_]*_json)\.[ch]$|^api/|^clients/c/'
confined 'microhttpd\.h' '^service/'
confined 'sqlite3\.h' '^storage/'
confined 'libpq-fe\.h' '^storage/'
confined 'hiredis/' '^storage/'
confined 'openssl/' '^api/'
confined 'curl/curl\.h' '^clients/c/'

# No room of the library writes to the terminal or ends the process (assert and abort are for defects).
hits=$(files 'core/*.c' 'gpu/*.c' 'storage/*.c' 'algorithms/*.c' 'engine/*.c' 'api/*.c' | xargs grep -nE '\b(printf|perror|exit)[[:space:]]*\(' 2>/dev/null | grep -vE '[a-z_]printf|:[[:space:]]*\*')
[ -z "$hits" ] || breach "$hits: libraries do not print or exit"

# Tests do not sleep to synchronise.
hits=$(files 'tests/*.c' | xargs grep -nE '\b(sleep|usleep|nanosleep)[[:space:]]*\(' 2>/dev/null)
[ -z "$hits" ] || breach "$hits: tests do not sleep"

exit $status
