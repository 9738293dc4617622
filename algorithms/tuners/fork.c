#include "algorithms/tuners/fork.h"

#include <string.h>

#include "core/limits.h"

/* "fork", then slot and start, the low bytes first, then the checkpoint's text. */
#define MARK	   "fork"
#define MARK_SIZE  4
#define SLOT_SIZE  4
#define START_SIZE 8
#define HEAD_SIZE  (MARK_SIZE + SLOT_SIZE + START_SIZE)

static void put(unsigned char *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *in, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)in[i] << (8 * i);
	return value;
}

int fork_write(const struct fork *fork, struct arena *arena, struct bytes *out, struct error *err)
{
	size_t text = fork->checkpoint.size;

	if (text > LIMIT_TAG - HEAD_SIZE)
		text = 0;
	unsigned char *tag = arena_alloc(arena, HEAD_SIZE + text);
	if (!tag)
		return fail(err, CODE_NO_MEMORY, "no memory for a tag");
	memcpy(tag, MARK, MARK_SIZE);
	put(tag + MARK_SIZE, fork->slot, SLOT_SIZE);
	put(tag + MARK_SIZE + SLOT_SIZE, (uint64_t)fork->start, START_SIZE);
	if (text)
		memcpy(tag + HEAD_SIZE, fork->checkpoint.data, text);
	*out = (struct bytes){ .data = tag, .size = HEAD_SIZE + text };
	return 0;
}

bool fork_read(const struct trial *trial, struct fork *out)
{
	const unsigned char *tag = trial->tag.data;
	size_t size = trial->tag.size;

	*out = (struct fork){ 0 };
	if (size < HEAD_SIZE || memcmp(tag, MARK, MARK_SIZE) != 0)
		return false;
	uint64_t start = get(tag + MARK_SIZE + SLOT_SIZE, START_SIZE);
	if (start > INT64_MAX)
		return false;
	out->slot = (uint32_t)get(tag + MARK_SIZE, SLOT_SIZE);
	out->start = (int64_t)start;
	out->checkpoint = (struct bytes){ tag + HEAD_SIZE, size - HEAD_SIZE };
	return true;
}

int64_t fork_start(const struct trial *trial)
{
	struct fork fork;

	fork_read(trial, &fork);
	return fork.start;
}
