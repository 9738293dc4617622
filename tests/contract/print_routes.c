/* Prints the route tables as JSON, for tests/contract/routes.mjs. */
#include <stdio.h>

#include "api/route.h"

static const char *const method_names[] = { [METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE" };

static void print_query(const char *query)
{
	const char *between = "\"";

	printf("[");
	while (query && *query) {
		int n = 0;
		while (query[n] && query[n] != ' ')
			n++;
		printf("%s%.*s\"", between, n, query);
		between = ",\"";
		query += n + (query[n] == ' ');
	}
	printf("]");
}

int main(void)
{
	const char *between = "[";

	for (const struct route *const *table = route_tables; *table; table++) {
		for (const struct route *route = *table; route->handler; route++) {
			printf("%s\n{\"method\":\"%s\",\"path\":\"%s\",\"operation\":\"%s\"",
				between, method_names[route->method], route->path,
				route->operation);
			printf(",\"scope\":%u,\"body\":%s,\"json\":%s,\"optional\":%s,\"query\":",
				route->scope, route->body_max ? "true" : "false",
				route->flags & ROUTE_JSON ? "true" : "false",
				route->flags & ROUTE_OPTIONAL ? "true" : "false");
			print_query(route->query);
			printf("}");
			between = ",";
		}
	}
	printf("\n]\n");
	return 0;
}
