/* What team.c, token.c and audit.c share: routes_team is one table over all three. */
#ifndef API_TEAM_H
#define API_TEAM_H

#include "api/internal.h"

/* May the caller see this team? Its own, or any as an instance admin. False: 404 is replied. */
bool team_visible(struct call *call, const char *team);

/* The team that a list is about: the argument team, else every team for instance admins and the
 * own one for others. False: replied. */
bool team_of_list(struct call *call, const char **team);

void token_create(struct api *api, struct session *session, struct call *call);
void token_list(struct api *api, struct session *session, struct call *call);
void token_delete(struct api *api, struct session *session, struct call *call);
void audit_list(struct api *api, struct session *session, struct call *call);

#endif
