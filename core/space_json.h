/*
 * Reading a space from JSON: the state of one space_parse, and the steps its files share. A step
 * answers 0 or CODE_NO_MEMORY; what is wrong with the document goes to faults, and reading goes on.
 */
#ifndef CORE_SPACE_JSON_H
#define CORE_SPACE_JSON_H

#include "core/json.h"
#include "core/limits.h"
#include "core/space_internal.h"

/* A parameter on its way into the space: indexes still count in declaration order. */
struct draft {
	struct parameter p;
	json_t *when; /* the _when object, borrowed from the document; NULL: none */
	int *heads;   /* p.branch_first, to be filled in */
	bool broken;  /* has faults; stands in for itself so that references to it resolve */
};

struct parser {
	struct arena *arena;
	struct faults *faults;
	struct error *err;
	struct buffer text; /* scratch */
	struct draft *drafts;
	size_t n, room;
	bool full; /* LIMIT_PARAMETERS was passed (and reported) */
};

/* The path of a draft's member, e.g. "_when", rebuilt from its owners. */
struct draft_path {
	struct path links[4 * LIMIT_SPACE_DEPTH + 8];
};
const struct path *draft_path(
	const struct parser *parser, size_t i, const char *member, struct draft_path *out);

/* Type, bounds and options of a parameter, from its _type and _value (NULL: absent). *known is
 * false when there is no such type. */
int type_read(struct parser *parser, const char *type, const json_t *value, const struct path *at,
	struct parameter *p, bool *known);

/* One value as the trial sees it; of a nested choice, the branch's _name. False: a fault was
 * added. */
bool parameter_read(const struct parameter *p, json_t *value, const struct path *at,
	struct faults *faults, double *out);

/* Conditions from owners and _when, addresses resolved in the scope of each parameter. */
int conditions_read(struct parser *parser);

/* Orders the drafts, parents before children, and links them up. *out stays NULL if it cannot. */
int space_build(struct parser *parser, struct space **out);

/* The JSON text of a value, in the parser's arena; NULL when memory is short. */
const char *text_keep(struct parser *parser, const json_t *value);

int no_memory(struct parser *parser);

#endif
