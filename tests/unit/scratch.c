#include "scratch.h"

#include <sys/stat.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

const char *const scratch_dir = dir;

void
scratch_make(void)
{
	/* A test may have it from its suite already: both inits are run. */
	if (dir[0] != '\0')
		return;
	(void)snprintf(dir, sizeof(dir), "/tmp/mercury-test.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
scratch_remove(void)
{
	if (dir[0] != '\0')
		(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	dir[0] = '\0';
}

void
scratch_skip(const char *why)
{
	scratch_remove();
	cr_skip_test("%s", why);
}

const char *
scratch_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
	return path;
}

void
scratch_file(const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(name), "w");

	cr_assert_not_null(f);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

const char *
scratch_names(void)
{
	static char names[1024];
	struct dirent **entries;
	int n, i;

	names[0] = '\0';
	n = scandir(dir, &entries, NULL, alphasort);
	cr_assert_geq(n, 0);
	for (i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			(void)strlcat(names, entries[i]->d_name, sizeof(names));
			(void)strlcat(names, " ", sizeof(names));
		}
		free(entries[i]);
	}
	free(entries);
	return names;
}

unsigned int
scratch_open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	cr_assert_not_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}
