#include "algorithms/pruning/schedule.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <strings.h>

static double linear(double sparsity, double t_N)
{
	return sparsity * t_N;
}

static double agp(double sparsity, double t_N)
{
	double left = 1 - t_N;

	return sparsity * (1 - left * left * left);
}

static double lottery_ticket(double sparsity, double t_N)
{
	return 1 - pow(1 - sparsity, t_N);
}

const struct schedule schedules[] = {
	{ "linear", "LinearPruner", 0, linear },
	{ "agp", "AGPPruner", 0, agp },
	{ "lottery_ticket", "LotteryTicketPruner", 1, lottery_ticket },
	{ 0 },
};

const struct schedule *schedule_find(const char *name)
{
	for (const struct schedule *schedule = schedules; schedule->name; schedule++)
		if (strcasecmp(schedule->name, name) == 0 || strcasecmp(schedule->alias, name) == 0)
			return schedule;
	return NULL;
}

double schedule_sparsity(const struct schedule *schedule, double sparsity, int64_t t, int64_t n)
{
	assert(n >= 1 && t >= schedule->first && t <= n);
	if (t == n)
		return sparsity;
	/* Rounding must not lead beyond the end. */
	double now = schedule->at(sparsity, (double)t / (double)n);
	return now > sparsity ? sparsity : now;
}

double schedule_rest(double target, double now)
{
	return now < target && now < 1 ? (target - now) / (1 - now) : 0;
}
