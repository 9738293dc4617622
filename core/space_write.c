/* A point as the JSON that a trial sees. */
#include <math.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/space_internal.h"

/* NNI's classic form: {"_value":["a","c"],"_idx":[0,2]}. */
static void write_selection(const struct parameter *p, double x, struct buffer *out)
{
	struct selection selection;
	selection_unrank(p, (uint64_t)x, &selection);
	buffer_add_text(out, "{\"_value\":[");
	for (size_t i = 0; i < selection.n; i++) {
		if (i > 0)
			buffer_add_char(out, ',');
		buffer_add_text(out, p->candidates[selection.picked[i]]);
	}
	buffer_add_text(out, "],\"_idx\":[");
	for (size_t i = 0; i < selection.n; i++) {
		if (i > 0)
			buffer_add_char(out, ',');
		json_write_number(out, selection.picked[i], true);
	}
	buffer_add_text(out, "]}");
}

/* All of one value but the end of a nested choice, whose children follow. */
static void write_value(const struct parameter *p, double x, struct buffer *out)
{
	if (p->type == TYPE_INPUT_CHOICE) {
		write_selection(p, x, out);
	} else if (p->type == TYPE_LAYER_CHOICE) {
		buffer_add_text(out, "{\"_value\":");
		buffer_add_text(out, p->options[(size_t)x]);
		buffer_add_text(out, ",\"_idx\":");
		json_write_number(out, x, true);
		buffer_add_char(out, '}');
	} else if (p->branches) {
		buffer_add_text(out, "{\"_name\":");
		buffer_add_text(out, p->options[(size_t)x]);
	} else if (p->n_options > 0) {
		buffer_add_text(out, p->options[(size_t)x]);
	} else {
		/* On a grid, whole numbers look like integers even when its step is not one. */
		json_write_number(out, x, p->q > 0);
	}
}

void space_write(const struct space *space, const double *x, struct buffer *out)
{
	int after[LIMIT_SPACE_DEPTH + 1]; /* where to go on when a branch has been written */
	size_t depth = 0;
	bool first = true; /* in its object */
	int i = space->first;

	buffer_add_char(out, '{');
	while (i >= 0 || depth > 0) {
		if (i < 0) {
			buffer_add_char(out, '}');
			i = after[--depth];
			first = false;
			continue;
		}
		const struct parameter *p = &space->parameters[i];
		if (isnan(x[i])) {
			i = p->next;
			continue;
		}
		if (!first)
			buffer_add_char(out, ',');
		first = false;
		json_write_string(out, p->name);
		buffer_add_char(out, ':');
		write_value(p, x[i], out);
		if (p->branches) { /* _name stands in the object already */
			after[depth++] = p->next;
			i = p->branch_first[(size_t)x[i]];
		} else {
			i = p->next;
		}
	}
	buffer_add_char(out, '}');
}
