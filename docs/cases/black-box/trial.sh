#!/bin/sh
# One trial: what does the black box say to x, y and z? By itself it tries a point of its own.
x=$(cairn trial get x 50) && y=$(cairn trial get y 2) && z=$(cairn trial get z 9418.49) || exit
value=$(awk -v x="$x" -v y="$y" -v z="$z" '
	function power(a, b) { return exp(b * log(a)) }
	BEGIN {
		if (y % 2 == 0)
			r = x > 50 ? (power(x, sin(z)) - x) * x / 2 : (power(x, cos(z)) + x) * x
		else
			r = power(y, 2 - sin(x) * cos(z))
		printf "%.2f\n", r / 100
	}') || exit
cairn trial final "$value"
