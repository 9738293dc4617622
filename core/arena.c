#include "core/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define BLOCK_MIN 4096
#define BLOCK_MAX (1u << 20)

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	size_t used;
	alignas(ALIGNMENT) char data[];
};

void arena_init(struct arena *arena, size_t limit)
{
	*arena = (struct arena){ .limit = limit };
}

void arena_release(struct arena *arena)
{
	struct arena_block *block = arena->head;
	while (block) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
	arena_init(arena, arena->limit);
}

void arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->head;
	if (!keep)
		return;
	arena->head = keep->next;
	keep->next = NULL;
	size_t limit = arena->limit;
	arena_release(arena);
	keep->used = 0;
	*arena = (struct arena){ .head = keep, .limit = limit, .held = keep->size };
}

/* Blocks double from BLOCK_MIN to BLOCK_MAX, so a small request costs one malloc. */
static struct arena_block *block_add(struct arena *arena, size_t size)
{
	size_t want = arena->head ? arena->head->size * 2 : BLOCK_MIN;
	if (want > BLOCK_MAX)
		want = BLOCK_MAX;
	if (want < size)
		want = size;
	if (arena->limit && arena->held + want > arena->limit) {
		want = size;
		if (arena->held + want > arena->limit)
			return NULL;
	}
	struct arena_block *block = malloc(sizeof(*block) + want);
	if (!block)
		return NULL;
	block->size = want;
	block->used = 0;
	block->next = arena->head;
	arena->head = block;
	arena->held += want;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct arena_block *block = arena->head;
	if (!block || block->size - block->used < rounded) {
		block = block_add(arena, rounded);
		if (!block)
			return NULL;
	}
	void *out = block->data + block->used;
	block->used += rounded;
	arena->used += rounded;
	return memset(out, 0, rounded);
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *out = arena_alloc(arena, size);
	return out && size ? memcpy(out, data, size) : out;
}

char *arena_strndup(struct arena *arena, const char *text, size_t n)
{
	char *out = arena_alloc(arena, n + 1);
	return out && n ? memcpy(out, text, n) : out;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(n >= 0);
	char *out = arena_alloc(arena, (size_t)n + 1);
	if (out)
		vsnprintf(out, (size_t)n + 1, fmt, again);
	va_end(again);
	return out;
}
