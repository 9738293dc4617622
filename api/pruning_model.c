/* Reading models. A table of fields per kind of layer; network_build does the rest. */
#include <string.h>

#include "api/body.h"
#include "api/pruning.h"
#include "core/text.h"

#define TYPE_EXCERPT 40

struct layer_body {
	const char *name, *type;
	json_t *inputs, *shape;
	json_t *kernel_size, *stride, *padding, *dilation, *output_padding, *output_size,
		*scale_factor;
	int64_t in_channels, out_channels, in_features, out_features, num_features, num_channels;
	int64_t num_groups, num_parameters, groups;
	bool bias, affine, elementwise_affine, ceil_mode;
};

#define COUNT(member, flags, most) FIELD(struct layer_body, member, FIELD_INT, flags, 1, most)
#define ANY(member, flags)	   FIELD(struct layer_body, member, FIELD_JSON, flags, 0, 0)
#define FLAG(member)		   FIELD(struct layer_body, member, FIELD_BOOL, 0, 0, 0)
#define COMMON                                                                                     \
	FIELD(struct layer_body, name, FIELD_STRING, FIELD_REQUIRED, 1, LIMIT_NAME),               \
		FIELD(struct layer_body, type, FIELD_STRING, FIELD_REQUIRED, 0, 0),                \
		FIELD(struct layer_body, inputs, FIELD_ARRAY, 0, 0, LIMIT_LAYER_INPUTS)
#define COMMON_SHAPE COMMON, FIELD(struct layer_body, shape, FIELD_ARRAY, 0, 1, NETWORK_RANK)
#define CONVOLUTION                                                                                \
	COMMON_SHAPE, COUNT(in_channels, 0, LIMIT_LAYER_CHANNELS),                                 \
		COUNT(out_channels, FIELD_REQUIRED, LIMIT_LAYER_CHANNELS),                         \
		ANY(kernel_size, FIELD_REQUIRED), ANY(stride, 0), ANY(padding, 0),                 \
		ANY(dilation, 0), COUNT(groups, 0, LIMIT_LAYER_CHANNELS), FLAG(bias)

static const struct field input_fields[] = {
	COMMON,
	FIELD(struct layer_body, shape, FIELD_ARRAY, FIELD_REQUIRED, 1, NETWORK_RANK),
	{ NULL },
};

static const struct field convolution_fields[] = {
	CONVOLUTION,
	{ NULL },
};

static const struct field transposed_fields[] = {
	CONVOLUTION,
	ANY(output_padding, 0),
	{ NULL },
};

static const struct field linear_fields[] = {
	COMMON_SHAPE,
	COUNT(in_features, 0, LIMIT_LAYER_FEATURES),
	COUNT(out_features, FIELD_REQUIRED, LIMIT_LAYER_CHANNELS),
	FLAG(bias),
	{ NULL },
};

static const struct field norm_fields[] = {
	COMMON_SHAPE,
	COUNT(num_features, 0, LIMIT_LAYER_FEATURES),
	FLAG(affine),
	{ NULL },
};

static const struct field group_norm_fields[] = {
	COMMON_SHAPE,
	COUNT(num_groups, FIELD_REQUIRED, LIMIT_LAYER_CHANNELS),
	COUNT(num_channels, 0, LIMIT_LAYER_FEATURES),
	FLAG(affine),
	{ NULL },
};

static const struct field layer_norm_fields[] = {
	COMMON_SHAPE,
	FLAG(elementwise_affine),
	FLAG(bias),
	{ NULL },
};

static const struct field prelu_fields[] = {
	COMMON_SHAPE,
	COUNT(num_parameters, 0, LIMIT_LAYER_FEATURES),
	{ NULL },
};

static const struct field pool_fields[] = {
	COMMON_SHAPE,
	ANY(kernel_size, FIELD_REQUIRED),
	ANY(stride, FIELD_NULLABLE),
	ANY(padding, 0),
	ANY(dilation, 0),
	FLAG(ceil_mode),
	{ NULL },
};

static const struct field adaptive_fields[] = {
	COMMON_SHAPE,
	ANY(output_size, FIELD_REQUIRED),
	{ NULL },
};

static const struct field upsample_fields[] = {
	COMMON_SHAPE,
	ANY(scale_factor, FIELD_REQUIRED),
	{ NULL },
};

static const struct field plain_fields[] = {
	COMMON_SHAPE,
	{ NULL },
};

static const struct field *const role_fields[ROLE_COUNT] = {
	[ROLE_INPUT] = input_fields,
	[ROLE_CONVOLUTION] = convolution_fields,
	[ROLE_TRANSPOSED] = transposed_fields,
	[ROLE_LINEAR] = linear_fields,
	[ROLE_NORM] = norm_fields,
	[ROLE_GROUP_NORM] = group_norm_fields,
	[ROLE_LAYER_NORM] = layer_norm_fields,
	[ROLE_PRELU] = prelu_fields,
	[ROLE_POOL] = pool_fields,
	[ROLE_ADAPTIVE] = adaptive_fields,
	[ROLE_PASS] = plain_fields,
	[ROLE_ELEMENTWISE] = plain_fields,
	[ROLE_CONCAT] = plain_fields,
	[ROLE_FLATTEN] = plain_fields,
	[ROLE_UPSAMPLE] = upsample_fields,
};

/* ---- numbers of axes ---- */

struct axes {
	const struct path *at; /* the layer */
	struct faults *faults;
	unsigned n; /* spatial axes; 0: not known, as the type takes any rank */
};

static bool take_axis(const struct axes *axes, const json_t *value, const struct path *at,
	int64_t low, int64_t *out)
{
	if (json_is_integer(value) && json_integer_value(value) >= low &&
		json_integer_value(value) <= LIMIT_LAYER_SIDE) {
		*out = json_integer_value(value);
		return true;
	}
	fault_add(axes->faults, at, "must be an integer from %lld to %d", (long long)low,
		LIMIT_LAYER_SIDE);
	return false;
}

/* One number for all spatial axes, or a list of one each. Absent: out stays as it is. With nullable
 * a null among them is 0. */
static void take_axes(const struct axes *axes, const char *field, json_t *value, int64_t low,
	bool nullable, int64_t out[NETWORK_SPATIAL])
{
	struct path at = { axes->at, field, 0 };
	unsigned n = axes->n ? axes->n : NETWORK_SPATIAL;

	if (!value)
		return;
	if (json_is_array(value) && (!axes->n || json_array_size(value) != n)) {
		if (axes->n)
			fault_add(axes->faults, &at, "must be one integer, or a list of %u", n);
		else
			fault_add(axes->faults, &at, "must be one integer");
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		bool listed = json_is_array(value);
		struct path item = { &at, NULL, i };
		const json_t *one = listed ? json_array_get(value, i) : value;
		if (nullable && json_is_null(one))
			out[i] = 0;
		else if (!take_axis(axes, one, listed ? &item : &at, low, &out[i]) && !listed)
			return;
	}
}

static void fill(int64_t out[NETWORK_SPATIAL], int64_t value)
{
	for (unsigned i = 0; i < NETWORK_SPATIAL; i++)
		out[i] = value;
}

/* ---- options ---- */

static int64_t first_said(const struct layer_body *body)
{
	return body->in_channels    ? body->in_channels
	       : body->in_features  ? body->in_features
	       : body->num_features ? body->num_features
	       : body->num_channels ? body->num_channels
				    : body->num_parameters;
}

static void take_padding(
	const struct axes *axes, const struct layer_body *body, struct network_options *options)
{
	const char *word = json_string_value(body->padding);

	if (word && strcmp(word, "same") == 0)
		options->same = true;
	else if (!word || strcmp(word, "valid") != 0)
		take_axes(axes, "padding", body->padding, 0, false, options->padding);
}

static void take_options(const struct axes *axes, const struct network_type *type,
	const struct layer_body *body, struct network_options *options)
{
	bool upsample = type->role == ROLE_UPSAMPLE, adaptive = type->role == ROLE_ADAPTIVE;

	options->in_channels = first_said(body);
	options->out_channels = body->out_channels ? body->out_channels : body->out_features;
	options->groups = type->role == ROLE_GROUP_NORM ? body->num_groups : body->groups;
	options->bias = body->bias;
	options->affine = type->role == ROLE_LAYER_NORM ? body->elementwise_affine : body->affine;
	options->ceil_mode = body->ceil_mode;
	fill(options->kernel, 1);
	take_axes(axes, "kernel_size", body->kernel_size, 1, false, options->kernel);
	fill(options->stride, 1);
	if (type->role == ROLE_POOL)
		memcpy(options->stride, options->kernel, sizeof(options->stride));
	take_axes(axes, "stride", body->stride, 1, false, options->stride);
	if (type->role == ROLE_CONVOLUTION)
		take_padding(axes, body, options);
	else
		take_axes(axes, "padding", body->padding, 0, false, options->padding);
	fill(options->dilation, 1);
	take_axes(axes, "dilation", body->dilation, 1, false, options->dilation);
	take_axes(axes, "output_padding", body->output_padding, 0, false, options->output_padding);
	if (upsample)
		take_axes(axes, "scale_factor", body->scale_factor, 1, false, options->size);
	if (adaptive)
		take_axes(axes, "output_size", body->output_size, 1, true, options->size);
}

static void take_shape(const struct axes *axes, const json_t *value, struct network_shape *out)
{
	struct path at = { axes->at, "shape", 0 };
	unsigned rank = (unsigned)json_array_size(value);

	for (unsigned i = 0; i < rank; i++) {
		struct path item = { &at, NULL, i };
		const json_t *size = json_array_get(value, i);
		int64_t most = i ? LIMIT_LAYER_SIDE : LIMIT_LAYER_FEATURES;
		if (json_is_integer(size) && json_integer_value(size) >= 1 &&
			json_integer_value(size) <= most)
			out->size[i] = json_integer_value(size);
		else
			fault_add(axes->faults, &item, "must be an integer from 1 to %lld",
				(long long)most);
	}
	out->rank = rank;
}

/* ---- layers ---- */

const char *const *pruning_read_names(struct call *call, const json_t *value, const struct path *at,
	size_t *n, struct faults *faults)
{
	size_t before = faults->n, size = json_array_size(value);
	const char **names = arena_array(&call->arena, size, sizeof(*names));

	if (!names)
		fault_add(faults, at, "no memory to keep it");
	for (size_t i = 0; names && i < size; i++) {
		struct path here = { at, NULL, i };
		const char *name = json_string_value(json_array_get(value, i));
		if (!name || !*name || strlen(name) > LIMIT_NAME)
			fault_add(faults, &here, "must be a string of 1 to %d bytes", LIMIT_NAME);
		else if (!(names[i] = arena_strdup(&call->arena, name)))
			fault_add(faults, &here, "no memory to keep it");
	}
	*n = size;
	return faults->n == before ? names : NULL;
}

static const struct network_type *read_type(
	const json_t *value, const struct path *at, struct faults *faults)
{
	const char *name = json_string_value(json_object_get(value, "type"));
	struct path here = { at, "type", 0 };
	char excerpt[TYPE_EXCERPT];

	if (!json_is_object(value)) {
		fault_add(faults, at, "must be an object");
		return NULL;
	}
	const struct network_type *type = name ? network_type_find(name) : NULL;
	if (!name)
		fault_add(faults, &here, "must be a string, such as \"Conv2d\"");
	else if (!type)
		fault_add(faults, &here,
			"\"%s\" is not a type of layer that is known here; most are named as "
			"PyTorch's classes",
			text_excerpt(name, excerpt, sizeof(excerpt)));
	return type;
}

static void read_layer(struct call *call, const json_t *value, const struct path *at,
	struct network_layer *layer, struct faults *faults)
{
	const struct network_type *type = read_type(value, at, faults);
	struct path name_at = { at, "name", 0 }, inputs_at = { at, "inputs", 0 };
	struct layer_body body = { .bias = true,
		.affine = type && !(type->flags & TYPE_NOT_AFFINE),
		.elementwise_affine = true,
		.groups = 1,
		.num_parameters = type && type->role == ROLE_PRELU };
	struct axes axes = { at, faults, type && type->rank ? type->rank - 1 : 0 };

	if (!type)
		return;
	layer->type = type;
	body_decode(call, value, at, role_fields[type->role], &body, faults);
	layer->name = body.name;
	if (body.name && !text_is_plain(body.name))
		fault_add(faults, &name_at, "must not contain control characters");
	if (body.inputs)
		layer->input_names =
			pruning_read_names(call, body.inputs, &inputs_at, &layer->n_inputs, faults);
	take_options(&axes, type, &body, &layer->options);
	if (body.shape)
		take_shape(&axes, body.shape, &layer->claimed);
}

/* ---- the model ---- */

struct model_body {
	json_t *layers, *outputs;
};

static const struct field model_fields[] = {
	FIELD(struct model_body, layers, FIELD_ARRAY, FIELD_REQUIRED, 1, LIMIT_NETWORK_LAYERS),
	FIELD(struct model_body, outputs, FIELD_ARRAY, FIELD_NULLABLE, 1, LIMIT_NETWORK_LAYERS),
	{ NULL },
};

/* Marks the layers named; reported once the names are known to be distinct. */
static void mark_outputs(struct network *network, const char *const *names, size_t n,
	const struct path *at, struct faults *faults)
{
	for (size_t i = 0; i < n; i++) {
		struct path here = { at, NULL, i };
		size_t l = 0;
		while (l < network->n_layers && strcmp(network->layers[l].name, names[i]) != 0)
			l++;
		if (l < network->n_layers)
			network->layers[l].output = true;
		else
			fault_add(faults, &here, "the model has no such layer");
	}
}

int pruning_read_model(struct call *call, const json_t *value, const struct path *at,
	struct network *out, struct faults *faults, struct error *err)
{
	struct path layers_at = { at, "layers", 0 }, outputs_at = { at, "outputs", 0 };
	struct model_body body = { 0 };
	size_t before = faults->n, n_outputs = 0;
	const char *const *outputs = NULL;

	if (!body_decode(call, value, at, model_fields, &body, faults))
		return fail(err, CODE_INVALID, "the model cannot be read");
	memset(out, 0, sizeof(*out));
	out->n_layers = json_array_size(body.layers);
	out->layers = arena_array(&call->arena, out->n_layers, sizeof(*out->layers));
	if (!out->layers)
		return fail(err, CODE_NO_MEMORY, "no memory for the model");
	for (size_t i = 0; i < out->n_layers; i++) {
		struct path here = { &layers_at, NULL, i };
		read_layer(call, json_array_get(body.layers, i), &here, &out->layers[i], faults);
	}
	if (body.outputs)
		outputs = pruning_read_names(call, body.outputs, &outputs_at, &n_outputs, faults);
	if (faults->n == before && outputs)
		mark_outputs(out, outputs, n_outputs, &outputs_at, faults);
	if (faults->n > before)
		return fail(err, CODE_INVALID, "the model cannot be read");
	return network_build(out, &layers_at, &call->arena, faults, err);
}
