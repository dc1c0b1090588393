#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "module/loader.h"

static size_t
take_all(struct mercury_conn *c, uint8_t *data, size_t len)
{
	(void)c;
	(void)data;
	return len;
}

static size_t
save(struct mercury_conn *c, void *bytes, size_t size)
{
	(void)c;
	(void)bytes;
	return size;
}

static int
restore(struct mercury_conn *c, const void *bytes, size_t size)
{
	(void)c;
	(void)bytes;
	(void)size;
	return 0;
}

/* A table with room behind it, as a newer header would have. */
struct large {
	struct mercury_protocol table;
	uint64_t more;
};

static struct large
good(void)
{
	return (struct large){ .table = { .abi = MERCURY_ABI,
				   .size = sizeof(struct mercury_protocol),
				   .name = "good",
				   .received = take_all } };
}

enum flaw {
	NO_FLAW,
	OTHER_ABI,
	TOO_SMALL,
	LARGER,
	LARGER_AND_USED,
	NO_NAME,
	EMPTY_NAME,
	LONG_NAME,
	NO_RECEIVED,
	LARGE_STATE,
	LARGEST_STATE,
	SAVE_ONLY,
	RESTORE_ONLY,
	BOTH,
};

static void
spoil(struct large *l, enum flaw flaw)
{
	struct mercury_protocol *t = &l->table;

	switch (flaw) {
	case NO_FLAW:
		break;
	case OTHER_ABI:
		t->abi = 2;
		break;
	case TOO_SMALL:
		t->size = offsetof(struct mercury_protocol, restore);
		break;
	case LARGER_AND_USED:
		l->more = 1;
		t->size = sizeof(*l);
		break;
	case LARGER:
		t->size = sizeof(*l);
		break;
	case NO_NAME:
		t->name = NULL;
		break;
	case EMPTY_NAME:
		t->name = "";
		break;
	case LONG_NAME:
		t->name = "a234567890123456789012345678901x";
		break;
	case NO_RECEIVED:
		t->received = NULL;
		break;
	case LARGE_STATE:
		t->state_size = MERCURY_STATE_MAX + 1;
		break;
	case LARGEST_STATE:
		t->state_size = MERCURY_STATE_MAX;
		break;
	case SAVE_ONLY:
		t->save = save;
		break;
	case RESTORE_ONLY:
		t->restore = restore;
		break;
	case BOTH:
		t->save = save;
		t->restore = restore;
		break;
	}
}

struct table_case {
	enum flaw flaw;
	char want[40]; /* in the error; empty: it is good */
};

ParameterizedTestParameters(loader, tables)
{
	static struct table_case cases[] = {
		{ NO_FLAW, "" },
		{ OTHER_ABI, "m.so has ABI 2, and this mercuryd 1" },
		{ TOO_SMALL, "mercury_module.size is" },
		{ LARGER, "" },
		{ LARGER_AND_USED, "what a newer mercury/protocol.h has" },
		{ NO_NAME, "its name must have 1 to 31 bytes" },
		{ EMPTY_NAME, "its name must have 1 to 31 bytes" },
		{ LONG_NAME, "its name must have 1 to 31 bytes" },
		{ NO_RECEIVED, "it has no received()" },
		{ LARGE_STATE, "its state_size is 65537" },
		{ LARGEST_STATE, "" },
		{ SAVE_ONLY, "it needs save() and restore(), or" },
		{ RESTORE_ONLY, "it needs save() and restore(), or" },
		{ BOTH, "" },
	};

	return cr_make_param_array(struct table_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct table_case *k, loader, tables)
{
	struct mercury_protocol out = { .abi = 0 };
	struct large l = good();
	struct err err = { .text = "" };

	spoil(&l, k->flaw);
	if (k->want[0] == '\0') {
		cr_expect_eq(loader_check("m.so", &l.table, &out, &err), 0,
		    "flaw %d: %s", k->flaw, err.text);
		cr_expect_eq(out.received, take_all);
	} else {
		cr_expect_eq(loader_check("m.so", &l.table, &out, &err), -1);
		cr_expect_eq(err.code, ERR_INVALID);
		cr_expect_not_null(strstr(err.text, k->want), "%s", err.text);
		cr_expect_null(out.received, "nothing was given");
	}
}

struct names_case {
	char names[10][36]; /* an empty one ends them */
	char want[40];
};

ParameterizedTestParameters(loader, counters)
{
	static struct names_case cases[] = {
		{ { "" }, "" },
		{ { "a", "b2", "c_d" }, "" },
		{ { "a", "b", "c", "d", "e", "f", "g", "h" }, "" },
		{ { "a", "b", "c", "d", "e", "f", "g", "h", "i" },
		    "more than 8 counters" },
		{ { "a", "b", "a" }, "counters 0 and 2 have the same name" },
		{ { "a", "2" }, "the name of counter 1" },
		{ { "_a" }, "the name of counter 0" },
		{ { "A" }, "the name of counter 0" },
		{ { "a-b" }, "the name of counter 0" },
		{ { "a b" }, "the name of counter 0" },
		{ { "a234567890123456789012345678901" }, "" },
		{ { "a2345678901234567890123456789012" },
		    "the name of counter 0" },
	};

	return cr_make_param_array(struct names_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct names_case *k, loader, counters)
{
	const char *names[11] = { NULL };
	struct mercury_protocol out;
	struct large l = good();
	struct err err = { .text = "" };
	size_t i;

	for (i = 0; i < 10 && k->names[i][0] != '\0'; i++)
		names[i] = k->names[i];
	l.table.counters = names;
	cr_expect_eq(loader_check("m.so", &l.table, &out, &err),
	    k->want[0] == '\0' ? 0 : -1, "%s: %s", k->names[0], err.text);
	cr_expect_not_null(strstr(err.text, k->want), "%s", err.text);
}

Test(loader, says_which_file_there_is_not)
{
	struct mercury_protocol out;
	struct err err;

	cr_expect_null(loader_load("/nonexistent/m.so", &out, &err));
	cr_expect_str_eq(err.text,
	    "/nonexistent/m.so: No such file or directory");
	cr_expect_null(loader_load("/dev/null", &out, &err));
	cr_expect_str_eq(err.text, "/dev/null is no regular file");
}
