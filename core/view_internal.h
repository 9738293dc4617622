/* What view.c (memory, undo, loading) lends to view_apply.c (what each event means). */
#ifndef CORE_VIEW_INTERNAL_H
#define CORE_VIEW_INTERNAL_H

#include "core/view.h"

int view_save(struct view *view, struct trial *trial);
struct trial *view_push_trial(struct view *view);
int view_push_finished(struct view *view, const struct trial *trial);
void view_drop_finished(struct view *view, const struct trial *trial);
int view_push_report(struct view *view, struct trial *trial, const struct report *report);

/* Sets x and key from x (or from trial->parameters when x is NULL) and notes the key as seen. */
int view_place(struct view *view, struct trial *trial, const double *x);

/* Ended in a way that tells something: succeeded, failed, stopped. */
static inline bool view_has_result(const struct trial *trial)
{
	return trial->state == TRIAL_SUCCEEDED || trial->state == TRIAL_FAILED ||
	       trial->state == TRIAL_STOPPED;
}

#endif
