#include "core/constraint.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/space_internal.h"

/*
 * Dijkstra's shunting yard: operands go straight to the code, operators wait on a stack until one
 * that binds no tighter, a bracket or the end comes. No recursion, so depth is a bound of an array.
 */

static double negate(double a)
{
	return -a;
}

static double add(double a, double b)
{
	return a + b;
}

static double subtract(double a, double b)
{
	return a - b;
}

static double multiply(double a, double b)
{
	return a * b;
}

static double divide(double a, double b)
{
	return a / b;
}

/* Not fmin and fmax, which would drop a NaN. */
static double minimum(double a, double b)
{
	return isnan(a) || a < b ? a : b;
}

static double maximum(double a, double b)
{
	return isnan(a) || a > b ? a : b;
}

static double equal(double a, double b)
{
	return a == b;
}

static double unequal(double a, double b)
{
	return a < b || a > b; /* false for NaN, unlike != */
}

static double less(double a, double b)
{
	return a < b;
}

static double at_most(double a, double b)
{
	return a <= b;
}

static double greater(double a, double b)
{
	return a > b;
}

static double at_least(double a, double b)
{
	return a >= b;
}

enum precedence { NOT_INFIX, COMPARISON, SUM, PRODUCT, SIGN };

static const struct operation {
	const char *text; /* longer texts before their prefixes */
	enum precedence precedence;
	double (*one)(double);
	double (*two)(double, double);
} operations[] = {
	{ "number", NOT_INFIX, NULL, NULL },
	{ "load", NOT_INFIX, NULL, NULL },
	{ "(", NOT_INFIX, NULL, NULL },
	{ "negate", SIGN, negate, NULL },
	{ "log", NOT_INFIX, log, NULL },
	{ "exp", NOT_INFIX, exp, NULL },
	{ "sqrt", NOT_INFIX, sqrt, NULL },
	{ "abs", NOT_INFIX, fabs, NULL },
	{ "floor", NOT_INFIX, floor, NULL },
	{ "ceil", NOT_INFIX, ceil, NULL },
	{ "min", NOT_INFIX, NULL, minimum },
	{ "max", NOT_INFIX, NULL, maximum },
	{ "+", SUM, NULL, add },
	{ "-", SUM, NULL, subtract },
	{ "*", PRODUCT, NULL, multiply },
	{ "/", PRODUCT, NULL, divide },
	{ "==", COMPARISON, NULL, equal },
	{ "!=", COMPARISON, NULL, unequal },
	{ "<=", COMPARISON, NULL, at_most },
	{ ">=", COMPARISON, NULL, at_least },
	{ "<", COMPARISON, NULL, less },
	{ ">", COMPARISON, NULL, greater },
};

/* Rows of the table that the compiler names. */
enum {
	NUMBER,
	LOAD,
	BRACKET,
	NEGATE,
	FIRST_FUNCTION,
	LAST_FUNCTION = 11,
	FIRST_INFIX,
	N_OPERATIONS = sizeof(operations) / sizeof(*operations)
};

struct waiting {
	int operation;
	size_t arguments; /* of a function, so far; 0 for anything else */
};

struct compiler {
	const struct space *space;
	const char *text, *c; /* c: the next character */
	const struct path *at;
	struct faults *faults;
	bool failed, compared;
	bool comparison; /* there must be one; else there must be none */
	size_t n, n_waiting;
	struct instruction code[CONSTRAINT_CODE_MAX];
	struct waiting waiting[CONSTRAINT_CODE_MAX];
};

__attribute__((format(printf, 2, 3))) static void refuse(
	struct compiler *compiler, const char *fmt, ...)
{
	char message[FAULT_MESSAGE_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	fault_add(compiler->faults, compiler->at, "at character %td: %s",
		compiler->c - compiler->text + 1, message);
	compiler->failed = true;
}

static void emit(struct compiler *compiler, struct instruction instruction)
{
	if (compiler->n == CONSTRAINT_CODE_MAX)
		refuse(compiler, "the expression is too long: split it");
	else
		compiler->code[compiler->n++] = instruction;
}

static void emit_operation(struct compiler *compiler, int operation)
{
	emit(compiler, (struct instruction){ .operation = operation });
}

static void push(struct compiler *compiler, int operation, size_t arguments)
{
	if (compiler->n_waiting == CONSTRAINT_CODE_MAX)
		refuse(compiler, "the expression is nested too deeply: simplify it");
	else
		compiler->waiting[compiler->n_waiting++] = (struct waiting){ operation, arguments };
}

/* Emits the waiting operators that bind at least as tightly, down to an open bracket. */
static void unwind(struct compiler *compiler, enum precedence precedence)
{
	while (compiler->n_waiting > 0 && !compiler->failed) {
		int operation = compiler->waiting[compiler->n_waiting - 1].operation;
		if (operations[operation].precedence < precedence ||
			operations[operation].precedence == NOT_INFIX)
			return;
		emit_operation(compiler, operation);
		compiler->n_waiting--;
	}
}

static void skip_space(struct compiler *compiler)
{
	compiler->c += strspn(compiler->c, " \t\r\n");
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
	return is_name_start(c) || isdigit((unsigned char)c) || c == '.';
}

/* Digits, at most one point, an exponent; no hexadecimal, no locale's comma. */
static void number_take(struct compiler *compiler)
{
	const char *c = compiler->c;
	c += strspn(c, "0123456789");
	if (*c == '.')
		c += 1 + strspn(c + 1, "0123456789");
	if (*c == 'e' || *c == 'E') {
		const char *digits = c + 1 + (c[1] == '+' || c[1] == '-');
		if (isdigit((unsigned char)*digits))
			c = digits + strspn(digits, "0123456789");
	}
	char text[64];
	size_t size = (size_t)(c - compiler->c);
	if (size >= sizeof(text)) {
		refuse(compiler, "the number has too many digits");
		return;
	}
	memcpy(text, compiler->c, size);
	text[size] = '\0';
	double number = strtod(text, NULL);
	if (!isfinite(number))
		refuse(compiler, "the number is too large");
	else
		emit(compiler, (struct instruction){ .operation = NUMBER, .number = number });
	compiler->c = c;
}

/* Loads whichever parameter of that address is active: two branches may share one. */
static void load(struct compiler *compiler, const char *name, size_t size)
{
	const struct space *space = compiler->space;
	size_t found = 0;
	for (size_t i = 0; i < space->n && !compiler->failed; i++) {
		const struct parameter *p = &space->parameters[i];
		if (strlen(p->address) != size || memcmp(p->address, name, size) != 0)
			continue;
		if (!parameter_is_number(p))
			refuse(compiler, "%s is not a number", p->address);
		if (found++ > 0)
			compiler->code[compiler->n - 1].more = true;
		emit(compiler, (struct instruction){ .operation = LOAD, .parameter = (int)i });
	}
	if (found == 0)
		refuse(compiler, "there is no parameter %.*s", (int)size, name);
}

static void quoted_take(struct compiler *compiler)
{
	const char *end = strchr(compiler->c + 1, '`');
	if (!end) {
		refuse(compiler, "the backquote is not closed");
		return;
	}
	load(compiler, compiler->c + 1, (size_t)(end - compiler->c - 1));
	compiler->c = end + 1;
}

/* A parameter, or a function and its bracket: then an operand follows, which is the answer. */
static bool name_take(struct compiler *compiler)
{
	const char *start = compiler->c, *end = start;
	while (is_name(*end))
		end++;
	size_t size = (size_t)(end - start);
	if (end[strspn(end, " \t\r\n")] != '(') {
		load(compiler, start, size);
		compiler->c = end;
		return false;
	}
	for (int i = FIRST_FUNCTION; i <= LAST_FUNCTION; i++) {
		if (strlen(operations[i].text) == size &&
			memcmp(operations[i].text, start, size) == 0) {
			push(compiler, i, 1);
			compiler->c = strchr(end, '(') + 1;
			return true;
		}
	}
	refuse(compiler,
		"there is no function %.*s; there are log, exp, sqrt, abs, floor, ceil, min "
		"and max",
		(int)size, start);
	return false;
}

/* Takes a number, a name, or what may stand before one; is another operand due after it? */
static bool operand_take(struct compiler *compiler)
{
	char c = *compiler->c;
	if (isdigit((unsigned char)c) || c == '.') {
		if (c == '.' && !isdigit((unsigned char)compiler->c[1]))
			refuse(compiler, "a point needs digits");
		else
			number_take(compiler);
		return false;
	}
	if (is_name_start(c))
		return name_take(compiler);
	if (c == '`') {
		quoted_take(compiler);
		return false;
	}
	if (c == '-' || c == '(') {
		push(compiler, c == '-' ? NEGATE : BRACKET, 0);
		compiler->c++;
		return true;
	}
	refuse(compiler, "expected a number, a parameter, a function, - or (");
	return false;
}

static void close_bracket(struct compiler *compiler)
{
	unwind(compiler, SUM);
	if (compiler->failed)
		return;
	const struct waiting *open =
		compiler->n_waiting ? &compiler->waiting[compiler->n_waiting - 1] : NULL;
	if (!open || operations[open->operation].precedence == COMPARISON) {
		refuse(compiler, "this ) closes nothing");
		return;
	}
	bool binary = operations[open->operation].two;
	if (open->operation != BRACKET && (binary ? open->arguments < 2 : open->arguments != 1)) {
		refuse(compiler, "%s takes %s", operations[open->operation].text,
			binary ? "two or more arguments" : "one argument");
		return;
	}
	for (size_t i = binary; i < open->arguments; i++)
		emit_operation(compiler, open->operation);
	compiler->n_waiting--;
	compiler->c++;
}

static void comma_take(struct compiler *compiler)
{
	unwind(compiler, SUM);
	struct waiting *open =
		compiler->n_waiting ? &compiler->waiting[compiler->n_waiting - 1] : NULL;
	if (!open || open->arguments == 0) {
		refuse(compiler, "a comma stands between the arguments of a function");
		return;
	}
	open->arguments++;
	compiler->c++;
}

static void compare_check(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->n_waiting; i++) {
		if (operations[compiler->waiting[i].operation].precedence != NOT_INFIX)
			continue;
		refuse(compiler, "a comparison cannot stand inside brackets");
		return;
	}
	if (!compiler->comparison)
		refuse(compiler, "a value has no comparison");
	else if (compiler->compared)
		refuse(compiler, "only one comparison: write a < b < c as two constraints");
	compiler->compared = true;
}

/* Takes what may follow an operand; is another operand due after it? */
static bool operator_take(struct compiler *compiler)
{
	if (*compiler->c == ')') {
		close_bracket(compiler);
		return false;
	}
	if (*compiler->c == ',') {
		comma_take(compiler);
		return true;
	}
	for (int i = FIRST_INFIX; i < N_OPERATIONS; i++) {
		size_t size = strlen(operations[i].text);
		if (strncmp(compiler->c, operations[i].text, size) != 0)
			continue;
		if (operations[i].precedence == COMPARISON)
			compare_check(compiler);
		unwind(compiler, operations[i].precedence);
		push(compiler, i, 0);
		compiler->c += size;
		return true;
	}
	refuse(compiler, "expected an operator or a comparison");
	return true;
}

static void compile(struct compiler *compiler)
{
	bool operand_due = true;
	skip_space(compiler);
	while (!compiler->failed && *compiler->c) {
		operand_due = operand_due ? operand_take(compiler) : operator_take(compiler);
		if (!compiler->failed)
			skip_space(compiler);
	}
	if (compiler->failed)
		return;
	if (operand_due)
		refuse(compiler, "the expression is not finished");
	unwind(compiler, COMPARISON);
	if (compiler->failed)
		return;
	if (compiler->n_waiting > 0)
		refuse(compiler, "a bracket is not closed");
	else if (compiler->comparison && !compiler->compared)
		refuse(compiler, "needs a comparison, such as a <= b");
}

static int text_read(const char *text, struct compiler *compiler, struct arena *arena,
	struct space_constraint *out)
{
	if (!text || strlen(text) > CONSTRAINT_TEXT_MAX) {
		fault_add(compiler->faults, compiler->at,
			"must be a string such as \"%s\", of at most %d bytes",
			compiler->comparison ? "l2 <= l1" : "hidden * 2", CONSTRAINT_TEXT_MAX);
		return 0;
	}
	compiler->text = compiler->c = text;
	compile(compiler);
	out->text = arena_strdup(arena, text);
	out->n = compiler->n;
	out->code = arena_copy(arena, compiler->code, compiler->n * sizeof(*compiler->code));
	return out->text && out->code ? 0 : CODE_NO_MEMORY;
}

int constraints_read(const json_t *list, const struct space *space, const struct path *at,
	struct arena *arena, const struct space_constraint **out, size_t *n_out,
	struct faults *faults)
{
	size_t n = json_array_size(list);
	if (!json_is_array(list) || n > LIMIT_PARAMETER_CONSTRAINTS) {
		fault_add(faults, at, "must be a list of at most %d strings",
			LIMIT_PARAMETER_CONSTRAINTS);
		return 0;
	}
	struct space_constraint *constraints = arena_array(arena, n, sizeof(*constraints));
	if (!constraints)
		return CODE_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct path here = { at, NULL, i };
		struct compiler compiler = {
			.space = space, .at = &here, .faults = faults, .comparison = true
		};
		int rc = text_read(json_string_value(json_array_get(list, i)), &compiler, arena,
			&constraints[i]);
		if (rc)
			return rc;
	}
	*out = constraints;
	*n_out = n;
	return 0;
}

int expression_read(const char *text, const struct space *space, const struct path *at,
	struct arena *arena, const struct space_constraint **out, struct faults *faults)
{
	struct compiler compiler = { .space = space, .at = at, .faults = faults };
	struct space_constraint *expression = arena_array(arena, 1, sizeof(*expression));
	if (!expression)
		return CODE_NO_MEMORY;
	*out = expression;
	return text_read(text, &compiler, arena, expression);
}

/* The number at *i and its alternatives, of which at most one is active; NaN: none. *i moves to
 * the last of them. */
static double load_value(const struct space_constraint *constraint, const struct space *space,
	const double *x, size_t *i)
{
	double value = (double)NAN;
	for (;; ++*i) {
		const struct instruction *in = &constraint->code[*i];
		if (isnan(value))
			value = parameter_number(
				&space->parameters[in->parameter], x[in->parameter]);
		if (!in->more)
			return value;
	}
}

/* False: it looks at an inactive parameter. */
static bool evaluate(const struct space_constraint *constraint, const struct space *space,
	const double *x, double *out)
{
	double stack[CONSTRAINT_CODE_MAX];
	size_t top = 0;
	for (size_t i = 0; i < constraint->n; i++) {
		const struct instruction *in = &constraint->code[i];
		const struct operation *operation = &operations[in->operation];
		if (in->operation == NUMBER) {
			stack[top++] = in->number;
		} else if (in->operation == LOAD) {
			double value = load_value(constraint, space, x, &i);
			if (isnan(value))
				return false;
			stack[top++] = value;
		} else if (operation->one) {
			stack[top - 1] = operation->one(stack[top - 1]);
		} else {
			top--;
			stack[top - 1] = operation->two(stack[top - 1], stack[top]);
		}
	}
	assert(top == 1);
	*out = stack[0];
	return true;
}

bool constraint_holds(
	const struct space_constraint *constraint, const struct space *space, const double *x)
{
	double value;
	return !evaluate(constraint, space, x, &value) || value != 0.0;
}

double expression_value(
	const struct space_constraint *expression, const struct space *space, const double *x)
{
	double value;
	return evaluate(expression, space, x, &value) ? value : (double)NAN;
}

void constraint_mark(const struct space_constraint *constraint, bool *used)
{
	for (size_t i = 0; i < constraint->n; i++)
		if (constraint->code[i].operation == LOAD)
			used[constraint->code[i].parameter] = true;
}
