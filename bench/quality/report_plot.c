/* Colours that can be read on white and on near black; no background of its own. */
#include <math.h>
#include <stdlib.h>

#include "bench/quality/report.h"
#include "bench/quality/statistics.h"

#define POINTS_MAX 101
#define WIDTH	   760
#define HEIGHT	   360
#define LEFT	   64.0
#define RIGHT	   560.0
#define TOP	   24.0
#define BOTTOM	   310.0
#define LEAST	   1e-6 /* of the scale: below is drawn at its foot */
#define TEXT	   "#7d8590"

static const char *const colours[] = { "#3b82d6", "#d9822b", "#2a9d6e", "#a367d1", "#d9534f",
	"#8a8f98", "#1f9bb5", "#c2559b", "#8f8a1f", "#7a6ff0" };
#define COLOURS (sizeof(colours) / sizeof(colours[0]))

struct curve {
	size_t n;
	double quartiles[3][POINTS_MAX];
};

struct axes {
	double trials;
	double low, high; /* log10 of the relative regret, whole numbers */
};

/* The trial of each point: evenly spread, the last one included. */
static size_t trial_of(size_t i, size_t n, size_t trials)
{
	return n == trials ? i + 1 : 1 + i * (trials - 1) / (n - 1);
}

static double place_x(const struct axes *axes, double trial)
{
	return LEFT + (RIGHT - LEFT) * trial / axes->trials;
}

static double place_y(const struct axes *axes, double regret)
{
	double share = (log10(fmax(regret, LEAST)) - axes->low) / (axes->high - axes->low);

	return BOTTOM - (BOTTOM - TOP) * fmin(1, fmax(0, share));
}

static bool draw_curve(
	const struct comparison *c, const char *suite, size_t w, size_t k, struct curve *curve)
{
	size_t trials = comparison_trials(c);
	double *regrets = calloc(c->plan.suite->n * c->plan.seeds + 1, sizeof(*regrets));

	if (!regrets)
		return false;
	curve->n = trials < POINTS_MAX ? trials : POINTS_MAX;
	for (size_t i = 0; i < curve->n; i++) {
		size_t n = comparison_regrets(
			c, suite, NULL, w, k, trial_of(i, curve->n, trials), trials, regrets);
		for (int q = 0; q < 3; q++)
			curve->quartiles[q][i] = stat_quantile(n, regrets, 0.25 * (q + 1));
	}
	free(regrets);
	return true;
}

/* Down to the better quartiles, up to the worst median: a band may pass the top at the start. */
static void stretch(struct axes *axes, const struct curve *curve)
{
	for (size_t i = 0; i < curve->n; i++) {
		double low = log10(fmax(curve->quartiles[0][i], LEAST));
		double high = log10(fmax(curve->quartiles[1][i], LEAST));
		axes->low = fmin(axes->low, floor(low));
		axes->high = fmax(axes->high, ceil(high));
	}
}

static void write_axes(
	const struct axes *axes, const char *suite, unsigned workers, struct buffer *out)
{
	for (int decade = (int)axes->low; decade <= (int)axes->high; decade++) {
		double y = place_y(axes, pow(10, decade));
		buffer_printf(out,
			"<line x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\" stroke=\"" TEXT
			"\" stroke-opacity=\"%s\"/><text x=\"%.0f\" y=\"%.1f\" "
			"text-anchor=\"end\">%g</text>\n",
			LEFT, y, RIGHT, y, decade == 0 ? "0.9" : "0.3", LEFT - 6, y + 4,
			pow(10, decade));
	}
	for (int i = 0; i <= 4; i++)
		buffer_printf(out,
			"<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%.0f</text>\n",
			place_x(axes, axes->trials * i / 4), BOTTOM + 18, axes->trials * i / 4);
	buffer_printf(out,
		"<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">trials</text>\n"
		"<text x=\"%.0f\" y=\"16\">%s, %u worker%s: regret relative to random search "
		"with %.0f trials</text>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 38, LEFT, suite, workers, workers == 1 ? "" : "s",
		axes->trials);
}

static void write_points(const struct axes *axes, const struct curve *curve, int quartile,
	bool backwards, size_t trials, struct buffer *out)
{
	for (size_t j = 0; j < curve->n; j++) {
		size_t i = backwards ? curve->n - 1 - j : j;
		buffer_printf(out, "%.1f,%.1f ",
			place_x(axes, (double)trial_of(i, curve->n, trials)),
			place_y(axes, curve->quartiles[quartile][i]));
	}
}

static void write_curve(const struct axes *axes, const struct curve *curve, size_t k,
	const char *label, struct buffer *out)
{
	const char *colour = colours[k % COLOURS];
	size_t trials = (size_t)axes->trials;
	double y = TOP + 14 + 20 * (double)k;

	buffer_add_text(out, "<polygon points=\"");
	write_points(axes, curve, 0, false, trials, out);
	write_points(axes, curve, 2, true, trials, out);
	buffer_printf(out, "\" fill=\"%s\" fill-opacity=\"0.12\"/>\n<polyline points=\"", colour);
	write_points(axes, curve, 1, false, trials, out);
	buffer_printf(out,
		"\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n"
		"<line x1=\"%.0f\" y1=\"%.0f\" x2=\"%.0f\" y2=\"%.0f\" stroke=\"%s\" "
		"stroke-width=\"3\"/><text x=\"%.0f\" y=\"%.0f\">%s</text>\n",
		colour, RIGHT + 14, y - 4, RIGHT + 36, y - 4, colour, RIGHT + 42, y, label);
}

void report_plot(const struct comparison *c, const char *suite, size_t workers, struct buffer *out)
{
	struct axes axes = { (double)comparison_trials(c), 0, 0 };
	struct curve *curves = calloc(c->plan.n_contenders, sizeof(*curves));

	if (!curves) {
		out->failed = true;
		return;
	}
	for (size_t k = 0; k < c->plan.n_contenders; k++) {
		if (comparison_obstacle(c, suite, workers, k))
			continue;
		if (!draw_curve(c, suite, workers, k, &curves[k]))
			out->failed = true;
		stretch(&axes, &curves[k]);
	}
	if (axes.high == axes.low)
		axes.high++;
	buffer_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"" TEXT "\">\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	write_axes(&axes, suite, c->plan.workers[workers], out);
	for (size_t k = 0; k < c->plan.n_contenders; k++)
		if (curves[k].n > 0)
			write_curve(&axes, &curves[k], k, c->plan.contenders[k].label, out);
	buffer_add_text(out, "</svg>\n");
	free(curves);
}
