#!/bin/sh
# Plants one breach of each rule in a scratch repository and wants check.sh to name it.
set -eu
check=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
git init -q .
mkdir -p core storage engine api tests

expect() { # file, content, words the report must hold
	printf '%b' "$2" >"$1"
	if out=$("$check" . 2>&1); then
		echo "not found: $3"
		exit 1
	fi
	echo "$out" | grep -q -- "$3" || { echo "wrong report for $3: $out"; exit 1; }
	rm "$1"
}

"$check" . || { echo "an empty tree has breaches"; exit 1; }
expect core/a.c '#include "storage/store.h"\n' 'core may not include storage/'
expect storage/a.c '#include "algorithms/tuners/tuner.h"\n' 'storage may not include algorithms/'
expect core/a.c 'int f(void)\n{\n\treturn atoi("1");\n}\n' 'banned call'
expect engine/a.c '#include <jansson.h>\n' 'does not belong there'
expect api/a.c '#include <sqlite3.h>\n' 'does not belong there'
expect core/a.c 'void f(void)\n{\n\tprintf("x");\n}\n' 'do not print'
expect tests/a.c 'void f(void)\n{\n\tsleep(1);\n}\n' 'do not sleep'
{ echo 'void f(void)'; echo '{'; yes '	x();' | head -71; echo '}'; } >core/a.c
"$check" . >/dev/null && { echo "a function of 71 lines passed"; exit 1; }
yes '/* x */' | head -601 >core/a.c
"$check" . >/dev/null && { echo "a file of 601 lines passed"; exit 1; }
exit 0
