/* Looking at an experiment as a whole, through the view that the engine keeps of it. */
#ifndef API_VIEW_READ_H
#define API_VIEW_READ_H

#include "api/internal.h"

/* Calls read with the view of the call's experiment, and waits for it. The view is valid inside
 * read only, and nobody else can use it meanwhile: copy out what takes longer to work on. False:
 * the problem is replied. */
bool view_read(struct api *api, struct session *session, struct call *call,
	void (*read)(const struct view *view, void *context), void *context);

#endif
