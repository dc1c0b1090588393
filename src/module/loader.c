#include "module/loader.h"

#include <sys/stat.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* What the first header with this ABI had. */
#define SMALLEST                                      \
	(offsetof(struct mercury_protocol, restore) + \
	    sizeof(((struct mercury_protocol *)NULL)->restore))

/* A letter, then letters, digits and underscores. */
static bool
is_name(const char *name)
{
	const size_t len = strnlen(name, MERCURY_NAME_MAX + 1);

	return len > 0 && len <= MERCURY_NAME_MAX && *name >= 'a' &&
	    *name <= 'z' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") >= len;
}

static int
check_abi(const char *path, const struct mercury_protocol *t, struct err *err)
{
	const uint8_t *bytes = (const uint8_t *)t;
	size_t i;

	if (t->abi != MERCURY_ABI)
		return err_set(err, ERR_INVALID,
		    "%s has ABI %u, and this mercuryd %u: build it with the "
		    "mercury/protocol.h of this version",
		    path, t->abi, MERCURY_ABI);
	if (t->size < SMALLEST)
		return err_set(err, ERR_INVALID,
		    "%s: %s.size is %u, less than ABI %u has (%zu): set it to "
		    "sizeof(struct mercury_protocol)",
		    path, MERCURY_MODULE_SYMBOL, t->size, MERCURY_ABI,
		    SMALLEST);
	for (i = sizeof(*t); i < t->size; i++)
		if (bytes[i] != 0)
			return err_set(err, ERR_INVALID,
			    "%s uses what a newer mercury/protocol.h has: "
			    "build it with the one of this version",
			    path);
	return 0;
}

static int
check_counters(const char *path, const char *const *names, struct err *err)
{
	unsigned int i, j;

	for (i = 0; names != NULL && names[i] != NULL; i++) {
		if (i == MERCURY_COUNTERS_MAX)
			return err_set(err, ERR_INVALID,
			    "%s: more than %u counters, or no NULL behind them",
			    path, MERCURY_COUNTERS_MAX);
		if (!is_name(names[i]))
			return err_set(err, ERR_INVALID,
			    "%s: the name of counter %u must be a letter, then "
			    "letters, digits and underscores, %u at most",
			    path, i, MERCURY_NAME_MAX);
		for (j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				return err_set(err, ERR_INVALID,
				    "%s: counters %u and %u have the same name",
				    path, j, i);
	}
	return 0;
}

static int
check_table(const char *path, const struct mercury_protocol *t, struct err *err)
{
	if (t->name == NULL || t->name[0] == '\0' ||
	    strnlen(t->name, MERCURY_NAME_MAX + 1) > MERCURY_NAME_MAX)
		return err_set(err, ERR_INVALID,
		    "%s: its name must have 1 to %u bytes", path,
		    MERCURY_NAME_MAX);
	if (t->received == NULL)
		return err_set(err, ERR_INVALID,
		    "%s: it has no received(), which every protocol needs",
		    path);
	if (t->state_size > MERCURY_STATE_MAX)
		return err_set(err, ERR_INVALID,
		    "%s: its state_size is %zu, more than %u", path,
		    t->state_size, MERCURY_STATE_MAX);
	if ((t->save == NULL) != (t->restore == NULL))
		return err_set(err, ERR_INVALID,
		    "%s: it needs save() and restore(), or neither", path);
	return check_counters(path, t->counters, err);
}

int
loader_check(const char *path, const struct mercury_protocol *table,
    struct mercury_protocol *out, struct err *err)
{
	struct mercury_protocol copy = { .abi = 0 };

	if (check_abi(path, table, err) == -1)
		return -1;
	memcpy(&copy, table,
	    table->size < sizeof(copy) ? table->size : sizeof(copy));
	copy.size = sizeof(copy);
	if (check_table(path, &copy, err) == -1)
		return -1;
	*out = copy;
	return 0;
}

/* To open what is no file, such as a pipe, might take for ever. */
static int
check_file(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "%s is no regular file", path);
	return 0;
}

void
loader_unload(void *module)
{
	(void)dlclose(module);
}

void *
loader_load(const char *path, struct mercury_protocol *out, struct err *err)
{
	const struct mercury_protocol *table;
	void *module;

	if (check_file(path, err) == -1)
		return NULL;
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL) {
		(void)err_set(err, ERR_INVALID, "it can't be loaded: %s",
		    dlerror());
		return NULL;
	}
	table = dlsym(module, MERCURY_MODULE_SYMBOL);
	if (table == NULL)
		(void)err_set(err, ERR_INVALID,
		    "%s has no symbol %s: it is no protocol module, or its "
		    "table is static or hidden",
		    path, MERCURY_MODULE_SYMBOL);
	else if (loader_check(path, table, out, err) == 0)
		return module;
	loader_unload(module);
	return NULL;
}
