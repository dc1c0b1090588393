#include "config_harness.h"

#include <sys/stat.h>

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_file.h"

struct config_harness harness;

void
harness_set_up(void)
{
	/* A test may have it from its suite already: both inits are run. */
	if (harness.dir[0] != '\0')
		return;
	(void)snprintf(harness.dir, sizeof(harness.dir),
	    "/tmp/test_config_file.XXXXXX");
	cr_assert_not_null(mkdtemp(harness.dir));
	cr_assert_eq(chmod(harness.dir, 0755), 0);
	(void)snprintf(harness.main_file, sizeof(harness.main_file),
	    "%s/m.conf", harness.dir);
	memset(&harness.plan, 0, sizeof(harness.plan));
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
harness_tear_down(void)
{
	plan_clear(&harness.plan);
	if (harness.dir[0] != '\0')
		(void)nftw(harness.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	harness.dir[0] = '\0';
}

void
harness_put_bytes(const char *file, const char *bytes, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", harness.dir, file);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s", path);
	cr_assert_eq(fwrite(bytes, 1, len, f), len);
	(void)fclose(f);
}

void
harness_put(const char *file, const char *text)
{
	harness_put_bytes(file, text, strlen(text));
}

void
harness_put_main(const char *text)
{
	char whole[4096];

	(void)snprintf(whole, sizeof(whole), DAEMON_SECTION "%s", harness.dir,
	    harness.dir, text);
	harness_put("m.conf", whole);
}

void
harness_put_saved(const char *name, const char *options)
{
	char file[128], text[512], path[128];

	(void)snprintf(path, sizeof(path), "%s/state", harness.dir);
	(void)mkdir(path, 0755);
	cr_assert_eq(chmod(path, 0777), 0, "its user may write there");
	(void)snprintf(path, sizeof(path), "%s/state/listeners", harness.dir);
	(void)mkdir(path, 0755);
	cr_assert_eq(chmod(path, 0777), 0, "and there");
	(void)snprintf(file, sizeof(file), "state/listeners/%s.json", name);
	(void)snprintf(text, sizeof(text), "{\"name\": \"%s\", %s}", name,
	    options);
	harness_put(file, text);
}

void
harness_read(void)
{
	config_file_read(harness.main_file, true, &harness.plan);
}

void
harness_read_as_ordinary(void)
{
	const bool root = geteuid() == 0;

	if (root)
		cr_assert_eq(seteuid(ORDINARY_UID), 0);
	harness_read();
	if (root)
		cr_assert_eq(seteuid(0), 0);
}

const char *
harness_errors(void)
{
	static char text[8192];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < harness.plan.errors.count && i < 8; i++) {
		(void)strcat(text, harness.plan.errors.texts[i].text);
		(void)strcat(text, "\n");
	}
	return text;
}

bool
harness_has_error(const char *file, const char *rest)
{
	char want[1024];
	size_t i;

	(void)snprintf(want, sizeof(want), "%s/%s:%s", harness.dir, file, rest);
	for (i = 0; i < harness.plan.errors.count; i++)
		if (strncmp(harness.plan.errors.texts[i].text, want,
			strlen(want)) == 0)
			return true;
	return false;
}

bool
harness_has_warning(const char *file, const char *text)
{
	char want[128];
	size_t i;

	(void)snprintf(want, sizeof(want), "%s/%s: ", harness.dir, file);
	for (i = 0; i < harness.plan.warnings.count; i++)
		if (strncmp(harness.plan.warnings.texts[i].text, want,
			strlen(want)) == 0 &&
		    strstr(harness.plan.warnings.texts[i].text, text) != NULL)
			return true;
	return false;
}

mode_t
harness_mode_of(const char *file)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", harness.dir, file);
	return stat(path, &st) == 0 ? st.st_mode : 0;
}

void
harness_put_main_in(const char *text)
{
	char full[2048];
	size_t at = 0;

	for (; *text != '\0'; text++)
		at += (size_t)snprintf(full + at, sizeof(full) - at,
		    *text == '@' ? "%s" : "%.1s",
		    *text == '@' ? harness.dir : text);
	harness_put_main(full);
}

const char *
harness_path(const char *text)
{
	static char full[512];
	const char *at = strchr(text, '@');

	(void)snprintf(full, sizeof(full), "%.*s%s%s",
	    at == NULL ? (int)strlen(text) : (int)(at - text), text,
	    at == NULL ? "" : harness.dir, at == NULL ? "" : at + 1);
	return full;
}
