#include <sys/stat.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option/option.h"
#include "option/saved.h"

/* A state_dir of its own for each test. */
static char dir[64];

static void
make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/test_option_saved.XXXXXX");
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

static void
remove_dir(void)
{
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(saved, .init = make_dir, .fini = remove_dir);

static struct wanted
make_listener(const char *name, unsigned int port)
{
	json_t *o =
	    json_pack("{s:i, s:s}", "port", (int)port, "protocol", "echo");
	struct wanted w;
	struct err err;

	cr_assert_eq(option_listener(name, o, &w, &err), 0);
	json_decref(o);
	return w;
}

static void
save(const char *name, unsigned int port)
{
	struct err err = { 0 };
	const struct wanted w = make_listener(name, port);

	cr_assert_eq(saved_prepare(dir, &w, 7, &err), 0, "%s", err.text);
	cr_assert_eq(saved_commit(dir, name, 7, &err), 0, "%s", err.text);
}

/* Put a file beside the saved ones. */
static void
put(const char *file, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/listeners", dir);
	(void)mkdir(path, 0750);
	(void)snprintf(path, sizeof(path), "%s/listeners/%s", dir, file);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

struct found {
	unsigned int good, bad;
	char names[256];
	char errors[1024];
	uint16_t last_port;
};

static void
on_saved(void *ctx, const char *file, const struct wanted *wanted,
    const struct err *err)
{
	struct found *f = ctx;
	const size_t used = strlen(f->errors);

	cr_expect_eq(strncmp(file, dir, strlen(dir)), 0);
	if (wanted == NULL) {
		f->bad++;
		(void)snprintf(f->errors + used, sizeof(f->errors) - used, "%s",
		    err->text);
		return;
	}
	cr_expect_null(err);
	cr_expect_neq(wanted->set, 0);
	f->good++;
	f->last_port = wanted->spec.port;
	(void)strncat(f->names, wanted->spec.name, 100);
	(void)strcat(f->names, " ");
}

static struct found
read_all(void)
{
	struct found f = { 0 };
	struct err err = { 0 };

	cr_assert_eq(saved_read_all(dir, on_saved, &f, &err), 0, "%s",
	    err.text);
	return f;
}

Test(saved, what_is_written_is_read)
{
	struct found f;

	save("b", 2);
	save("a", 1);
	save("\xc3\xa4 b..", 3);
	f = read_all();
	cr_expect_eq(f.good, 3);
	cr_expect_eq(f.bad, 0, "%s", f.errors);
	cr_expect_str_eq(f.names, "a b \xc3\xa4 b.. ");
}

Test(saved, the_longest_name_fits)
{
	const char *name = "1234567890123456789012345678901234567890"
			   "123456789012345678901234";
	struct found f;

	save(name, 1);
	f = read_all();
	cr_expect_eq(f.good, 1);
}

Test(saved, an_older_file_is_replaced)
{
	struct found f;

	save("a", 1);
	save("a", 2);
	f = read_all();
	cr_expect_eq(f.good, 1);
	cr_expect_eq(f.last_port, 2);
}

Test(saved, a_removed_one_is_gone)
{
	struct err err;

	save("a", 1);
	save("b", 2);
	cr_expect_eq(saved_remove(dir, "a", &err), 0);
	cr_expect_eq(saved_remove(dir, "a", &err), 0, "again is fine");
	cr_expect_str_eq(read_all().names, "b ");
}

Test(saved, nothing_saved_is_fine)
{
	struct found f = { 0 };
	struct err err;

	cr_expect_eq(read_all().good, 0);
	cr_expect_eq(saved_remove(dir, "a", &err), 0);
	cr_expect_eq(saved_remove("/nonexistent/x", "a", &err), 0);
	cr_expect_eq(saved_read_all("/nonexistent/x", on_saved, &f, &err), 0);
}

Test(saved, a_name_can_not_leave_the_directory)
{
	struct wanted w;
	struct err err;

	w = make_listener("a", 1);
	(void)strcpy(w.spec.name, "../x");
	cr_expect_eq(saved_prepare(dir, &w, 1, &err), -1);
	cr_expect_eq(saved_remove(dir, "../x", &err), -1);
}

Test(saved, a_full_disk_or_missing_right_is_an_error)
{
	struct wanted w;
	struct err err;

	w = make_listener("a", 1);
	cr_expect_eq(saved_prepare("/nonexistent/x", &w, 1, &err), -1);
	cr_expect_not_null(strstr(err.text, "/nonexistent/x"), "%s", err.text);
}

Test(saved, bad_files_are_told_one_by_one)
{
	struct found f;

	save("good", 1);
	put("garbage.json", "\x01\x02");
	put("empty.json", "");
	put("other.json", "{\"name\": \"another\", \"port\": 1}");
	put("array.json", "[]");
	put("twice.json", "{\"name\": \"twice\", \"name\": \"twice\"}");
	put("range.json", "{\"name\": \"range\", \"port\": 70000}");
	f = read_all();
	cr_expect_eq(f.good, 1);
	cr_expect_eq(f.bad, 6);
	cr_expect_not_null(strstr(f.errors, "port: 70000"), "%s", f.errors);
	cr_expect_not_null(strstr(f.errors, "name: must be that of the file"));
}

Test(saved, other_files_are_passed_over)
{
	struct found f;

	save("good", 1);
	put("left.json.new", "{");
	put(".hidden", "{");
	put(".json", "{");
	f = read_all();
	cr_expect_eq(f.good, 1);
	cr_expect_eq(f.bad, 0, "%s", f.errors);
}

Test(saved, links_and_fifos_are_not_followed)
{
	char path[PATH_MAX];
	struct found f;

	save("good", 1);
	(void)snprintf(path, sizeof(path), "%s/listeners/link.json", dir);
	cr_assert_eq(symlink("good.json", path), 0);
	(void)snprintf(path, sizeof(path), "%s/listeners/fifo.json", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	f = read_all();
	cr_expect_eq(f.good, 1);
	cr_expect_eq(f.bad, 2, "%s", f.errors);
}

Test(saved, a_leftover_of_a_crash_does_not_matter)
{
	put("a.json.7.new", "half");
	save("a", 5);
	cr_expect_eq(read_all().last_port, 5);
}

/* How many files there are beside the saved ones. */
static int
count_files(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/listeners", dir);
	d = opendir(path);
	cr_assert_not_null(d);
	while ((entry = readdir(d)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

Test(saved, a_draft_is_nothing_until_it_is_committed)
{
	struct wanted first, second;
	struct err err;

	save("a", 1);
	first = make_listener("a", 2);
	second = make_listener("a", 3);
	cr_assert_eq(saved_prepare(dir, &first, 1, &err), 0);
	cr_assert_eq(saved_prepare(dir, &second, 2, &err), 0);
	cr_expect_eq(read_all().last_port, 1);
	cr_assert_eq(saved_commit(dir, "a", 1, &err), 0);
	cr_expect_eq(read_all().last_port, 2, "the other draft is another");
	cr_expect_eq(saved_commit(dir, "a", 1, &err), -1, "it is gone");
	saved_abandon(dir, "a", 2);
	saved_abandon(dir, "a", 2);
	cr_expect_eq(read_all().last_port, 2);
	cr_expect_eq(count_files(), 1);
}

Test(saved, drafts_of_the_dead_are_swept_away)
{
	save("a", 1);
	put("a.json.1.new", "x");
	put("b.json.4294967295.new", "x");
	saved_sweep(dir);
	cr_expect_eq(count_files(), 1);
	cr_expect_eq(read_all().good, 1);
	saved_sweep("/nonexistent/x");
}
