/* The space of an experiment: a search space as written, or the one that a model space spans. */
#include <stdint.h>
#include <string.h>

#include "core/spec_json.h"

static const char *const kind_names[KIND_COUNT] = { [KIND_HPO] = "hpo", [KIND_NAS] = "nas" };

const char *kind_name(enum experiment_kind kind)
{
	return kind_names[kind];
}

bool kind_parse(const char *name, enum experiment_kind *out)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kind_names[i], name) != 0)
			continue;
		*out = (enum experiment_kind)i;
		return true;
	}
	return false;
}

/* The text of a part that is kept as it was written; NULL for an absent one. */
static int part_text(const json_t *value, struct arena *arena, const char **out, struct error *err)
{
	struct buffer text;
	int rc = 0;

	*out = NULL;
	if (!value)
		return 0;
	buffer_init(&text, SIZE_MAX / 2); /* the document it comes from is bounded */
	rc = json_write(value, &text, err);
	if (!rc) {
		*out = arena_strndup(arena, buffer_text(&text), text.size);
		if (!*out)
			rc = fail(err, CODE_NO_MEMORY, "no memory for the search space");
	}
	buffer_release(&text);
	return rc;
}

static int parse_space(struct spec_draft *draft, struct error *err)
{
	const char *space, *constraints, *canonical;
	int rc = part_text(draft->search_space, draft->arena, &space, err);
	if (!rc)
		rc = part_text(draft->parameter_constraints, draft->arena, &constraints, err);
	if (!rc)
		rc = part_text(draft->canonical, draft->arena, &canonical, err);
	if (!rc)
		rc = space_parse(space, constraints, canonical, draft->arena, &draft->spec.space,
			draft->faults, err);
	/* Its faults are among the others. */
	return rc == CODE_INVALID ? 0 : rc;
}

/* A stored experiment has both, so that clients need not know model spaces. */
static int compare_space(struct spec_draft *draft, struct error *err)
{
	static const struct path at = { NULL, "search_space", 0 };
	const char *text;
	int rc = part_text(draft->search_space, draft->arena, &text, err);
	if (!rc && text && !json_text_equal(text, draft->points))
		fault_add(draft->faults, &at,
			"is not the one that the model space spans: leave it out");
	return rc;
}

static int parse_model(struct spec_draft *draft, struct error *err)
{
	const char *model, *constraints;
	int rc = part_text(draft->model_space, draft->arena, &model, err);
	if (!rc)
		rc = part_text(draft->parameter_constraints, draft->arena, &constraints, err);
	if (!rc)
		rc = draft->catalog->model_space(model, constraints, draft->arena,
			&draft->spec.model, &draft->spec.space, &draft->points, draft->faults, err);
	if (!rc)
		rc = compare_space(draft, err);
	return rc == CODE_INVALID ? 0 : rc;
}

int spec_read_space(struct spec_draft *draft, struct error *err)
{
	static const struct path space_at = { NULL, "search_space", 0 },
				 model_at = { NULL, "model_space", 0 },
				 canonical_at = { NULL, "canonical", 0 };
	bool nas = draft->spec.kind == KIND_NAS;

	if (!draft->model_space && draft->search_space)
		return parse_space(draft, err);
	if (!draft->model_space) {
		fault_add(draft->faults, &space_at, "is required%s",
			nas ? ", or model_space in its place" : "");
		return 0;
	}
	if (!nas || !draft->catalog->model_space) {
		fault_add(draft->faults, &model_at, "goes with the kind \"nas\"");
		return 0;
	}
	if (draft->canonical)
		fault_add(draft->faults, &canonical_at,
			"goes with a search space: a model space knows which models are the same");
	return parse_model(draft, err);
}
