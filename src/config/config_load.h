/* config_load: the bytes of a config file in memory. */
#ifndef MERCURY_CONFIG_CONFIG_LOAD_H
#define MERCURY_CONFIG_CONFIG_LOAD_H

#include <stddef.h>

#include "common/err.h"

#define CONFIG_BYTES_MAX ((size_t)16 * 1024 * 1024)

/*
 * Read a regular file of at most CONFIG_BYTES_MAX bytes. Returns its bytes
 * and a NUL behind them (the caller frees them), with *len; or NULL with
 * *err.
 */
char *config_load(const char *path, size_t *len, struct err *err);

#endif /* MERCURY_CONFIG_CONFIG_LOAD_H */
