/*
 * What the files of the search space share with each other, and with nobody else.
 */
#ifndef CORE_SPACE_INTERNAL_H
#define CORE_SPACE_INTERNAL_H

#include "core/space.h"

/* Numbers that came as text may be off their grid or bound by this much, relatively. */
#define GRID_TOLERANCE 1e-9

/* An input_choice's chosen candidates, ascending. */
struct selection {
	size_t n;
	uint32_t picked[LIMIT_CANDIDATES];
};

/* Fills n_values and the derived fields of a numeric parameter whose type, bounds and q are set. */
void parameter_derive(struct parameter *parameter);

/* Subsets in lexicographic order: number k to the subset, and back. A subset of the wrong size has
 * no number; the caller has checked. */
void selection_unrank(const struct parameter *parameter, uint64_t k, struct selection *out);
uint64_t selection_rank(const struct parameter *parameter, const struct selection *selection);

/* How many subsets an input_choice offers; UINT64_MAX when more than LIMIT_OPTIONS. */
uint64_t selection_count(size_t n_candidates, size_t n_chosen);

/* The option (input_choice: candidate) with that key, or -1. */
int64_t option_find(const struct parameter *parameter, const struct key128 *key);

/* Sorts order by keys; n entries. Answers the first option that equals an earlier one, with *twin
 * that one, or n. */
size_t option_sort(const struct key128 *keys, uint32_t *order, size_t n, size_t *twin);

/* What identifies an active parameter's value, whatever the type: equal JSON, equal key. The
 * children of a nested choice are not part of it. */
void parameter_key(const struct parameter *parameter, double x, struct key128 *key);

/* Are the values numbers, so that expressions may use them? And the number. */
bool parameter_is_number(const struct parameter *parameter);
double parameter_number(const struct parameter *parameter, double x);

/* Does x lie in the set of options that activate? */
bool condition_holds(const struct condition *condition, const struct parameter *parent, double x);

/* Sets count and finite. 0 or CODE_NO_MEMORY. */
int space_count(struct space *space, struct error *err);

#endif
