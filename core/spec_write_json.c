/* The canonical text of an experiment: every field, in one order, defaults resolved. Reading it
 * gives the same experiment, and the same text. */
#include <math.h>
#include <stdint.h>

#include "core/option_json.h"
#include "core/spec_json.h"

static void write_key(struct buffer *out, const char *name)
{
	json_write_string(out, name);
	buffer_add_char(out, ':');
}

static void write_objectives(const struct spec *spec, struct buffer *out)
{
	buffer_add_char(out, '[');
	for (size_t i = 0; i < spec->n_objectives; i++) {
		buffer_add_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_write_string(out, spec->objectives[i].name);
		buffer_printf(out, ",\"goal\":\"%s\"}",
			spec->objectives[i].maximize ? "maximize" : "minimize");
	}
	buffer_add_char(out, ']');
}

static void write_constraints(const struct spec *spec, struct buffer *out)
{
	buffer_add_char(out, '[');
	for (size_t i = 0; i < spec->n_constraints; i++) {
		const struct outcome_constraint *constraint = &spec->constraints[i];
		buffer_add_text(out, i ? ",{\"metric\":" : "{\"metric\":");
		json_write_string(out, constraint->metric);
		if (isfinite(constraint->min)) {
			buffer_add_text(out, ",\"min\":");
			json_write_number(out, constraint->min, true);
		}
		if (isfinite(constraint->max)) {
			buffer_add_text(out, ",\"max\":");
			json_write_number(out, constraint->max, true);
		}
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, ']');
}

static void write_algorithm(const struct algorithm *algorithm, const struct option_set *options,
	const uint64_t *seed, struct buffer *out)
{
	if (!algorithm) {
		buffer_add_text(out, "null");
		return;
	}
	buffer_add_text(out, "{\"name\":");
	json_write_string(out, algorithm->name);
	buffer_add_text(out, ",\"options\":");
	options_write(options, out);
	if (seed)
		buffer_printf(out, ",\"seed\":%llu", (unsigned long long)*seed);
	buffer_add_char(out, '}');
}

/* "5h", "90s", "250ms": in the largest unit that leaves no rest. */
static void write_duration(int64_t ms, struct buffer *out)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" },
		{ 1, "ms" } };
	size_t i = 0;

	if (ms == 0) {
		buffer_add_text(out, "null");
		return;
	}
	while (ms % units[i].ms != 0)
		i++;
	buffer_printf(out, "\"%lld%s\"", (long long)(ms / units[i].ms), units[i].name);
}

static void write_count(int64_t n, struct buffer *out)
{
	if (n)
		buffer_printf(out, "%lld", (long long)n);
	else
		buffer_add_text(out, "null");
}

static void write_limits(const struct limits *limits, struct buffer *out)
{
	buffer_add_text(out, "{\"max_trials\":");
	write_count(limits->max_trials, out);
	buffer_add_text(out, ",\"max_duration\":");
	write_duration(limits->max_duration_ms, out);
	buffer_add_text(out, ",\"max_trial_duration\":");
	write_duration(limits->max_trial_duration_ms, out);
	buffer_add_text(out, ",\"concurrency\":");
	write_count(limits->concurrency, out);
	buffer_printf(out, ",\"max_retries\":%lld,\"target\":", (long long)limits->max_retries);
	if (isnan(limits->target))
		buffer_add_text(out, "null");
	else
		json_write_number(out, limits->target, true);
	buffer_add_text(out, ",\"patience\":");
	write_count(limits->patience, out);
	buffer_add_char(out, '}');
}

static void write_labels(const struct spec *spec, struct buffer *out)
{
	buffer_add_char(out, '{');
	for (size_t i = 0; i < spec->n_labels; i++) {
		if (i)
			buffer_add_char(out, ',');
		write_key(out, spec->labels[2 * i]);
		json_write_string(out, spec->labels[2 * i + 1]);
	}
	buffer_add_char(out, '}');
}

/* A part that is kept as it was written; absent where it was not. */
static int write_part(const char *name, const json_t *value, const char *absent, struct buffer *out,
	struct error *err)
{
	buffer_printf(out, ",\"%s\":", name);
	if (value)
		return json_write(value, out, err);
	buffer_add_text(out, absent);
	return 0;
}

static int write_all(const struct spec_draft *draft, struct buffer *out, struct error *err)
{
	const struct spec *spec = &draft->spec;

	buffer_add_text(out, "{\"name\":");
	json_write_string(out, spec->name);
	buffer_printf(out, ",\"kind\":\"%s\"", kind_name(spec->kind));
	int rc = 0;
	if (draft->model_space) {
		buffer_printf(out, ",\"search_space\":%s", draft->points);
		rc = write_part("model_space", draft->model_space, "null", out, err);
	} else {
		rc = write_part("search_space", draft->search_space, "null", out, err);
	}
	if (rc)
		return rc;
	buffer_add_text(out, ",\"objectives\":");
	write_objectives(spec, out);
	buffer_add_text(out, ",\"constraints\":");
	write_constraints(spec, out);
	rc = write_part("parameter_constraints", draft->parameter_constraints, "[]", out, err);
	if (!rc)
		rc = write_part("canonical", draft->canonical, "null", out, err);
	if (rc)
		return rc;
	buffer_add_text(out, ",\"tuner\":");
	write_algorithm(spec->tuner, &spec->tuner_options, &spec->seed, out);
	buffer_add_text(out, ",\"assessor\":");
	write_algorithm(spec->assessor, &spec->assessor_options, NULL, out);
	buffer_add_text(out, ",\"limits\":");
	write_limits(&spec->limits, out);
	buffer_add_text(out, ",\"labels\":");
	write_labels(spec, out);
	buffer_add_text(out, ",\"note\":");
	json_write_string(out, spec->note);
	buffer_add_char(out, '}');
	return 0;
}

int spec_write(struct spec_draft *draft, struct error *err)
{
	struct buffer out;

	buffer_init(&out, SIZE_MAX / 2); /* what it is made of is bounded */
	int rc = write_all(draft, &out, err);
	if (!rc && !out.failed)
		draft->spec.json = arena_strndup(draft->arena, buffer_text(&out), out.size);
	if (!rc && (out.failed || !draft->spec.json))
		rc = fail(err, CODE_NO_MEMORY, "no memory for the experiment");
	buffer_release(&out);
	return rc;
}
