#include "algorithms/pruning/pruner.h"

#include <stddef.h>
#include <strings.h>

const struct pruner pruners[] = {
	{ "level", "LevelPruner", "Single weights of the least magnitude.", true, false },
	{ "l1", "L1NormPruner", "Channels of the least sum of magnitudes.", false, false },
	{ "l2", "L2NormPruner", "Channels of the least Euclidean norm.", false, false },
	{ "fpgm", "FPGMPruner", "Channels nearest to the geometric median of their layer.", false,
		false },
	{ "slim", "SlimPruner", "Channels of the least scale in their BatchNorm.", false, true },
	{ "apoz", "ActivationAPoZRankPruner", "Channels most often zero behind their activation.",
		false, false },
	{ "mean_activation", "ActivationMeanRankPruner",
		"Channels of the least mean behind their activation.", false, false },
	{ "taylorfo", "TaylorFOWeightPruner",
		"Channels whose removal changes the loss least, to first order.", false, false },
	{ "admm", "ADMMPruner", "Single weights, by alternating training and projection.", true,
		false },
	{ "movement", "MovementPruner", "Single weights that training moves towards zero.", true,
		false },
	{ 0 },
};

const struct pruner *pruner_find(const char *name)
{
	for (const struct pruner *pruner = pruners; pruner->name; pruner++)
		if (strcasecmp(pruner->name, name) == 0 || strcasecmp(pruner->alias, name) == 0)
			return pruner;
	return NULL;
}

bool pruner_scores(const struct pruner *pruner, const struct network_layer *layer)
{
	const struct network_type *type = layer->type;

	if (pruner->norms)
		return type->role == ROLE_NORM && layer->options.affine;
	if (pruner->by_weight)
		return type->flags & TYPE_DEFAULT;
	return network_is_maker(type) && type->role != ROLE_INPUT;
}
