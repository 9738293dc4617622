#include "api/view_read.h"

#include "api/experiment.h"
#include "api/problem.h"

struct reading {
	void (*read)(const struct view *view, void *context);
	void *context;
};

static void read_view(struct op *op, void *context)
{
	const struct reading *reading = context;
	reading->read(op->view, reading->context);
}

bool view_read(struct api *api, struct session *session, struct call *call,
	void (*read)(const struct view *view, void *context), void *context)
{
	struct reading reading = { read, context };
	struct op *op = op_new(call, OP_READ, NULL);

	if (!op) {
		no_memory_reply(call);
		return false;
	}
	if (!op_wait(api, session, op, read_view, &reading))
		return true;
	problem_reply(call, &op->error, NULL);
	return false;
}
