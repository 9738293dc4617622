#include "journal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

#define CHUNK	 (256 << 10)
#define PAUSE_MS 1000
#define TAIL	 4096

bool journal_open(struct journal *journal, const char *directory)
{
	char path[PATH_MAX + sizeof(JOURNAL_FILE) + 1];

	*journal = (struct journal){ .writing = -1, .reading = -1, .base = -1 };
	snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, directory);
	journal->writing = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (journal->writing < 0)
		return false;
	journal->reading = open(path, O_RDONLY | O_CLOEXEC);
	if (journal->reading >= 0)
		return true;
	journal_close(journal);
	return false;
}

void journal_close(struct journal *journal)
{
	if (journal->writing >= 0)
		close(journal->writing);
	if (journal->reading >= 0)
		close(journal->reading);
	journal->writing = journal->reading = -1;
}

void journal_note(struct journal *journal, const char *fmt, ...)
{
	char text[512], line[sizeof(text) + 16];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	int n = snprintf(line, sizeof(line), "cairn: %s\n", text);
	/* A full disk is the trial's trouble as well; there is nobody else to tell. */
	ssize_t written = write(journal->writing, line, (size_t)n);
	(void)written;
}

/* ---- to the server ---- */

/* Sends one piece. False: no more of it now. */
static bool upload_piece(struct journal *journal, struct cairn_trial *trial, char *data)
{
	struct cairn_error error = { 0 };
	int64_t base = journal->base < 0 ? 0 : journal->base, length;
	ssize_t n = pread(journal->reading, data, CHUNK, journal->copied);

	if (n <= 0)
		return false;
	int rc = cairn_log(trial, base + journal->copied, data, (size_t)n, &length, &error);
	if (rc == CAIRN_OK) {
		journal->base = base;
		journal->copied += n;
		return true;
	}
	if (rc == CAIRN_REFUSED && error.status == 409 && length >= 0) {
		/* At first that tells what earlier attempts have written; later a piece was kept
		 * whose answer got lost, or another attempt writes too. */
		if (journal->base < 0)
			journal->base = length;
		else if (length == journal->base + journal->copied + n)
			journal->copied += n;
		else
			journal->base = length - journal->copied;
		return true;
	}
	journal->full = rc == CAIRN_REFUSED && error.status != 429 && error.status < 500;
	return false;
}

void journal_upload(struct journal *journal, struct cairn_trial *trial, bool all)
{
	struct stat about;
	int64_t now = clock_ms();

	if (journal->full || fstat(journal->reading, &about) || about.st_size <= journal->copied ||
		(!all && now < journal->next_ms))
		return;
	char *data = malloc(CHUNK);
	/* What the trial writes meanwhile is for the next time, so that this one ends. */
	while (data && journal->copied < about.st_size && upload_piece(journal, trial, data))
		;
	free(data);
	journal->next_ms = clock_ms() + PAUSE_MS;
}

/* ---- its end ---- */

void journal_last_line(struct journal *journal, char *out, size_t size)
{
	char tail[TAIL + 1];
	off_t end = lseek(journal->reading, 0, SEEK_END);
	off_t from = end > TAIL ? end - TAIL : 0;
	ssize_t n = pread(journal->reading, tail, TAIL, from);

	n = n > 0 ? n : 0;
	while (n > 0 && (unsigned char)tail[n - 1] <= ' ')
		n--;
	tail[n] = '\0';
	char *line = memrchr(tail, '\n', (size_t)n);
	line = line ? line + 1 : tail;
	for (char *c = line; c < tail + n; c++)
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c;
	snprintf(out, size, "%s", line);
}
