/* Reference values for the logarithm of the expected improvement. */
#ifndef TESTS_UNIT_EXPECTED_IMPROVEMENT_H
#define TESTS_UNIT_EXPECTED_IMPROVEMENT_H

/* log h(z), h = phi(z) + z Phi(z), of the standard normal density and distribution: computed to 50
 * digits, rounded. */
static const struct {
	double z, log_h;
} log_h_reference[] = {
	{ 2, 0.697383545788228 },
	{ 0, -0.918938533204673 },
	{ -1, -2.48512102571264 },
	{ -2, -4.76878352391711 },
	{ -5, -16.7443011626610 },
	{ -10, -55.5531220361224 },
	{ -25, -319.861463581496 },
	{ -40, -808.29856835662 },
	{ -100, -5010.12957880025 },
	{ -1000, -500014.734452091 },
};

#define LOG_H_REFERENCES (sizeof(log_h_reference) / sizeof(log_h_reference[0]))

#endif
