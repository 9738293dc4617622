#include "algorithms/tuners/arm_tag.h"

#include <assert.h>
#include <string.h>

#include "core/error.h"

static const char magic[ARM_TAG_HEAD - 1] = { 'a', 'r', 'm', '\0', '\1', '\2', '\3' };

static bool is_wrapped(const struct trial *trial)
{
	return trial->origin == ORIGIN_TUNER && trial->tag.size >= ARM_TAG_HEAD &&
	       memcmp(trial->tag.data, magic, sizeof(magic)) == 0;
}

struct bytes arm_tag(const struct trial *trial)
{
	struct bytes tag = { 0 };

	if (trial->origin != ORIGIN_TUNER)
		return tag;
	tag = trial->tag;
	if (is_wrapped(trial)) {
		tag.data = (const char *)tag.data + ARM_TAG_HEAD;
		tag.size -= ARM_TAG_HEAD;
	}
	return tag;
}

int arm_of(const struct trial *trial)
{
	if (!is_wrapped(trial))
		return -1;
	return ((const unsigned char *)trial->tag.data)[ARM_TAG_HEAD - 1];
}

int arm_tag_wrap(unsigned arm, struct bytes *tag, struct arena *arena)
{
	char *data = arena_alloc(arena, ARM_TAG_HEAD + tag->size);

	assert(arm < 256 && tag->size <= ARM_TAG_ROOM);
	if (!data)
		return CODE_NO_MEMORY;
	memcpy(data, magic, sizeof(magic));
	data[ARM_TAG_HEAD - 1] = (char)arm;
	if (tag->size)
		memcpy(data + ARM_TAG_HEAD, tag->data, tag->size);
	tag->data = data;
	tag->size += ARM_TAG_HEAD;
	return 0;
}
