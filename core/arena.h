/*
 * A bump allocator: many small things that die together (a request, a page of rows, a view).
 *
 * Invariants: memory is zeroed and 16-byte aligned; nothing is freed before arena_release or
 * arena_reset; a request that would take the total above limit answers NULL, as malloc does when
 * memory is short. Callers turn NULL into CODE_NO_MEMORY.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used;  /* bytes handed out, alignment included */
	size_t limit; /* ceiling on bytes taken from malloc; 0: none */
	size_t held;  /* bytes taken from malloc */
};

void arena_init(struct arena *arena, size_t limit);
void arena_release(struct arena *arena);

/* Forgets everything but keeps the newest block for the next use. */
void arena_reset(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t n, size_t size); /* overflow-checked n * size */
void *arena_copy(struct arena *arena, const void *data, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t n);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
