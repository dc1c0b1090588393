#include "ctl/params.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1 << 20) /* more than the daemon takes */

/* The object called key of len bytes in parent, made when it is new. */
static json_t *
section(json_t *parent, const char *key, size_t len)
{
	json_t *found = json_object_getn(parent, key, len);

	if (found != NULL)
		return json_is_object(found) ? found : NULL;
	found = json_object();
	if (json_object_setn_new(parent, key, len, found) == -1)
		return NULL;
	return found;
}

int
params_add(json_t *object, const char *word, struct err *err)
{
	const char *equals = strchr(word, '='), *key = word, *dot;
	size_t len;

	if (equals == NULL || equals == word)
		return err_set(err, ERR_INVALID, "%.100s: should be key=value",
		    word);
	while ((dot = memchr(key, '.', (size_t)(equals - key))) != NULL) {
		object = section(object, key, (size_t)(dot - key));
		if (object == NULL)
			return err_set(err, ERR_INVALID,
			    "%.*s: is given as a value, too", (int)(dot - word),
			    word);
		key = dot + 1;
	}
	len = (size_t)(equals - key);
	if (json_object_getn(object, key, len) != NULL)
		return err_set(err, ERR_INVALID, "%.*s: is given twice",
		    (int)(equals - word), word);
	if (json_object_setn_new(object, key, len, json_string(equals + 1)) ==
	    -1)
		return err_set(err, ERR_INVALID, "%.100s: is not UTF-8", word);
	return 0;
}

static json_t *
load(FILE *f, const char *name, struct err *err)
{
	static char text[FILE_BYTES_MAX + 1];
	const size_t len = fread(text, 1, sizeof(text), f);
	json_error_t bad;
	json_t *o;

	if (ferror(f)) {
		(void)err_sys(err, "%s", name);
		return NULL;
	}
	if (len > FILE_BYTES_MAX) {
		(void)err_set(err, ERR_INVALID, "%s: is over 1 MiB", name);
		return NULL;
	}
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &bad);
	if (o == NULL) {
		(void)err_set(err, ERR_INVALID, "%s:%d: %s", name, bad.line,
		    bad.text);
		return NULL;
	}
	if (!json_is_object(o)) {
		(void)err_set(err, ERR_INVALID,
		    "%s: should be an object: {\"name\": ...}", name);
		json_decref(o);
		return NULL;
	}
	return o;
}

const char *
params_source(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

json_t *
params_read(const char *path, struct err *err)
{
	json_t *o;
	FILE *f;

	if (strcmp(path, "-") == 0)
		return load(stdin, params_source(path), err);
	f = fopen(path, "re");
	if (f == NULL) {
		(void)err_sys(err, "%s", path);
		return NULL;
	}
	o = load(f, path, err);
	(void)fclose(f);
	return o;
}
