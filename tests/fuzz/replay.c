/*
 * The main() of a fuzz target without libFuzzer: runs the files that are named,
 * those of folders too; none: those of its corpus, which is a test then.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <limits.h>

#include "fuzz.h"

#define PREFIX "fuzz_"

static int failures;
static unsigned int inputs;

static void
complain(const char *path)
{
	perror(path);
	failures++;
}

/* One input, in memory of just its size. */
static void
run(FILE *f, size_t size, const char *path)
{
	uint8_t *data = malloc(size == 0 ? 1 : size);

	if (data == NULL || fread(data, 1, size, f) != size) {
		complain(path);
	} else {
		/* Whatever ends it, the log says what it was. */
		(void)printf("%s\n", path);
		(void)fflush(stdout);
		(void)LLVMFuzzerTestOneInput(data, size);
		inputs++;
	}
	free(data);
}

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) == -1)
		complain(path);
	else
		run(f, (size_t)st.st_size, path);
	if (f != NULL)
		(void)fclose(f);
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void
run_folder(const char *path)
{
	struct dirent **files;
	char file[PATH_MAX];
	const int n = scandir(path, &files, is_visible, alphasort);
	int i;

	if (n == -1) {
		complain(path);
		return;
	}
	for (i = 0; i < n; i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path,
		    files[i]->d_name);
		run_file(file);
		free(files[i]);
	}
	free(files);
}

static void
run_any(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		run_folder(path);
	else
		run_file(path);
}

/* make check says where the sources are. */
static void
run_corpus(const char *program)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strstr(program, "/" PREFIX);
	char path[PATH_MAX];

	if (name == NULL)
		name = program;
	else
		name += sizeof(PREFIX);
	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%s",
	    srcdir == NULL ? "." : srcdir, name);
	run_folder(path);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		run_any(argv[i]);
	if (argc == 1)
		run_corpus(argv[0]);
	(void)printf("%u inputs\n", inputs);
	return failures > 0 || inputs == 0 ? 1 : 0;
}
