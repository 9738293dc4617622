#include "document.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

/* An object or array that is being read. */
struct frame {
	json_t *container;
	char *key;	/* of the member to come; NULL: the key is to come */
	int line;	/* of the key */
	size_t pointer; /* length of the container's pointer */
};

struct reader {
	struct document *document;
	yaml_parser_t parser;
	yaml_event_t event;
	struct frame frames[DOCUMENT_DEPTH];
	size_t depth, nodes;
	char pointer[DOCUMENT_POINTER];
	char *why;
	size_t size;
};

/* Where the current event begins. */
static int line_of(const struct reader *reader)
{
	return (int)reader->event.start_mark.line + 1;
}

static bool refuse(struct reader *reader, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(struct reader *reader, const char *fmt, ...)
{
	int n = snprintf(
		reader->why, reader->size, "%s:%d: ", reader->document->name, line_of(reader));
	va_list args;

	va_start(args, fmt);
	if (n > 0 && (size_t)n < reader->size)
		vsnprintf(reader->why + n, reader->size - (size_t)n, fmt, args);
	va_end(args);
	return false;
}

/* ---- scalars ---- */

static const struct {
	const char *word;
	enum { WORD_NULL, WORD_TRUE, WORD_FALSE, WORD_DOUBTFUL } kind;
} words[] = { { "", WORD_NULL }, { "~", WORD_NULL }, { "null", WORD_NULL }, { "true", WORD_TRUE },
	{ "false", WORD_FALSE }, { "yes", WORD_DOUBTFUL }, { "no", WORD_DOUBTFUL },
	{ "on", WORD_DOUBTFUL }, { "off", WORD_DOUBTFUL }, { ".inf", WORD_DOUBTFUL },
	{ "-.inf", WORD_DOUBTFUL }, { "+.inf", WORD_DOUBTFUL }, { ".nan", WORD_DOUBTFUL } };

/* Upper and lower case as YAML has it: all the one, all the other, or one capital. */
static bool is_word(const char *text, const char *word)
{
	bool upper = true, lower = true;

	if (strcasecmp(text, word) != 0)
		return false;
	for (const char *c = text; *c; c++) {
		upper = upper && !islower((unsigned char)*c);
		lower = lower && (c == text || !isupper((unsigned char)*c));
	}
	return upper || lower;
}

/* Is it a number in YAML 1.2: [-+] digits [. digits] [e digits], or 0x... or 0o...? */
static bool is_number(const char *text, bool *whole)
{
	const char *c = text + (*text == '-' || *text == '+');
	size_t before = strspn(c, "0123456789"), after = 0;

	c += before;
	*whole = *c == '\0' && before > 0;
	if (*c == '.') {
		after = strspn(c + 1, "0123456789");
		c += 1 + after;
	}
	if (before + after == 0)
		return false;
	if (*c == 'e' || *c == 'E') {
		c += 1 + (c[1] == '-' || c[1] == '+');
		size_t digits = strspn(c, "0123456789");
		c += digits;
		return digits > 0 && *c == '\0';
	}
	return *c == '\0';
}

/* Looks like a number to some, and to others not. */
static bool is_doubtful_number(const char *text, bool whole)
{
	const char *c = text + (*text == '-' || *text == '+');
	size_t digits = strspn(c, "0123456789_");

	if (whole)
		return c[0] == '0' && c[1] != '\0'; /* octal in 1.1 */
	if (c[0] == '0' && (c[1] == 'x' || c[1] == 'o' || c[1] == 'b') &&
		isxdigit((unsigned char)c[2]))
		return true;
	return isdigit((unsigned char)*c) && strchr(c, '_') && c[digits] == '\0';
}

static json_t *make_number(const char *text, bool whole)
{
	errno = 0;
	long long integer = strtoll(text, NULL, 10);
	if (whole && errno == 0)
		return json_integer(integer);
	double real = strtod(text, NULL);
	return isfinite(real) ? json_real(real) : NULL;
}

/* A plain word. NULL: refused. */
static json_t *make_plain(struct reader *reader, const char *text)
{
	bool whole;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!is_word(text, words[i].word))
			continue;
		if (words[i].kind == WORD_NULL)
			return json_null();
		if (words[i].kind != WORD_DOUBTFUL)
			return json_boolean(words[i].kind == WORD_TRUE);
		refuse(reader,
			"%s means different things to different readers of YAML: write true or "
			"false, or put it into quotes",
			text);
		return NULL;
	}
	bool number = is_number(text, &whole);
	json_t *value = number ? make_number(text, whole) : json_string(text);
	if (is_doubtful_number(text, number && whole) || (number && !value)) {
		json_decref(value);
		refuse(reader,
			"%s is a number to some readers of YAML: write it in decimal, or "
			"put it into quotes",
			text);
		return NULL;
	}
	return value;
}

static json_t *make_scalar(struct reader *reader)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	bool plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (strlen(text) != reader->event.data.scalar.length) {
		refuse(reader, "there is a NUL inside a text");
		return NULL;
	}
	json_t *value = plain ? make_plain(reader, text) : json_string(text);
	if (!value && !*reader->why)
		refuse(reader, "this is not UTF-8, or there is no memory");
	return value;
}

/* ---- parts ---- */

static bool add_mark(struct reader *reader)
{
	struct document *document = reader->document;

	if (document->n == document->room) {
		size_t room = document->room ? 2 * document->room : 256;
		struct document_mark *moved =
			realloc(document->marks, room * sizeof(*document->marks));
		if (!moved)
			return refuse(reader, "there is no memory");
		document->marks = moved;
		document->room = room;
	}
	char *pointer = strdup(reader->pointer);
	if (!pointer)
		return refuse(reader, "there is no memory");
	const struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;
	int line = frame && frame->key ? frame->line : line_of(reader);
	document->marks[document->n++] = (struct document_mark){ pointer, line };
	return true;
}

/* Extends the pointer from length on by one step. */
static bool set_pointer(struct reader *reader, size_t length, const char *step)
{
	size_t at = length;

	if (at + 1 < DOCUMENT_POINTER)
		reader->pointer[at++] = '/';
	for (; *step && at + 2 < DOCUMENT_POINTER; step++) {
		if (*step == '~' || *step == '/') {
			reader->pointer[at++] = '~';
			reader->pointer[at++] = *step == '~' ? '0' : '1';
		} else {
			reader->pointer[at++] = *step;
		}
	}
	reader->pointer[at] = '\0';
	return *step ? refuse(reader, "names are too long here") : true;
}

/* Puts a value (a reference that is taken) where it belongs. */
static bool place(struct reader *reader, json_t *value)
{
	if (reader->depth == 0) {
		reader->document->value = value;
		return true;
	}
	struct frame *frame = &reader->frames[reader->depth - 1];
	int rc = json_is_array(frame->container)
			 ? json_array_append_new(frame->container, value)
			 : json_object_set_new(frame->container, frame->key, value);
	free(frame->key);
	frame->key = NULL;
	return rc == 0 ? true : refuse(reader, "there is no memory");
}

/* The pointer of the value that begins now. */
static bool point(struct reader *reader)
{
	char index[24];

	if (reader->depth == 0) {
		reader->pointer[0] = '\0';
		return add_mark(reader);
	}
	const struct frame *frame = &reader->frames[reader->depth - 1];
	snprintf(index, sizeof(index), "%zu", json_array_size(frame->container));
	return set_pointer(reader, frame->pointer, frame->key ? frame->key : index) &&
	       add_mark(reader);
}

static bool read_key(struct reader *reader, struct frame *frame)
{
	const char *text = (const char *)reader->event.data.scalar.value;

	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse(reader, "a name must be a text");
	if (strlen(text) != reader->event.data.scalar.length)
		return refuse(reader, "there is a NUL inside a name");
	if (strcmp(text, "<<") == 0)
		return refuse(reader, "merging with << is not supported");
	if (json_object_get(frame->container, text))
		return refuse(reader, "%s is there twice", text);
	frame->key = strdup(text);
	frame->line = line_of(reader);
	return frame->key ? true : refuse(reader, "there is no memory");
}

static bool open_container(struct reader *reader)
{
	bool array = reader->event.type == YAML_SEQUENCE_START_EVENT;
	size_t pointer = strlen(reader->pointer);

	if (reader->depth == DOCUMENT_DEPTH)
		return refuse(
			reader, "this is nested too deeply (%d levels at most)", DOCUMENT_DEPTH);
	json_t *container = array ? json_array() : json_object();
	if (!container || !place(reader, container))
		return refuse(reader, "there is no memory");
	reader->frames[reader->depth++] =
		(struct frame){ .container = container, .pointer = pointer };
	return true;
}

static bool is_decorated(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return event->type == YAML_ALIAS_EVENT;
	}
}

/* An event within the document: a name, a value, or the end of something. */
static bool read_node(struct reader *reader)
{
	struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;
	yaml_event_type_t type = reader->event.type;

	if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT) {
		reader->depth--;
		return true;
	}
	if (is_decorated(&reader->event))
		return refuse(reader, "anchors, aliases and tags are not supported");
	if (++reader->nodes > DOCUMENT_NODES)
		return refuse(reader, "this is too much (%d parts at most)", DOCUMENT_NODES);
	if (frame && json_is_object(frame->container) && !frame->key)
		return read_key(reader, frame);
	if (!point(reader))
		return false;
	if (type != YAML_SCALAR_EVENT)
		return open_container(reader);
	json_t *value = make_scalar(reader);
	return value ? place(reader, value) : false;
}

/* What the parser says of a syntax error. */
static bool refuse_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;

	reader->event.start_mark = parser->problem_mark;
	return refuse(reader, "%s%s%s", parser->problem ? parser->problem : "this is no YAML",
		parser->context ? " " : "", parser->context ? parser->context : "");
}

static bool read_events(struct reader *reader)
{
	bool more = true, ok = true;
	int documents = 0;

	while (ok && more) {
		if (!yaml_parser_parse(&reader->parser, &reader->event))
			return refuse_syntax(reader);
		switch (reader->event.type) {
		case YAML_STREAM_END_EVENT:
			more = false;
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (++documents > 1)
				ok = refuse(reader, "there is a second document");
			break;
		case YAML_NO_EVENT:
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		default:
			ok = read_node(reader);
		}
		if (ok && !more && documents == 0)
			ok = refuse(reader, "there is nothing in it");
		yaml_event_delete(&reader->event);
	}
	return ok;
}

static bool read_yaml(struct document *out, const char *text, char *why, size_t size)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader || !yaml_parser_initialize(&reader->parser)) {
		snprintf(why, size, "%s: there is no memory", out->name);
		free(reader);
		return false;
	}
	reader->document = out;
	reader->why = why;
	reader->size = size;
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, strlen(text));
	bool ok = read_events(reader);
	for (size_t i = 0; i < reader->depth; i++)
		free(reader->frames[i].key);
	yaml_parser_delete(&reader->parser);
	free(reader);
	return ok;
}

bool document_read(struct document *out, const char *name, const char *text, char *why, size_t size)
{
	json_t *json = NULL;

	*out = (struct document){ .name = name };
	*why = '\0';
	if (strlen(text) > DOCUMENT_MAX) {
		snprintf(why, size, "%s: it is too large (%d bytes at most)", name, DOCUMENT_MAX);
		return false;
	}
	if (text[strspn(text, " \t\r\n")] == '{')
		json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool ok = read_yaml(out, text, why, size);
	/* Nearly all JSON is YAML, and so has its lines from there; its values it has from itself.
	 */
	if (json) {
		json_decref(out->value);
		out->value = json;
		ok = true;
	}
	if (!ok)
		document_release(out);
	return ok;
}

void document_release(struct document *document)
{
	for (size_t i = 0; i < document->n; i++)
		free(document->marks[i].pointer);
	free(document->marks);
	json_decref(document->value);
	*document = (struct document){ 0 };
}

int document_line(const struct document *document, const char *pointer)
{
	char around[DOCUMENT_POINTER];

	snprintf(around, sizeof(around), "%s", pointer);
	for (;;) {
		for (size_t i = 0; i < document->n; i++) {
			if (strcmp(document->marks[i].pointer, around) == 0)
				return document->marks[i].line;
		}
		char *slash = strrchr(around, '/');
		if (!slash)
			return 1;
		*slash = '\0';
	}
}
