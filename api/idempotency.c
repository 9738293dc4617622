#include "api/internal.h"

#include <string.h>

#include "api/digest.h"
#include "api/problem.h"
#include "api/reply.h"

static bool key_ok(const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || n > LIMIT_IDEMPOTENCY_KEY)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (key[i] <= ' ' || key[i] > '~')
			return false;
	}
	return true;
}

bool idempotency_of(struct call *call, const struct idempotency **out)
{
	const char *given = call->transport->header(call, "Idempotency-Key");
	const char *team = call->identity.team ? call->identity.team : "";

	*out = NULL;
	if (!given)
		return true;
	if (!key_ok(given)) {
		problem_replyf(call, CODE_MALFORMED,
			"Idempotency-Key must be 1 to %d visible ASCII characters",
			LIMIT_IDEMPOTENCY_KEY);
		return false;
	}
	struct idempotency *key = arena_alloc(&call->arena, sizeof(*key));
	char *digest = arena_alloc(&call->arena, DIGEST_HEX_SIZE);
	char *text = arena_strdup(&call->arena, given);
	if (!key || !digest || !text) {
		problem_replyf(call, CODE_NO_MEMORY, "no memory for the request");
		return false;
	}
	const struct bytes parts[] = {
		{ call->method_name, strlen(call->method_name) },
		{ call->path, strlen(call->path) },
		{ call->body.data, call->body.size },
	};
	digest_parts(parts, sizeof(parts) / sizeof(*parts), digest);
	*key = (struct idempotency){
		.team = team, .key = text, .digest = digest, .experiment = ""
	};
	*out = key;
	return true;
}

static void replay(struct call *call, const struct idempotency *first)
{
	buffer_add_text(&call->out, first->answer);
	call_header(call, "Idempotency-Replayed", "true");
	reply_json(call, first->status);
}

bool idempotency_replay(
	struct api *api, struct session *session, struct call *call, const struct idempotency *key)
{
	struct idempotency first;
	struct error err = { 0 };
	int64_t now_ms = engine_now_ms(api->engine);

	if (!key)
		return false;
	int rc = store_idempotency_get(session, key->team, key->key, &call->arena, &first, &err);
	if (rc == CODE_NOT_FOUND)
		return false;
	if (!rc && first.created_ms < now_ms - IDEMPOTENCY_TTL_MS) {
		/* Old keys go away now and then; this one must go before it is used again. */
		rc = store_idempotency_expire(session, now_ms - IDEMPOTENCY_TTL_MS, &err);
		if (!rc)
			return false;
	}
	if (rc)
		problem_reply(call, &err, NULL);
	else if (strcmp(first.digest, key->digest) != 0 || !first.answer)
		problem_replyf(call, CODE_KEY_REUSED,
			"the Idempotency-Key %s was used for another request", key->key);
	else
		replay(call, &first);
	return true;
}

int idempotency_keep(struct api *api, struct session *session, const struct idempotency *key,
	const char *answer, int status, struct error *err)
{
	if (!key)
		return 0;
	struct idempotency done = *key;
	done.answer = answer;
	done.status = status;
	done.created_ms = engine_now_ms(api->engine);
	int rc = store_idempotency_put(session, &done, err);
	if (rc == CODE_CONFLICT)
		return fail(err, rc,
			"the same request with this Idempotency-Key is in flight; repeat it to get "
			"its answer");
	return rc;
}

struct op *op_new(struct call *call, enum op_kind kind, const struct idempotency *key)
{
	struct op *op = arena_alloc(&call->arena, sizeof(*op));

	if (!op)
		return NULL;
	op->kind = kind;
	op->experiment = call->args[0];
	op->team = call->identity.instance_admin ? NULL : call->identity.team;
	op->arena = &call->arena;
	op->key = key;
	return op;
}
