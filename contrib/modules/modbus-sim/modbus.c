#include "modbus.h"

#include <stdlib.h>
#include <string.h>

/* What one request may ask for, by the standard. */
#define READ_BITS_MAX 2000u
#define READ_REGISTERS_MAX 125u
#define WRITE_BITS_MAX 1968u
#define WRITE_REGISTERS_MAX 123u

#define COIL_ON 0xff00u
#define FAILED 0x80u

/* A request without its function code, and an answer with it. */
struct call {
	struct modbus_device *device;
	enum modbus_table table;
	const uint8_t *data;
	size_t len;
	uint8_t *out;
	size_t out_len;
};

struct function {
	enum modbus_exception (*answer)(struct call *);
	enum modbus_table table;
};

static unsigned int
get16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

int
modbus_resize(struct modbus_device *d, enum modbus_table table, size_t count)
{
	const size_t had = d->counts[table];
	uint16_t *values;

	values = realloc(d->values[table], (count + 1) * sizeof(*values));
	if (values == NULL)
		return -1;
	if (count > had)
		memset(values + had, 0, (count - had) * sizeof(*values));
	d->values[table] = values;
	d->counts[table] = count;
	return 0;
}

void
modbus_clear(struct modbus_device *d)
{
	size_t i;

	for (i = 0; i < MODBUS_TABLES; i++)
		free(d->values[i]);
	memset(d, 0, sizeof(*d));
}

/*
 * Check the range that a request is for: count values, of which max may be
 * asked for at once, from the address that it begins with.
 */
static enum modbus_exception
find(const struct call *c, unsigned int count, unsigned int max, uint16_t **out)
{
	const unsigned int from = get16(c->data);

	if (count == 0 || count > max)
		return MODBUS_ILLEGAL_VALUE;
	if (from + count > c->device->counts[c->table])
		return MODBUS_ILLEGAL_ADDRESS;
	*out = c->device->values[c->table] + from;
	return MODBUS_OK;
}

/* The values that a request to read asks for, at most max of them. */
static enum modbus_exception
find_to_read(struct call *c, unsigned int max, unsigned int *count,
    uint16_t **out)
{
	if (c->len != 4)
		return MODBUS_ILLEGAL_VALUE;
	*count = get16(c->data + 2);
	return find(c, *count, max, out);
}

static enum modbus_exception
read_bits(struct call *c)
{
	enum modbus_exception e;
	unsigned int count, i;
	uint16_t *values;

	e = find_to_read(c, READ_BITS_MAX, &count, &values);
	if (e != MODBUS_OK)
		return e;
	c->out[1] = (uint8_t)((count + 7) / 8);
	c->out_len = 2u + c->out[1];
	memset(c->out + 2, 0, c->out[1]);
	for (i = 0; i < count; i++)
		if (values[i] != 0)
			c->out[2 + i / 8] |= (uint8_t)(1u << i % 8);
	return MODBUS_OK;
}

static enum modbus_exception
read_registers(struct call *c)
{
	enum modbus_exception e;
	unsigned int count, i;
	uint16_t *values;

	e = find_to_read(c, READ_REGISTERS_MAX, &count, &values);
	if (e != MODBUS_OK)
		return e;
	c->out[1] = (uint8_t)(2 * count);
	c->out_len = 2 + 2 * count;
	for (i = 0; i < count; i++)
		put16(c->out + 2 + 2 * i, values[i]);
	return MODBUS_OK;
}

/* The answer to a write repeats the first four bytes of its data. */
static enum modbus_exception
written(struct call *c)
{
	memcpy(c->out + 1, c->data, 4);
	c->out_len = 5;
	return MODBUS_OK;
}

static enum modbus_exception
write_one(struct call *c)
{
	enum modbus_exception e;
	unsigned int value;
	uint16_t *values;

	if (c->len != 4)
		return MODBUS_ILLEGAL_VALUE;
	value = get16(c->data + 2);
	if (c->table == MODBUS_COILS && value != 0 && value != COIL_ON)
		return MODBUS_ILLEGAL_VALUE;
	e = find(c, 1, 1, &values);
	if (e != MODBUS_OK)
		return e;
	values[0] = (uint16_t)(c->table == MODBUS_COILS ? value != 0 : value);
	return written(c);
}

static enum modbus_exception
write_bits(struct call *c)
{
	enum modbus_exception e;
	unsigned int count, i;
	uint16_t *values;

	if (c->len < 5)
		return MODBUS_ILLEGAL_VALUE;
	count = get16(c->data + 2);
	if (c->data[4] != (count + 7) / 8 || c->len != 5u + c->data[4])
		return MODBUS_ILLEGAL_VALUE;
	e = find(c, count, WRITE_BITS_MAX, &values);
	if (e != MODBUS_OK)
		return e;
	for (i = 0; i < count; i++)
		values[i] = c->data[5 + i / 8] >> i % 8 & 1;
	return written(c);
}

static enum modbus_exception
write_registers(struct call *c)
{
	enum modbus_exception e;
	unsigned int count, i;
	uint16_t *values;

	if (c->len < 5)
		return MODBUS_ILLEGAL_VALUE;
	count = get16(c->data + 2);
	if (c->data[4] != 2 * count || c->len != 5u + c->data[4])
		return MODBUS_ILLEGAL_VALUE;
	e = find(c, count, WRITE_REGISTERS_MAX, &values);
	if (e != MODBUS_OK)
		return e;
	for (i = 0; i < count; i++)
		values[i] = (uint16_t)get16(c->data + 5 + 2 * i);
	return written(c);
}

static const struct function functions[] = {
	[1] = { read_bits, MODBUS_COILS },
	[2] = { read_bits, MODBUS_DISCRETE_INPUTS },
	[3] = { read_registers, MODBUS_HOLDING_REGISTERS },
	[4] = { read_registers, MODBUS_INPUT_REGISTERS },
	[5] = { write_one, MODBUS_COILS },
	[6] = { write_one, MODBUS_HOLDING_REGISTERS },
	[15] = { write_bits, MODBUS_COILS },
	[16] = { write_registers, MODBUS_HOLDING_REGISTERS },
};

int
modbus_frame_size(const uint8_t *data, size_t len)
{
	unsigned int rest;

	if (len < 6)
		return 0;
	rest = get16(data + 4); /* the unit and the PDU */
	if (get16(data + 2) != 0 || rest < 2 || rest > 1 + MODBUS_PDU_MAX)
		return -1;
	return (int)(6 + rest);
}

static enum modbus_exception
call(struct call *c, unsigned int unit, unsigned int code)
{
	const struct function *f;

	if (c->device->unit != 0 && unit != c->device->unit)
		return MODBUS_NO_ANSWER;
	if (code >= sizeof(functions) / sizeof(functions[0]) ||
	    functions[code].answer == NULL)
		return MODBUS_ILLEGAL_FUNCTION;
	f = &functions[code];
	c->table = f->table;
	return f->answer(c);
}

enum modbus_exception
modbus_answer(struct modbus_device *d, const uint8_t *frame,
    uint8_t out[MODBUS_FRAME_MAX], size_t *size)
{
	const uint8_t code = frame[MODBUS_HEADER];
	struct call c = { .device = d,
		.data = frame + MODBUS_HEADER + 1,
		.len = get16(frame + 4) - 2u,
		.out = out + MODBUS_HEADER };
	enum modbus_exception e;

	memcpy(out, frame, MODBUS_HEADER + 1);
	e = call(&c, frame[6], code);
	if (e != MODBUS_OK) {
		c.out[0] = (uint8_t)(code | FAILED);
		c.out[1] = (uint8_t)e;
		c.out_len = 2;
	}
	put16(out + 4, (unsigned int)c.out_len + 1);
	*size = MODBUS_HEADER + c.out_len;
	return e;
}
