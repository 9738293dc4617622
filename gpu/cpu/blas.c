#include "gpu/cpu/blas.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the library, if one_by_one */
static atomic_bool one_by_one = true;			 /* until it is known to be needless */

void blas_open(void)
{
	const char *config = openblas_get_config();

	/* One thread a call: the callers are threads already, and results must not depend on how
	 * many. */
	openblas_set_num_threads(1);
	one_by_one = strstr(config, "SINGLE_THREADED") && !strstr(config, "USE_LOCKING");
}

void blas_enter(void)
{
	if (one_by_one)
		pthread_mutex_lock(&lock);
}

void blas_leave(void)
{
	if (one_by_one)
		pthread_mutex_unlock(&lock);
}
