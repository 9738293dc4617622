#include "algorithms/tuners/cmaes_tag.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "algorithms/tuners/arm_tag.h"

static_assert(sizeof(struct cmaes_tag) == 40, "no padding: it is stored");
static_assert(sizeof(struct cmaes_head) == 17 * 8, "no padding: it is stored");

static size_t tag_head_size(const struct cmaes_model *model)
{
	return sizeof(struct cmaes_tag) + model->d * sizeof(double);
}

static size_t piece_size(const struct cmaes_model *model)
{
	return ARM_TAG_ROOM - tag_head_size(model);
}

static uint64_t digest(const struct cmaes *cmaes)
{
	struct key128 key;

	key_init(&key, 0);
	key_mix_bytes(&key, cmaes->head, cmaes->size);
	return key.low;
}

bool cmaes_tag_read(const struct cmaes_model *model, const struct trial *trial,
	struct cmaes_tag *tag, const char **raw)
{
	struct bytes stored = arm_tag(trial);

	if (stored.size < tag_head_size(model))
		return false;
	memcpy(tag, stored.data, sizeof(*tag));
	*raw = (const char *)stored.data + sizeof(*tag);
	return tag->fingerprint == model->fingerprint;
}

const struct trial *cmaes_tag_newest(const struct cmaes_model *model, struct cmaes_tag *tag)
{
	const struct view *view = model->view;
	const char *raw;

	for (size_t i = view->n_trials; i-- > 0;)
		if (cmaes_tag_read(model, &view->trials[i], tag, &raw))
			return &view->trials[i];
	return NULL;
}

/* What is gathered of one state. */
struct pieces {
	uint64_t state;
	size_t n, have; /* pieces have is a bit each */
};

/* Copies the piece of this tag, if it is one, into the block. */
static void take(struct cmaes *cmaes, const struct trial *trial, const struct cmaes_tag *tag,
	struct pieces *pieces)
{
	size_t room = piece_size(cmaes->model), offset = (size_t)tag->index * room;
	struct bytes stored = arm_tag(trial);
	size_t size = stored.size - tag_head_size(cmaes->model);

	if (tag->index >= pieces->n || size > room || size > cmaes->size - offset)
		return;
	if (size < room && offset + size != cmaes->size)
		return; /* without its piece, or cut */
	memcpy((char *)cmaes->head + offset,
		(const char *)stored.data + tag_head_size(cmaes->model), size);
	pieces->have |= (size_t)1 << tag->index;
}

bool cmaes_tag_load(struct cmaes *cmaes, uint64_t start)
{
	const struct cmaes_model *model = cmaes->model;
	const struct view *view = model->view;
	size_t room = piece_size(model);
	struct pieces pieces = { .n = (cmaes->size + room - 1) / room };
	bool any = false;

	assert(pieces.n < 8 * sizeof(pieces.have));
	for (size_t i = view->n_trials; i-- > 0;) {
		const struct trial *trial = &view->trials[i];
		struct cmaes_tag tag;
		const char *raw;

		if (!cmaes_tag_read(model, trial, &tag, &raw) || tag.start != start)
			continue;
		if (!any || tag.state != pieces.state) {
			pieces.state = tag.state;
			pieces.have = 0;
			any = true;
		}
		take(cmaes, trial, &tag, &pieces);
		if (pieces.have == ((size_t)1 << pieces.n) - 1 && digest(cmaes) == tag.state)
			return true;
	}
	memset(cmaes->head, 0, cmaes->size);
	return false;
}

int cmaes_tag_write(const struct cmaes *cmaes, const double *raw, bool widened, struct arena *arena,
	struct bytes *out)
{
	const struct cmaes_model *model = cmaes->model;
	size_t head = tag_head_size(model), room = piece_size(model), size = 0;
	struct cmaes_tag newest, tag = {
		.fingerprint = model->fingerprint,
		.start = cmaes->head->start,
		.state = digest(cmaes),
		.run = (uint32_t)cmaes->head->run,
		.generation = (uint32_t)cmaes->head->generation,
		.flags = widened ? CMAES_TAG_WIDENED : 0,
	};

	if (cmaes_tag_newest(model, &newest) && newest.state == tag.state)
		tag.index = newest.index + 1;
	size_t offset = (size_t)tag.index * room;
	if (offset < cmaes->size)
		size = cmaes->size - offset < room ? cmaes->size - offset : room;
	char *data = arena_alloc(arena, head + size);
	if (!data)
		return CODE_NO_MEMORY;
	memcpy(data, &tag, sizeof(tag));
	memcpy(data + sizeof(tag), raw, model->d * sizeof(double));
	if (size)
		memcpy(data + head, (const char *)cmaes->head + offset, size);
	out->data = data;
	out->size = head + size;
	return 0;
}
