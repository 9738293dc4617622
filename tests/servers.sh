#!/bin/sh
# servers.sh COMMAND [ARG...]
#
# Runs COMMAND with a PostgreSQL and a Redis of its own, which nobody else sees (unix sockets in a
# temporary directory) and which are gone afterwards. COMMAND finds them in CAIRN_TEST_POSTGRES and
# CAIRN_TEST_REDIS; the exit status is its own. Works as root (PostgreSQL then runs as the user
# postgres) and as anybody else. What is not installed is left out, and said so.
set -eu

[ $# -gt 0 ] || { echo "usage: servers.sh COMMAND [ARG...]" >&2; exit 2; }

say() { echo "servers.sh: $*" >&2; }

# The newest PostgreSQL: Debian's directories first, then whatever is in the path.
pg_bin=
for dir in $(printf "%s\n" /usr/lib/postgresql/*/bin | sort -t/ -k5,5 -n -r); do
	[ -x "$dir/initdb" ] && { pg_bin=$dir; break; }
done
if [ -z "$pg_bin" ] && command -v initdb >/dev/null 2>&1; then
	pg_bin=$(dirname "$(command -v initdb)")
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/cairn-servers.XXXXXX")
chmod 755 "$dir" # the user postgres must get through

# PostgreSQL refuses to run as root.
as_postgres() {
	if [ "$(id -u)" -eq 0 ]; then
		(cd "$dir" && runuser -u postgres -- "$@")
	else
		(cd "$dir" && "$@")
	fi
}

redis_pid=
pg_up=

stop() {
	status=$?
	trap - EXIT
	[ -n "$redis_pid" ] && kill "$redis_pid" 2>/dev/null && wait "$redis_pid" 2>/dev/null
	[ -n "$pg_up" ] && as_postgres "$pg_bin/pg_ctl" -D "$dir/pg/data" -w -m immediate stop \
		>/dev/null 2>&1
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_postgres() {
	mkdir "$dir/pg"
	[ "$(id -u)" -ne 0 ] || chown postgres "$dir/pg"
	as_postgres "$pg_bin/initdb" -D "$dir/pg/data" -U cairn -A trust -E UTF8 --no-locale \
		--no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; return 1; }
	# A crash of the machine may lose this database; the tests are about crashes of clients.
	as_postgres "$pg_bin/pg_ctl" -D "$dir/pg/data" -l "$dir/pg/log" -w -t 60 \
		-o "-k $dir/pg -c listen_addresses= -c fsync=${CAIRN_TEST_FSYNC:-off} -c max_connections=200 -c autovacuum=off" \
		start >"$dir/pg_ctl.log" 2>&1 || { cat "$dir/pg_ctl.log" "$dir/pg/log" >&2; return 1; }
	pg_up=yes
	CAIRN_TEST_POSTGRES="postgresql://cairn@/postgres?host=$dir/pg"
	export CAIRN_TEST_POSTGRES
}

start_redis() {
	redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --appendonly no \
		--dir "$dir" >"$dir/redis.log" 2>&1 &
	redis_pid=$!
	tries=0
	until redis-cli -s "$dir/redis.sock" ping >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { cat "$dir/redis.log" >&2; return 1; }
		sleep 0.1
	done
	CAIRN_TEST_REDIS="redis+unix://$dir/redis.sock"
	export CAIRN_TEST_REDIS
}

if [ -n "$pg_bin" ]; then
	start_postgres
else
	say "PostgreSQL is not installed: without it"
fi
if command -v redis-server >/dev/null 2>&1; then
	start_redis
else
	say "Redis is not installed: without it"
fi

"$@"
