#include "option/saved.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "option/option.h"

#define SUFFIX ".json"
#define FILE_BYTES_MAX (64 * 1024)

#define DRAFT_SUFFIX ".new"

/* A name and what may follow it; a draft has a number, too. */
#define FILE_NAME_SIZE \
	(SPEC_NAME_SIZE + sizeof(SUFFIX ".4294967295" DRAFT_SUFFIX))

/* Open STATE_DIR/listeners; make it first when asked to. */
static int
open_dir(const char *state_dir, bool make, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", state_dir,
		SAVED_DIR) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return err_sys(err, "%s/%s", state_dir, SAVED_DIR);
	}
	if (make && mkdir(path, 0750) == -1 && errno != EEXIST)
		return err_sys(err, "can't make directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no directory %s",
		    path);
	if (fd == -1)
		return err_sys(err, "can't open directory %s", path);
	return fd;
}

/* --- writing --- */

/* The file's bytes; the caller frees them. NULL when out of memory. */
static char *
render(const struct wanted *w)
{
	json_t *options = option_listener_json(w);
	json_t *object = json_object();
	char *text = NULL;

	if (options != NULL && object != NULL &&
	    json_object_set_new(object, "name", json_string(w->spec.name)) ==
		0 &&
	    json_object_update(object, options) == 0)
		text = json_dumps(object, JSON_INDENT(2));
	json_decref(options);
	json_decref(object);
	return text;
}

/* Make a new file that is on disk when this returns 0. */
static int
write_file(int dir, const char *file, const char *text, struct err *err)
{
	int fd, result = -1;

	/* What an earlier crash left behind. */
	(void)unlinkat(dir, file, 0);
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd == -1)
		return err_sys(err, "can't make file %s", file);
	if (fd_write_all(fd, text, strlen(text)) == -1 ||
	    fd_write_all(fd, "\n", 1) == -1 || fsync(fd) == -1)
		(void)err_sys(err, "can't write file %s", file);
	else
		result = 0;
	(void)close(fd);
	if (result == -1)
		(void)unlinkat(dir, file, 0);
	return result;
}

static void
draft_file(const char *name, uint32_t draft, char out[static FILE_NAME_SIZE])
{
	(void)snprintf(out, FILE_NAME_SIZE, "%s%s.%" PRIu32 "%s", name, SUFFIX,
	    draft, DRAFT_SUFFIX);
}

int
saved_prepare(const char *state_dir, const struct wanted *w, uint32_t draft,
    struct err *err)
{
	char file[FILE_NAME_SIZE];
	int dir = -1, result = -1;
	char *text;

	/* The name becomes that of a file. */
	if (spec_check_name("listener name", w->spec.name, err) == -1)
		return -1;
	text = render(w);
	if (text == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	dir = open_dir(state_dir, true, err);
	if (dir != -1) {
		draft_file(w->spec.name, draft, file);
		result = write_file(dir, file, text, err);
		(void)close(dir);
	}
	free(text);
	return result;
}

int
saved_commit(const char *state_dir, const char *name, uint32_t draft,
    struct err *err)
{
	char file[FILE_NAME_SIZE], fresh[FILE_NAME_SIZE];
	int dir, result = -1;

	dir = open_dir(state_dir, false, err);
	if (dir == -1)
		return -1;
	(void)snprintf(file, sizeof(file), "%s%s", name, SUFFIX);
	draft_file(name, draft, fresh);
	if (renameat(dir, fresh, dir, file) == -1)
		(void)err_sys(err, "can't rename %s to %s", fresh, file);
	else if (fsync(dir) == -1)
		(void)err_sys(err, "can't sync the directory of %s", file);
	else
		result = 0;
	(void)close(dir);
	return result;
}

void
saved_abandon(const char *state_dir, const char *name, uint32_t draft)
{
	char file[FILE_NAME_SIZE];
	struct err err;
	const int dir = open_dir(state_dir, false, &err);

	if (dir == -1)
		return;
	draft_file(name, draft, file);
	(void)unlinkat(dir, file, 0);
	(void)close(dir);
}

static bool
has_suffix(const char *name, const char *suffix)
{
	const size_t len = strlen(name), end = strlen(suffix);

	return len > end && strcmp(name + len - end, suffix) == 0;
}

static int
is_draft(const struct dirent *d)
{
	return has_suffix(d->d_name, DRAFT_SUFFIX);
}

void
saved_sweep(const char *state_dir)
{
	struct dirent **files = NULL;
	struct err err;
	int dir, n, i;

	dir = open_dir(state_dir, false, &err);
	if (dir == -1)
		return;
	n = scandirat(dir, ".", &files, is_draft, alphasort);
	for (i = 0; i < n; i++) {
		(void)unlinkat(dir, files[i]->d_name, 0);
		free(files[i]);
	}
	free(files);
	(void)close(dir);
}

int
saved_remove(const char *state_dir, const char *name, struct err *err)
{
	char file[FILE_NAME_SIZE];
	int dir, result = 0;

	if (spec_check_name("listener name", name, err) == -1)
		return -1;
	dir = open_dir(state_dir, false, err);
	if (dir == -1)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	(void)snprintf(file, sizeof(file), "%s%s", name, SUFFIX);
	if (unlinkat(dir, file, 0) == 0)
		result = fsync(dir);
	else if (errno != ENOENT)
		result = -1;
	if (result == -1)
		(void)err_sys(err, "can't remove %s/%s/%s", state_dir,
		    SAVED_DIR, file);
	(void)close(dir);
	return result;
}

/* --- reading --- */

static int
is_saved(const struct dirent *d)
{
	return has_suffix(d->d_name, SUFFIX);
}

/* The object in an open file, or NULL with *err. Takes fd. */
static json_t *
load_object(int fd, struct err *err)
{
	json_error_t why;
	struct stat st;
	json_t *object = NULL;

	if (fstat(fd, &st) == -1)
		(void)err_sys(err, "can't read it");
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
		(void)err_set(err, ERR_INVALID,
		    "must be a file of at most %d bytes", FILE_BYTES_MAX);
	else if ((object = json_loadfd(fd, JSON_REJECT_DUPLICATES, &why)) ==
	    NULL)
		(void)err_set(err, ERR_INVALID, "line %d: %s", why.line,
		    why.text);
	(void)close(fd);
	return object;
}

/* The options of the file, without the name, which must be that of the file. */
static json_t *
load_options(int dir, const char *file, const char *name, struct err *err)
{
	json_t *object;
	const char *given;
	int fd;

	/* Neither a link nor a FIFO may lead us elsewhere or make us wait. */
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		(void)err_sys(err, "can't open it");
		return NULL;
	}
	object = load_object(fd, err);
	if (object == NULL)
		return NULL;
	given = json_string_value(json_object_get(object, "name"));
	if (given == NULL || strcmp(given, name) != 0) {
		(void)err_set(err, ERR_INVALID,
		    "name: must be that of the file, \"%s\"", name);
		json_decref(object);
		return NULL;
	}
	(void)json_object_del(object, "name");
	return object;
}

static void
read_one(int dir, const char *file, const char *path, saved_fn *fn, void *ctx)
{
	const size_t len = strlen(file) - (sizeof(SUFFIX) - 1);
	char name[NAME_MAX + 1];
	struct err err = { 0 };
	struct wanted wanted;
	json_t *options;

	memcpy(name, file, len);
	name[len] = '\0';
	options = load_options(dir, file, name, &err);
	if (options == NULL ||
	    option_listener(name, options, &wanted, &err) == -1) {
		fn(ctx, path, NULL, &err);
	} else {
		wanted.origin = ORIGIN_SAVED;
		fn(ctx, path, &wanted, NULL);
		wanted_clear(&wanted);
	}
	json_decref(options);
}

int
saved_read_all(const char *state_dir, saved_fn *fn, void *ctx, struct err *err)
{
	struct dirent **files = NULL;
	char path[PATH_MAX];
	int dir, n, i;

	dir = open_dir(state_dir, false, err);
	if (dir == -1)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	n = scandirat(dir, ".", &files, is_saved, alphasort);
	if (n == -1)
		(void)err_sys(err, "can't read directory %s/%s", state_dir,
		    SAVED_DIR);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", state_dir,
		    SAVED_DIR, files[i]->d_name);
		read_one(dir, files[i]->d_name, path, fn, ctx);
		free(files[i]);
	}
	free(files);
	(void)close(dir);
	return n == -1 ? -1 : 0;
}
