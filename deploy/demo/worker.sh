#!/bin/sh
# A worker of the demo: takes trials until there are no more. Usage: worker.sh EXPERIMENT
set -u
# shellcheck source=clients/shell/cairn.sh
. "$(dirname "$0")/../../clients/shell/cairn.sh"

black_box() {
	awk -v x="$1" -v y="$2" -v z="$3" 'BEGIN {
		if (y % 2 == 0)
			r = x > 50 ? (x ^ sin(z) - x) * x / 2 : (x ^ cos(z) + x) * x
		else
			r = y ^ (2 - sin(x) * cos(z))
		printf "%.2f", r / 100
	}'
}

while cairn_suggest "$1"; do
	cairn_final "$(black_box "$(cairn_param x)" "$(cairn_param y)" "$(cairn_param z)")"
done
