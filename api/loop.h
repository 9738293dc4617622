/* Handlers of the suggest/observe loop and of single trials, and what they share. */
#ifndef API_LOOP_H
#define API_LOOP_H

#include <jansson.h>

#include "api/experiment.h"
#include "core/faults.h"

/* Decodes the whole body of the call with fields into out. The document is stored, to be released
 * by the caller, as strings and values may live in it. False: the problem is replied. */
struct field;
bool body_read(struct call *call, const struct field *fields, void *out, json_t **document);

/* {"row":0,"accepted":true,"trial":7} or "accepted":false with "error": what became of the rows of
 * a seed or of enqueued trials. */
void write_row_results(struct call *call, const struct row_result *rows, size_t n);

void suggest(struct api *api, struct session *session, struct call *call);
void observe(struct api *api, struct session *session, struct call *call);
void enqueue(struct api *api, struct session *session, struct call *call);

void trial_list(struct api *api, struct session *session, struct call *call);
void trial_best(struct api *api, struct session *session, struct call *call);
/* Its answer by expectation, at most top of them. */
void reply_expected(struct api *api, struct session *session, struct call *call, size_t top);
void trial_pareto(struct api *api, struct session *session, struct call *call);
void trial_importance(struct api *api, struct session *session, struct call *call);
void trial_progress(struct api *api, struct session *session, struct call *call);
void trial_metrics(struct api *api, struct session *session, struct call *call);
void trial_explain(struct api *api, struct session *session, struct call *call);
void trial_replay(struct api *api, struct session *session, struct call *call);

#endif
