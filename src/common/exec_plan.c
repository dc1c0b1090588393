#include "common/exec_plan.h"

#include <string.h>

const char *const exec_stderr_words[EXEC_STDERR_COUNT] = {
#define X(NAME, WORD) WORD,
	EXEC_STDERRS(X)
#undef X
};

int
exec_texts_add(struct exec_texts *t, const char *text)
{
	const size_t len = strlen(text) + 1;

	if (len > sizeof(t->bytes) - t->size)
		return -1;
	memcpy(t->bytes + t->size, text, len);
	t->size += (uint32_t)len;
	t->count++;
	return 0;
}

const char *
exec_texts_next(const struct exec_texts *t, const char *at)
{
	const char *next = at == NULL ? t->bytes : at + strlen(at) + 1;

	return next < t->bytes + t->size ? next : NULL;
}

/* Are there count texts in size bytes? */
static int
check_texts(const struct exec_texts *t, const char *what, struct err *err)
{
	const char *at = NULL;
	uint32_t count = 0;

	if (t->size > sizeof(t->bytes) ||
	    (t->size > 0 && t->bytes[t->size - 1] != '\0'))
		return err_set(err, ERR_INVALID, "exec.%s: does not end", what);
	while ((at = exec_texts_next(t, at)) != NULL)
		count++;
	if (count != t->count)
		return err_set(err, ERR_INVALID,
		    "exec.%s: has another number of texts", what);
	return 0;
}

static int
check_environment(const struct exec_texts *t, struct err *err)
{
	const char *at = NULL;

	while ((at = exec_texts_next(t, at)) != NULL)
		if (at[0] == '=' || strchr(at, '=') == NULL)
			return err_set(err, ERR_INVALID,
			    "exec.environment: must be NAME=value");
	return 0;
}

int
exec_plan_check(const struct exec_plan *p, size_t size, struct err *err)
{
	if (size != sizeof(*p))
		return err_set(err, ERR_INVALID, "exec: has another size");
	if (check_texts(&p->command, "command", err) == -1 ||
	    check_texts(&p->environment, "environment", err) == -1 ||
	    check_environment(&p->environment, err) == -1)
		return -1;
	if (p->command.count < 1 || p->command.count > EXEC_ARGS_MAX ||
	    p->command.bytes[0] != '/')
		return err_set(err, ERR_INVALID,
		    "exec.command: must begin with an absolute path, and have "
		    "at most %u words",
		    EXEC_ARGS_MAX);
	if (p->directory[0] != '/' ||
	    memchr(p->directory, '\0', sizeof(p->directory)) == NULL)
		return err_set(err, ERR_INVALID,
		    "exec.directory: must be absolute");
	if (p->stderr_to >= EXEC_STDERR_COUNT)
		return err_set(err, ERR_INVALID, "exec.stderr: is unknown");
	return 0;
}
