/*
 * modbus: a Modbus device as values: its coils and registers, and what it
 * answers to a request. It knows of no connection, so that it can be tested
 * alone.
 */
#ifndef MODBUS_H
#define MODBUS_H

#include <stddef.h>
#include <stdint.h>

#define MODBUS_HEADER 7u /* MBAP: transaction, protocol, length, unit */
#define MODBUS_PDU_MAX 253u
#define MODBUS_FRAME_MAX (MODBUS_HEADER + MODBUS_PDU_MAX)
#define MODBUS_TABLE_MAX 65536u

enum modbus_table {
	MODBUS_COILS,             /* function codes 1, 5 and 15 */
	MODBUS_DISCRETE_INPUTS,   /* 2 */
	MODBUS_HOLDING_REGISTERS, /* 3, 6 and 16 */
	MODBUS_INPUT_REGISTERS,   /* 4 */
	MODBUS_TABLES
};

enum modbus_exception {
	MODBUS_OK,
	MODBUS_ILLEGAL_FUNCTION,
	MODBUS_ILLEGAL_ADDRESS,
	MODBUS_ILLEGAL_VALUE,
	MODBUS_NO_ANSWER = 11 /* of a gateway: the unit does not answer */
};

/* One that is zeroed has no registers. Coils are 0 or 1. */
struct modbus_device {
	uint16_t *values[MODBUS_TABLES];
	size_t counts[MODBUS_TABLES];
	unsigned int unit; /* 0: it answers to each */
};

/*
 * Give a table count (to MODBUS_TABLE_MAX) values of 0; those that it has stay,
 * as far as there is room. Returns 0, or -1 when out of memory.
 */
int modbus_resize(struct modbus_device *, enum modbus_table, size_t count);

/* Free what it holds. */
void modbus_clear(struct modbus_device *);

/*
 * How long the frame is that begins at data, where len bytes are; 0: not
 * known yet, more must come. -1: it is no Modbus/TCP.
 */
int modbus_frame_size(const uint8_t *data, size_t len);

/*
 * Answer a whole frame of modbus_frame_size() bytes: write the answer to out
 * and its size to *size. Returns the exception that it is, or MODBUS_OK.
 */
enum modbus_exception modbus_answer(struct modbus_device *,
    const uint8_t *frame, uint8_t out[MODBUS_FRAME_MAX], size_t *size);

#endif /* MODBUS_H */
