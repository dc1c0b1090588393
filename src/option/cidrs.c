#include "option/cidrs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option/value.h"

#define BLANKS " \t"

/* Networks so far. */
struct list {
	struct cidr *networks;
	size_t count, room;
	size_t max;
};

/* A network, and where it stands in its list. */
struct place {
	struct cidr network;
	size_t index;
};

static int
append(struct list *l, const struct cidr *c, struct err *err)
{
	const size_t room = l->room == 0 ? 16 : l->room * 2;
	struct cidr *grown;

	if (l->count == l->max)
		return err_set(err, ERR_INVALID,
		    "has too many networks: must be at most %zu", l->max);
	if (l->count == l->room) {
		grown = realloc(l->networks, room * sizeof(*grown));
		if (grown == NULL)
			return err_set(err, ERR_UNAVAILABLE, "out of memory");
		l->networks = grown;
		l->room = room;
	}
	l->networks[l->count++] = *c;
	return 0;
}

/* One network, of len bytes. */
static int
read_one(struct list *l, const char *text, size_t len, struct err *err)
{
	/* What is longer is wrong, and still is when it is cut. */
	char one[2 * CIDR_TEXT_SIZE], quoted[VALUE_QUOTE_SIZE];
	struct cidr c;
	struct err why;

	(void)snprintf(one, sizeof(one), "%.*s",
	    (int)(len < sizeof(one) ? len : sizeof(one)), text);
	if (cidr_parse(one, &c, &why) == 0)
		return append(l, &c, err);
	value_quote(one, quoted);
	return err_set(err, ERR_INVALID, "%s %s", quoted, why.text);
}

/* Networks with commas between them, and blanks where you like. */
static int
read_text(struct list *l, const char *text, struct err *err)
{
	size_t len;

	for (;;) {
		text += strspn(text, BLANKS);
		len = strcspn(text, BLANKS ",");
		if (read_one(l, text, len, err) == -1)
			return -1;
		text += len;
		text += strspn(text, BLANKS);
		if (*text == '\0')
			return 0;
		if (*text == ',')
			text++;
		else
			return err_set(err, ERR_INVALID,
			    "must have a comma between two networks");
	}
}

static int
read_array(struct list *l, const json_t *value, struct err *err)
{
	const json_t *item;
	size_t i;

	for (i = 0; i < json_array_size(value); i++) {
		item = json_array_get(value, i);
		if (!json_is_string(item))
			return err_set(err, ERR_INVALID,
			    "entry %zu must be a network in a string, such as "
			    "\"10.0.0.0/8\"",
			    i + 1);
		if (read_text(l, json_string_value(item), err) == -1)
			return -1;
	}
	return 0;
}

static int
read_value(struct list *l, const json_t *value, struct err *err)
{
	if (json_is_array(value))
		return read_array(l, value, err);
	if (!json_is_string(value))
		return err_set(err, ERR_INVALID,
		    "must be an array of networks in strings, or a string "
		    "with commas between them");
	if (json_string_length(value) == 0)
		return 0;
	return read_text(l, json_string_value(value), err);
}

static int
by_network(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	const int order = memcmp(&x->network, &y->network, sizeof(x->network));

	if (order != 0)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int
by_index(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* Drop all but the first of what is there more than once; keep the order. */
static int
drop_duplicates(struct list *l, struct err *err)
{
	struct place *places = calloc(l->count + 1, sizeof(*places));
	size_t i, kept = 0;

	if (places == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	for (i = 0; i < l->count; i++)
		places[i] = (struct place){ l->networks[i], i };
	qsort(places, l->count, sizeof(*places), by_network);
	for (i = 0; i < l->count; i++)
		if (kept == 0 ||
		    memcmp(&places[i].network, &places[kept - 1].network,
			sizeof(places[i].network)) != 0)
			places[kept++] = places[i];
	qsort(places, kept, sizeof(*places), by_index);
	for (i = 0; i < kept; i++)
		l->networks[i] = places[i].network;
	l->count = kept;
	free(places);
	return 0;
}

int
cidrs_parse(const json_t *value, size_t max, struct cidr **out, size_t *count,
    struct err *err)
{
	struct list l = { .max = max };

	*out = NULL;
	*count = 0;
	if (read_value(&l, value, err) == -1 ||
	    drop_duplicates(&l, err) == -1) {
		free(l.networks);
		return -1;
	}
	*out = l.networks;
	*count = l.count;
	return 0;
}

int
cidrs_check(const char *text, size_t max, struct err *err)
{
	struct list l = { .max = max };
	int result = 0;

	if (text[0] != '\0')
		result = read_text(&l, text, err);
	free(l.networks);
	return result;
}

json_t *
cidrs_json(const void *bytes, size_t size)
{
	json_t *array = json_array();
	char text[CIDR_TEXT_SIZE];
	struct cidr c;
	size_t i;

	if (size % sizeof(c) != 0) {
		json_decref(array);
		return NULL;
	}
	for (i = 0; array != NULL && i < size; i += sizeof(c)) {
		memcpy(&c, (const char *)bytes + i, sizeof(c));
		cidr_format(&c, text);
		if (json_array_append_new(array, json_string(text)) == -1) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}
