/*
 * value: one option's value from text, and back. Pure: nothing is looked up.
 *
 * Each parser returns 0 with *out set, or -1 with *err, whose text says what
 * is wrong with the value and what would be right; the caller puts the name
 * of the option before it. All text is borrowed.
 */
#ifndef MERCURY_OPTION_VALUE_H
#define MERCURY_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

/* Enough for any text that the formatters below make, with its NUL. */
#define VALUE_TEXT_SIZE 64

/* Enough for a value in quotes, escaped and cut, with its NUL. */
#define VALUE_QUOTE_SIZE 176

/* A whole decimal number from min to max. */
int value_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out,
    struct err *err);

/* Digits and a unit: "500ms", "15s", "10m", "1h", "30d"; in milliseconds. */
int value_duration(const char *text, uint64_t min_ms, uint64_t max_ms,
    uint64_t *out_ms, struct err *err);

/* Digits, and k, m, g or t for 1024 of them and so on; in bytes. */
int value_size(const char *text, uint64_t min, uint64_t max,
    uint64_t *out_bytes, struct err *err);

/* true, yes, on; false, no, off. */
int value_bool(const char *text, bool *out, struct err *err);

/* "60s/10s/3" (idle, interval, count), or "off": all members 0. */
int value_keepalive(const char *text, struct keepalive *out, struct err *err);

/* Permissions as octal digits, at most 0777: "0660". */
int value_mode(const char *text, uint32_t *out, struct err *err);

/* "auto" (SPEC_WORKERS_AUTO), or a number from min to max. */
int value_workers(const char *text, uint64_t min, uint64_t max, uint32_t *out,
    struct err *err);

/* One of count words; *out is its index. */
int value_word(const char *text, const char *const *words, size_t count,
    unsigned int *out, struct err *err);

/*
 * Is text a numeric IPv4 or IPv6 address of less than size bytes that a TCP
 * listener can have?
 */
int value_check_address(const char *text, size_t size, struct err *err);

/*
 * Read "127.0.0.1:9180" or "[::1]:9180" into an address, of SPEC_ADDRESS_SIZE
 * bytes with zeros behind it, and a port.
 */
int value_place(const char *text, char *address, uint16_t *port,
    struct err *err);

/* Is text the absolute path of a file, of less than size bytes? */
int value_check_path(const char *text, size_t size, struct err *err);

/* Is text not empty, printable, and of less than size bytes? */
int value_check_string(const char *text, size_t size, struct err *err);

/* "90s", "2m": the largest unit that needs no fraction. */
void value_format_duration(uint64_t ms, char out[static VALUE_TEXT_SIZE]);

/* "64m", "1000": the largest unit that needs no fraction. */
void value_format_size(uint64_t bytes, char out[static VALUE_TEXT_SIZE]);

/* "60s/10s/3" or "off". */
void value_format_keepalive(const struct keepalive *,
    char out[static VALUE_TEXT_SIZE]);

/*
 * Write text in double quotes for a message: bytes that are not printable
 * ASCII are escaped, and what is long is cut.
 */
void value_quote(const char *text, char out[static VALUE_QUOTE_SIZE]);

/*
 * Write count words as "a, b or c", as far as they fit.
 */
void value_list(const char *const *words, size_t count, char *out, size_t size);

#endif /* MERCURY_OPTION_VALUE_H */
