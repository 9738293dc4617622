/* Numbers and comparisons for the tests of gpu/cuda/. cmocka.h is included here, as C. */
#ifndef TESTS_UNIT_GPU_CUDA_SUPPORT_H
#define TESTS_UNIT_GPU_CUDA_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <vector>

extern "C" {
#include <cmocka.h>
}

/* SplitMix64 (Steele, Lea and Flood 2014): uniform in [0, 1). */
struct numbers {
	uint64_t state;

	double next()
	{
		uint64_t z = state += 0x9e3779b97f4a7c15u;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
	}
	std::vector<double> take(size_t n, double low, double high)
	{
		std::vector<double> out(n);
		for (double &value : out)
			value = low + (high - low) * next();
		return out;
	}
};

/* |got - want| <= tolerance * max(1, |want|). */
static inline void assert_close(double got, double want, double tolerance, const char *what)
{
	double scale = fabs(want) > 1 ? fabs(want) : 1;
	if (!(fabs(got - want) <= tolerance * scale) && got != want)
		fail_msg("%s: %.17g instead of %.17g", what, got, want);
}

#endif
