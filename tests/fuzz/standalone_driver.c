/* Replays a corpus without libFuzzer: every argument is a file, or a directory of files. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (16u << 20)

static size_t replayed;

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	int rc = -1;
	if (!file || !data)
		goto out;
	size_t size = fread(data, 1, INPUT_MAX, file);
	if (ferror(file) || !feof(file))
		goto out;
	/* An exact copy, so that a sanitizer sees a read past the end. */
	uint8_t *input = malloc(size ? size : 1);
	if (!input)
		goto out;
	memcpy(input, data, size);
	rc = LLVMFuzzerTestOneInput(input, size);
	free(input);
	replayed++;
out:
	if (rc)
		fprintf(stderr, "%s: could not be replayed\n", path);
	free(data);
	if (file)
		fclose(file);
	return rc;
}

static int replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	int rc = 0;
	if (!directory) {
		perror(path);
		return -1;
	}
	for (struct dirent *entry; rc == 0 && (entry = readdir(directory));) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		rc = replay_file(name);
	}
	closedir(directory);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;
	for (int i = 1; rc == 0 && i < argc; i++) {
		struct stat status;
		if (stat(argv[i], &status) != 0) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		rc = S_ISDIR(status.st_mode) ? replay_directory(argv[i]) : replay_file(argv[i]);
	}
	printf("%zu inputs replayed\n", replayed);
	/* A corpus that went missing must not look like one that passed. */
	return rc == 0 && replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
