#include "algorithms/tuners/gp_memo.h"

#include <stdlib.h>
#include <string.h>

struct slot {
	struct compute *compute;
	struct gp_factor *factor; /* NULL: nothing there */
	size_t n, d, base, room;
	double *theta;
	double *x; /* room x d, of which n are in the factor */
	unsigned char *category;
};

struct memo {
	struct slot slots[GP_MODEL_SETS];
};

static void slot_clear(struct slot *slot)
{
	gp_factor_free(slot->factor);
	free(slot->theta);
	free(slot->x);
	free(slot->category);
	*slot = (struct slot){ 0 };
}

static void memo_free(void *state)
{
	struct memo *memo = state;

	for (size_t s = 0; s < GP_MODEL_SETS; s++)
		slot_clear(&memo->slots[s]);
	free(memo);
}

static size_t slot_bytes(const struct slot *slot)
{
	if (!slot->factor)
		return 0;
	return gp_factor_bytes(slot->factor) + (slot->room + 1) * slot->d * sizeof(double);
}

/* Are the slot's points the first ones of input, under the same theta? */
static bool continues(
	const struct slot *slot, const struct compute *compute, const struct gp_wanted *wanted)
{
	const struct gp_input *input = wanted->input;
	size_t d = input->d;

	return slot->factor && slot->compute == compute && slot->d == d &&
	       slot->base == wanted->base && slot->room == wanted->room && slot->n <= input->n &&
	       memcmp(slot->theta, wanted->theta, (d + 2) * sizeof(double)) == 0 &&
	       memcmp(slot->category, input->category, d) == 0 &&
	       memcmp(slot->x, input->x, slot->n * d * sizeof(double)) == 0;
}

static int extend_one_by_one(
	struct gp_factor *factor, const struct gp_input *input, size_t from, struct error *err)
{
	int code = 0;

	for (size_t i = from; i < input->n && code == 0; i++)
		code = gp_factor_extend(factor, input->x + i * input->d, 1, err);
	return code;
}

static int build(struct compute *compute, const struct gp_wanted *wanted, struct gp_factor **out,
	struct error *err)
{
	struct gp_input first = *wanted->input;

	first.n = wanted->base;
	int code = gp_factor_new(compute, &first, wanted->theta, wanted->room, out, err);
	if (code != 0)
		return code;
	code = extend_one_by_one(*out, wanted->input, wanted->base, err);
	if (code != 0) {
		gp_factor_free(*out);
		*out = NULL;
	}
	return code;
}

static void *duplicate(const void *from, size_t size)
{
	void *copy = malloc(size);

	if (copy)
		memcpy(copy, from, size);
	return copy;
}

/* The slot anew; n is 0 until its factor is whole. */
static int slot_fill(struct slot *slot, struct compute *compute, const struct gp_wanted *wanted,
	struct error *err)
{
	size_t d = wanted->input->d;

	slot_clear(slot);
	*slot = (struct slot){ .compute = compute,
		.d = d,
		.base = wanted->base,
		.room = wanted->room,
		.theta = duplicate(wanted->theta, (d + 2) * sizeof(double)),
		.x = malloc(wanted->room * d * sizeof(double)),
		.category = duplicate(wanted->input->category, d) };
	if (!slot->theta || !slot->x || !slot->category)
		return fail(err, CODE_NO_MEMORY, "no memory for the model's memo");
	return build(compute, wanted, &slot->factor, err);
}

static struct memo *memo_of(struct workspace *workspace)
{
	if (workspace->free != memo_free) {
		workspace_clear(workspace);
		workspace->state = calloc(1, sizeof(struct memo));
		if (workspace->state)
			workspace->free = memo_free;
	}
	return workspace->state;
}

int gp_memo_factor(const struct knowledge *know, const struct gp_wanted *wanted,
	struct gp_factor **out, struct error *err)
{
	const struct gp_input *input = wanted->input;
	struct memo *memo;
	int code;

	if (!know->workspace)
		return build(know->compute, wanted, out, err);
	memo = memo_of(know->workspace);
	if (!memo)
		return fail(err, CODE_NO_MEMORY, "no memory for the model's memo");
	struct slot *slot = &memo->slots[wanted->slot];
	if (continues(slot, know->compute, wanted)) {
		gp_factor_truncate(slot->factor, slot->n);
		code = extend_one_by_one(slot->factor, input, slot->n, err);
	} else {
		code = slot_fill(slot, know->compute, wanted, err);
	}
	if (code != 0) {
		slot_clear(slot);
		return code;
	}
	memcpy(slot->x, input->x, input->n * input->d * sizeof(double));
	slot->n = input->n;
	*out = slot->factor;
	return 0;
}

void gp_memo_settle(struct workspace *workspace)
{
	struct memo *memo;

	if (!workspace || workspace->free != memo_free)
		return;
	memo = workspace->state;
	workspace->bytes = sizeof(*memo);
	for (size_t s = 0; s < GP_MODEL_SETS; s++) {
		struct slot *slot = &memo->slots[s];
		if (slot->factor)
			gp_factor_truncate(slot->factor, slot->n);
		workspace->bytes += slot_bytes(slot);
	}
}
