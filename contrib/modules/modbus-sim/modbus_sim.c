/*
 * modbus-sim: a simulated Modbus/TCP device. What it does as a device is in
 * modbus.c; here is what makes a module of it: options, framing, counters.
 *
 * The device belongs to the config: all connections of a listener in one
 * worker talk to the same registers. A change of the options makes another
 * device, for connections that come from then on.
 */
#include <mercury/protocol.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modbus.h"

#define SIZE_DEFAULT 100

enum counter { REQUESTS, WRITES, EXCEPTIONS, BAD_FRAMES };

static const char *const counters[] = { [REQUESTS] = "requests",
	[WRITES] = "writes",
	[EXCEPTIONS] = "exceptions",
	[BAD_FRAMES] = "bad_frames",
	NULL };

static const char *const tables[MODBUS_TABLES] = {
	[MODBUS_COILS] = "coils",
	[MODBUS_DISCRETE_INPUTS] = "discrete_inputs",
	[MODBUS_HOLDING_REGISTERS] = "holding_registers",
	[MODBUS_INPUT_REGISTERS] = "input_registers",
};

/*
 * Read a number up to max, decimal or hex, and move *text behind it. Returns
 * false when there is none.
 */
static bool
read_number(const char **text, unsigned long max, unsigned int *out)
{
	unsigned long n;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	n = strtoul(*text, &end, 0);
	if (errno != 0 || n > max)
		return false;
	*text = end;
	*out = (unsigned int)n;
	return true;
}

/* The value of an option that is one number. Returns false if it is not. */
static bool
take_number(const char *value, unsigned long max, unsigned int *out)
{
	return read_number(&value, max, out) && *value == '\0';
}

/*
 * Set values of a table from a text such as "0:17:18 40:0x1f": 17 and 18 from
 * address 0 on, 31 at address 40. Returns false when it makes no sense.
 */
static bool
take_values(struct modbus_device *d, enum modbus_table table, const char *text)
{
	const bool is_bit =
	    table == MODBUS_COILS || table == MODBUS_DISCRETE_INPUTS;
	unsigned int at, value;

	for (;;) {
		while (*text == ' ')
			text++;
		if (*text == '\0')
			return true;
		if (!read_number(&text, MODBUS_TABLE_MAX - 1, &at) ||
		    *text != ':')
			return false;
		for (; *text == ':'; at++) {
			text++;
			if (!read_number(&text, is_bit ? 1 : 0xffff, &value) ||
			    at >= d->counts[table])
				return false;
			d->values[table][at] = (uint16_t)value;
		}
		if (*text != ' ' && *text != '\0')
			return false;
	}
}

/* Returns NULL, or what would be right. */
static const char *
take_option(struct modbus_device *d, const struct mercury_option *o)
{
	size_t i;

	if (strcmp(o->name, "size") == 0)
		return NULL; /* was taken before the others */
	if (strcmp(o->name, "unit") == 0)
		return take_number(o->value, 255, &d->unit)
		    ? NULL
		    : "a unit is a number from 0 (each) to 255";
	for (i = 0; i < MODBUS_TABLES; i++) {
		if (strcmp(o->name, tables[i]) != 0)
			continue;
		return take_values(d, (enum modbus_table)i, o->value)
		    ? NULL
		    : "values are ADDRESS:VALUE:VALUE..., with blanks between "
		      "them; bits are 0 or 1, registers up to 65535, and an "
		      "address is below size";
	}
	return "there are size, unit, coils, discrete_inputs, "
	       "holding_registers and input_registers";
}

/* How large its tables are comes first. Returns NULL, or what is wrong. */
static const char *
make_tables(struct modbus_device *d, const struct mercury_option *options,
    size_t count)
{
	unsigned int size = SIZE_DEFAULT;
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(options[i].name, "size") == 0 &&
		    !take_number(options[i].value, MODBUS_TABLE_MAX, &size))
			return "size: a number from 0 to 65536";
	for (i = 0; i < MODBUS_TABLES; i++)
		if (modbus_resize(d, (enum modbus_table)i, size) == -1)
			return "out of memory";
	return NULL;
}

static void
unconfigure(void *config)
{
	modbus_clear(config);
	free(config);
}

static int
configure(struct mercury_listener *listener,
    const struct mercury_option *options, size_t count, void **config,
    char *error, size_t size)
{
	struct modbus_device *d = calloc(1, sizeof(*d));
	const char *wrong;
	size_t i;

	(void)listener;
	if (d == NULL) {
		(void)snprintf(error, size, "out of memory");
		return -1;
	}
	wrong = make_tables(d, options, count);
	if (wrong != NULL)
		(void)snprintf(error, size, "%s", wrong);
	for (i = 0; wrong == NULL && i < count; i++) {
		wrong = take_option(d, &options[i]);
		if (wrong != NULL)
			(void)snprintf(error, size, "%s=%s: %s",
			    options[i].name, options[i].value, wrong);
	}
	if (wrong != NULL) {
		unconfigure(d);
		return -1;
	}
	*config = d;
	return 0;
}

static void
serve(struct mercury_conn *c, const uint8_t *frame)
{
	const uint8_t code = frame[MODBUS_HEADER];
	uint8_t out[MODBUS_FRAME_MAX];
	enum modbus_exception e;
	size_t size;

	e = modbus_answer(mercury_config(c), frame, out, &size);
	mercury_count(c, REQUESTS, 1);
	if (e != MODBUS_OK)
		mercury_count(c, EXCEPTIONS, 1);
	else if (code == 5 || code == 6 || code == 15 || code == 16)
		mercury_count(c, WRITES, 1);
	(void)mercury_send(c, out, size);
}

/* Where the next frame would begin is not known any more. */
static void
refuse(struct mercury_conn *c)
{
	mercury_count(c, BAD_FRAMES, 1);
	mercury_report(c, "bad_frame", "this is no Modbus/TCP");
	mercury_reset(c);
}

static size_t
received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	size_t used = 0;
	int n;

	while (mercury_unsent(c) == 0) {
		n = modbus_frame_size(data + used, len - used);
		if (n == -1) {
			refuse(c);
			return len;
		}
		if (n == 0 || (size_t)n > len - used)
			break;
		serve(c, data + used);
		used += (size_t)n;
	}
	return used;
}

const struct mercury_protocol mercury_module = {
	.abi = MERCURY_ABI,
	.size = sizeof(mercury_module),
	.name = "modbus-sim",
	.counters = counters,
	.configure = configure,
	.unconfigure = unconfigure,
	.received = received,
};
