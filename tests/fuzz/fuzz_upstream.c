/*
 * Values of options that have a little language of their own: an upstream, the
 * bytes of a health check, a command, an option of a module. The first byte
 * says which; the rest is the text. What was taken has one form, and that is
 * taken again, and stays.
 */
#include <jansson.h>

#include "common/cidr.h"
#include "fuzz.h"
#include "option/check_text.h"
#include "option/cidrs.h"
#include "option/module_options.h"
#include "option/upstream.h"
#include "option/value.h"

enum what { WHAT_UPSTREAM, WHAT_CHECK, WHAT_MODULE, WHAT_CIDR, WHAT_COUNT };

static void
check_err(const struct err *err)
{
	FUZZ_CHECK(err->code != ERR_NONE);
	FUZZ_CHECK(strnlen(err->text, sizeof(err->text)) < sizeof(err->text));
}

static void
read_upstream(const char *text)
{
	char once[UPSTREAM_TEXT_SIZE] = "", twice[UPSTREAM_TEXT_SIZE] = "";
	struct upstream_plan u = { .weight = 7, .queue = 3 }, again = u;
	struct err err = { 0 };

	if (upstream_parse(text, &u, once, &err) == -1) {
		check_err(&err);
		return;
	}
	FUZZ_CHECK(strnlen(u.name, sizeof(u.name)) < sizeof(u.name));
	FUZZ_CHECK(strnlen(u.host, sizeof(u.host)) < sizeof(u.host));
	FUZZ_CHECK(u.kind < UPSTREAM_KIND_COUNT && u.backup <= 1);
	FUZZ_CHECK(u.weight >= 1 && u.weight <= UPSTREAM_WEIGHT_MAX);
	FUZZ_CHECK((u.kind == UPSTREAM_UNIX) == (u.port == 0));
	FUZZ_CHECK(upstream_parse(once, &again, twice, &err) == 0);
	FUZZ_CHECK(strcmp(once, twice) == 0);
	FUZZ_CHECK(memcmp(&u, &again, sizeof(u)) == 0);
}

static void
read_check(const char *text)
{
	char once[CHECK_TEXT_WRITTEN];
	struct check_text t, again;
	struct err err = { 0 };
	const char *p;

	if (check_text_parse(text, &t, &err) == -1) {
		check_err(&err);
		return;
	}
	check_text_format(&t, once);
	for (p = once; *p != '\0'; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~');
	FUZZ_CHECK(check_text_parse(once, &again, &err) == 0);
	FUZZ_CHECK(t.size == again.size);
	FUZZ_CHECK(memcmp(t.bytes, again.bytes, t.size) == 0);
}

/* As a text, and as the JSON that it may be. */
static void
read_module(const char *text)
{
	static const struct option option = { .name = "options" };
	struct module_plan *plan = calloc(1, sizeof(*plan));
	json_t *value, *made;
	struct err err = { 0 };

	FUZZ_CHECK(plan != NULL);
	if (module_options_check(text, &err) == -1)
		check_err(&err);
	value =
	    json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (value == NULL)
		value = json_string(text);
	memcpy(plan->path, "/m.so", sizeof("/m.so"));
	made = value == NULL ? NULL
			     : module_options_make(&option, value, plan, &err);
	FUZZ_CHECK(
	    made == NULL || module_plan_check(plan, sizeof(*plan), &err) == 0);
	json_decref(value);
	json_decref(made);
	free(plan);
}

static void
read_cidr(const char *text)
{
	char once[CIDR_TEXT_SIZE], twice[CIDR_TEXT_SIZE];
	struct cidr c, again;
	struct err err = { 0 };

	if (cidr_parse(text, &c, &err) == -1) {
		check_err(&err);
		return;
	}
	cidr_format(&c, once);
	FUZZ_CHECK(cidr_parse(once, &again, &err) == 0);
	cidr_format(&again, twice);
	FUZZ_CHECK(memcmp(&c, &again, sizeof(c)) == 0);
	FUZZ_CHECK(strcmp(once, twice) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t what = fuzz_byte(&in) % WHAT_COUNT;
	char *text = fuzz_string(in.at, in.left);

	switch ((enum what)what) {
	case WHAT_UPSTREAM:
		read_upstream(text);
		break;
	case WHAT_CHECK:
		read_check(text);
		break;
	case WHAT_MODULE:
		read_module(text);
		break;
	case WHAT_CIDR:
	case WHAT_COUNT:
		read_cidr(text);
		break;
	}
	free(text);
	return 0;
}
