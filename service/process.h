/* What the operating system knows about this process. */
#ifndef SERVICE_PROCESS_H
#define SERVICE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

struct process_stats {
	uint64_t resident_bytes, virtual_bytes;
	uint64_t open_fds, max_fds;
	uint64_t threads;
	double cpu_seconds; /* user and system */
};

/* Zeros where the system does not say. Reads /proc, never blocks. */
void process_stats(struct process_stats *out);

/* Raises the limit on open files as far as allowed; answers it. */
uint64_t process_files_max(void);

unsigned process_cores(void);

#endif
