#include "service/process.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t fds_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return 0;
	uint64_t n = 0;
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n ? n - 1 : 0; /* without the directory's own */
}

static uint64_t threads_count(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	if (!file)
		return 0;
	char line[256];
	unsigned long long n = 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Threads: %llu", &n) == 1)
			break;
	fclose(file);
	return n;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

void process_stats(struct process_stats *out)
{
	*out = (struct process_stats){ 0 };
	FILE *file = fopen("/proc/self/statm", "re");
	if (file) {
		unsigned long long pages = 0, resident = 0;
		uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
		if (fscanf(file, "%llu %llu", &pages, &resident) == 2) {
			out->virtual_bytes = pages * page;
			out->resident_bytes = resident * page;
		}
		fclose(file);
	}
	struct rusage usage;
	if (!getrusage(RUSAGE_SELF, &usage))
		out->cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	struct rlimit limit;
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		out->max_fds = limit.rlim_cur;
	out->open_fds = fds_count();
	out->threads = threads_count();
}

uint64_t process_files_max(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

unsigned process_cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	int n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}
