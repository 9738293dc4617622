#!/bin/sh
# One trial: what does the black box say to x, y and z?
awk -v x="$CAIRN_PARAM_x" -v y="$CAIRN_PARAM_y" -v z="$CAIRN_PARAM_z" '
	function power(a, b) { return exp(b * log(a)) }
	BEGIN {
		if (y % 2 == 0)
			r = x > 50 ? (power(x, sin(z)) - x) * x / 2 : (power(x, cos(z)) + x) * x
		else
			r = power(y, 2 - sin(x) * cos(z))
		printf "%.2f\n", r / 100
	}' >"$CAIRN_TRIAL_DIR/value" &&
	cairn trial final "$(cat "$CAIRN_TRIAL_DIR/value")"
