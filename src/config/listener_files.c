#include "config/listener_files.h"

#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "common/exec_plan.h"
#include "common/module_plan.h"
#include "config/tls_plan.h"

/* A regular file. Returns 0, or -1 with *err. */
static int
look_at(const char *key, const char *path, struct stat *st, struct err *err)
{
	if (stat(path, st) == -1)
		return err_set(err,
		    errno == ENOENT || errno == ENOTDIR ? ERR_INVALID
							: ERR_PERMISSION,
		    "%s: %.200s: %s", key, path, strerror(errno));
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_INVALID,
		    "%s: %.200s: is no regular file", key, path);
	return 0;
}

/* What others may change is run with what the pool may do. */
static void
warn_of_others(const char *key, const char *path, const struct stat *st,
    struct err *warning)
{
	if (st->st_mode & S_IWOTH)
		(void)err_set(warning, ERR_INVALID,
		    "%s: %.200s: everybody may write to it", key, path);
}

static int
check_program(const struct exec_plan *p, struct err *warning, struct err *err)
{
	const char *program = p->command.bytes;
	const char *blank = strchr(program, ' ');
	struct stat st;

	if (look_at("exec.command", program, &st, err) == -1) {
		const struct err why = *err;

		if (blank == NULL)
			return -1;
		return err_set(err, why.code,
		    "%s (each argument is a word of its own: {\"%.*s\", ...})",
		    why.text, (int)(blank - program), program);
	}
	if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return err_set(err, ERR_INVALID,
		    "exec.command: %.200s: can't be executed by anybody: must "
		    "be of a mode such as 0755",
		    program);
	warn_of_others("exec.command", program, &st, warning);
	return 0;
}

static int
check_directory(const struct exec_plan *p, struct err *err)
{
	struct stat st;

	if (stat(p->directory, &st) == -1)
		return err_set(err, ERR_INVALID, "exec.directory: %s: %s",
		    p->directory, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return 0;
	return err_set(err, ERR_INVALID, "exec.directory: %s: is no directory",
	    p->directory);
}

static int
check_exec(const struct exec_plan *p, size_t size, struct err *warning,
    struct err *err)
{
	if (exec_plan_check(p, size, err) == -1 ||
	    check_program(p, warning, err) == -1)
		return -1;
	return check_directory(p, err);
}

static int
check_module(const struct module_plan *p, size_t size, struct err *warning,
    struct err *err)
{
	struct stat st;

	if (module_plan_check(p, size, err) == -1 ||
	    look_at("module.path", p->path, &st, err) == -1)
		return -1;
	warn_of_others("module.path", p->path, &st, warning);
	return 0;
}

/* What the plan of its protocol names. */
static int
check_protocol(const struct wanted *w, struct err *warning, struct err *err)
{
	const struct bulk *plan = w->bulks.of[BULK_PROTOCOL_PLAN];
	const void *bytes;
	int result;

	if (plan == NULL ||
	    (w->spec.protocol != PROTOCOL_EXEC &&
		w->spec.protocol != PROTOCOL_MODULE))
		return 0;
	bytes = bulk_map(plan, err);
	if (bytes == NULL)
		return -1;
	result = w->spec.protocol == PROTOCOL_EXEC
	    ? check_exec(bytes, plan->ref.size, warning, err)
	    : check_module(bytes, plan->ref.size, warning, err);
	bulk_unmap(plan, bytes);
	return result;
}

int
listener_files_read(struct wanted *w, struct tls_warnings *warnings,
    struct err *err)
{
	struct err warning = { 0 };

	if (tls_plan_read(w, warnings, err) == -1 ||
	    tls_plan_read_upstream(w, warnings, err) == -1 ||
	    check_protocol(w, &warning, err) == -1)
		return -1;
	if (warning.text[0] != '\0')
		tls_warnings_add(warnings, warning.text);
	return 0;
}
