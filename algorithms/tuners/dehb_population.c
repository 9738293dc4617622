#include "algorithms/tuners/dehb_population.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAG_SIZE   8
#define PARENTS	   3
#define FACTOR	   0.5 /* of the difference: F */
#define CROSS_OVER 0.5 /* chance of each coordinate to come from the mutant: CR */

size_t dehb_bottom(size_t n_rungs, size_t bracket)
{
	return bracket % n_rungs;
}

size_t dehb_rung_size(size_t n_rungs, double eta, size_t bracket, size_t i)
{
	size_t s = n_rungs - 1 - dehb_bottom(n_rungs, bracket);
	double first = floor((double)n_rungs / (double)(s + 1)) * pow(eta, (double)s);
	size_t n = rung_share(floor(first), eta, i);

	return n ? n : 1;
}

/* The most trials that any bracket sends to rung k. */
static size_t population_size(size_t n_rungs, double eta, size_t k)
{
	size_t most = 0;

	for (size_t bracket = 0; bracket <= k; bracket++) {
		size_t n = dehb_rung_size(n_rungs, eta, bracket, k - bracket);
		most = n > most ? n : most;
	}
	return most < DEHB_SLOTS_MAX ? most : DEHB_SLOTS_MAX;
}

/* ---- tags ---- */

int dehb_tag_write(
	const struct dehb_tag *tag, struct arena *arena, struct bytes *out, struct error *err)
{
	unsigned char bytes[TAG_SIZE];

	for (size_t i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(tag->bracket >> (8 * i));
	for (size_t i = 0; i < 2; i++) {
		bytes[4 + i] = (unsigned char)(tag->rung >> (8 * i));
		bytes[6 + i] = (unsigned char)(tag->slot >> (8 * i));
	}
	*out = (struct bytes){ .data = arena_copy(arena, bytes, TAG_SIZE), .size = TAG_SIZE };
	return out->data ? 0 : fail(err, CODE_NO_MEMORY, "no memory for a tag");
}

/* A trial of another tuner has none of ours: it counts as one of the first bracket. So does one
 * that claims a bracket beyond the limit: there are no more of them than trials. */
static struct dehb_tag tag_read(const struct trial *trial, size_t limit)
{
	const unsigned char *b = trial->tag.data;

	if (trial->tag.size != TAG_SIZE)
		return (struct dehb_tag){ 0 };
	struct dehb_tag tag = {
		.bracket = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
			   (uint32_t)b[3] << 24,
		.rung = (uint16_t)(b[4] | b[5] << 8),
		.slot = (uint16_t)(b[6] | b[7] << 8),
	};
	return tag.bracket <= limit ? tag : (struct dehb_tag){ 0 };
}

/* ---- populations ---- */

static void enter(struct dehb *dehb, const struct view *view, const struct climber *climber,
	size_t k, size_t slot)
{
	struct dehb_population *population = &dehb->populations[k];
	struct dehb_slot *place = &population->slots[slot % population->size];
	bool here = climber->rung == k && climber->reached;

	if (!climber->trial->x || !(here || climber->rung > k))
		return;
	double loss = climber_loss(&dehb->climbers, view, climber, k);
	if (!place->trial || loss < place->loss)
		*place = (struct dehb_slot){ loss, climber->trial };
}

/* The first bracket's trials take the slots of a rung in the order of their numbers, later ones the
 * slot they were made for. */
static void settle_in(struct dehb *dehb, const struct view *view)
{
	for (size_t i = 0; i < dehb->climbers.n; i++) {
		const struct climber *climber = &dehb->climbers.items[i];
		const struct dehb_tag *tag = &dehb->tags[i];
		if (tag->bracket > 0) {
			dehb->populations[climber->rung].issued++;
			enter(dehb, view, climber, climber->rung, tag->slot);
			continue;
		}
		for (size_t k = 0; k <= climber->rung; k++)
			enter(dehb, view, climber, k, dehb->populations[k].issued++);
	}
}

static void count(struct dehb *dehb, size_t i)
{
	struct climber *climber = &dehb->climbers.items[i];
	struct dehb_standing *row =
		dehb->standings + dehb->tags[i].bracket * dehb->climbers.ladder.n;

	climber->group = dehb->tags[i].bracket > 0;
	for (size_t k = 0; climber->group == 0 && k < climber->rung; k++) {
		row[k].sent++;
		row[k].passed++;
		row[k].ended++;
	}
	row[climber->rung].sent++;
	row[climber->rung].ended += climber->reached || climber->dead;
}

static int read_tags(struct dehb *dehb, struct arena *arena)
{
	size_t n = dehb->climbers.n;

	dehb->n_brackets = 1;
	dehb->tags = arena_array(arena, n + 1, sizeof(*dehb->tags));
	for (size_t i = 0; dehb->tags && i < n; i++) {
		dehb->tags[i] = tag_read(dehb->climbers.items[i].trial, n);
		if (dehb->tags[i].bracket >= dehb->n_brackets)
			dehb->n_brackets = (size_t)dehb->tags[i].bracket + 1;
	}
	dehb->standings = arena_array(
		arena, dehb->n_brackets * dehb->climbers.ladder.n, sizeof(*dehb->standings));
	if (!dehb->tags || !dehb->standings)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		count(dehb, i);
	return 0;
}

int dehb_init(struct dehb *dehb, const struct view *view, struct arena *arena, struct error *err)
{
	double eta = option_real(&view->spec->tuner_options, "eta");
	size_t total = 0;
	int code = climbers_init(&dehb->climbers, view, arena, err);

	if (code != 0)
		return code;
	size_t n_rungs = dehb->climbers.ladder.n;
	bool whole = read_tags(dehb, arena) == 0;
	for (size_t k = 0; k < n_rungs; k++) {
		size_t size = population_size(n_rungs, eta, k);
		struct dehb_slot *slots = arena_array(arena, size, sizeof(*slots));
		dehb->populations[k] = (struct dehb_population){ .size = size, .slots = slots };
		for (size_t j = 0; slots && j < size; j++)
			slots[j].loss = HUGE_VAL;
		whole = whole && slots;
		total += size;
	}
	dehb->ranked = arena_array(arena, 2 * total, sizeof(*dehb->ranked));
	if (!whole || !dehb->ranked)
		return fail(err, CODE_NO_MEMORY, "no memory for the populations");
	settle_in(dehb, view);
	return 0;
}

/* ---- evolution ---- */

static int compare_slots(const void *a, const void *b)
{
	const struct dehb_slot *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return (x->trial->number > y->trial->number) - (x->trial->number < y->trial->number);
}

/* Those of a population that are somebody, at out; answers how many. */
static size_t gather(const struct dehb_population *population, struct dehb_slot *out)
{
	size_t n = 0;

	for (size_t j = 0; j < population->size; j++)
		if (population->slots[j].trial)
			out[n++] = population->slots[j];
	return n;
}

/* Into dehb->ranked. */
static size_t find_parents(struct dehb *dehb, const struct view *view, const struct dehb_tag *tag)
{
	double eta = option_real(&view->spec->tuner_options, "eta");
	size_t n_rungs = dehb->climbers.ladder.n, bottom = dehb_bottom(n_rungs, tag->bracket), n;

	if (tag->rung == bottom) {
		n = gather(&dehb->populations[tag->rung], dehb->ranked);
	} else {
		size_t best = dehb_rung_size(n_rungs, eta, tag->bracket, tag->rung - bottom);
		n = gather(&dehb->populations[tag->rung - 1], dehb->ranked);
		if (n > 1)
			qsort(dehb->ranked, n, sizeof(*dehb->ranked), compare_slots);
		n = n < best ? n : best;
	}
	for (size_t k = n_rungs; k-- > 0 && n < PARENTS;)
		n += gather(&dehb->populations[k], dehb->ranked + n);
	return n;
}

/* A parent that is none of those before, while there are enough, in the unit cube. */
static void draw_parent(
	struct dehb *dehb, const struct space *space, size_t *n, struct rng *rng, double *u)
{
	if (*n == 0) {
		for (size_t i = 0; i < space->n; i++)
			u[i] = rng_uniform_open(rng);
		return;
	}
	size_t at = (size_t)rng_below(rng, *n);
	space_to_unit(space, dehb->ranked[at].trial->x, u);
	dehb->ranked[at] = dehb->ranked[--*n];
}

int dehb_evolve(struct dehb *dehb, const struct view *view, const struct dehb_tag *tag,
	struct rng *rng, struct arena *arena, double *x, struct error *err)
{
	const struct space *space = view->spec->space;
	const struct dehb_population *population = &dehb->populations[tag->rung];
	const struct trial *there = population->slots[tag->slot].trial;
	double *u = arena_array(arena, (PARENTS + 1) * (space->n + 1), sizeof(*u));
	double *target = u ? u + PARENTS * space->n : NULL;
	size_t n = find_parents(dehb, view, tag), none = 0;

	if (!u)
		return fail(err, CODE_NO_MEMORY, "no memory for parents");
	for (size_t p = 0; p < PARENTS; p++)
		draw_parent(dehb, space, &n, rng, u + p * space->n);
	if (there)
		space_to_unit(space, there->x, target);
	else
		draw_parent(dehb, space, &none, rng, target);
	size_t always = space->n ? (size_t)rng_below(rng, space->n) : 0;
	for (size_t i = 0; i < space->n; i++) {
		double mutant = u[i] + FACTOR * (u[space->n + i] - u[2 * space->n + i]);
		double chance = rng_uniform(rng), other = rng_uniform_open(rng);
		if (i == always || chance < CROSS_OVER)
			target[i] = mutant >= 0 && mutant <= 1 ? mutant : other;
	}
	space_from_unit(space, target, x);
	return 0;
}
