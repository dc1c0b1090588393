/*
 * schema: what stands in the database: the table of events, which people
 * query by themselves (mercury-store(8)), and two of the store's own.
 */
#ifndef MERCURY_STORE_SCHEMA_H
#define MERCURY_STORE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "store/db.h"

/* PRAGMA user_version */
#define SCHEMA_VERSION 1

/* PRAGMA application_id: "Merc". */
#define SCHEMA_APPLICATION 0x4d657263

/*
 * Make an open database ours: its pragmas, in the order that they need, and
 * the tables and indexes that are missing. One that has other tables, or a
 * newer user_version, is not touched (DB_FOREIGN, DB_NEWER). db->last_id is
 * raised to what was given before. Returns 0, or a code, kept in db->code.
 */
int schema_open(struct db *);

/*
 * What the store remembers (table store_state). A key is a string that lives
 * as long as the process does. Put: returns 0 or a code, kept in db->code.
 * Get: otherwise, or an empty text, when there is none.
 */
int schema_put_number(struct db *, const char *key, int64_t value);
int schema_put_text(struct db *, const char *key, const char *value);
int64_t schema_get_number(struct db *, const char *key, int64_t otherwise);
void schema_get_text(struct db *, const char *key, char *out, size_t size);

/*
 * Within a transaction, before the first row: see to it that db->last_id is
 * not less than the ids that others have put in.
 */
void schema_see_ids(struct db *);

/* Within a transaction, after the last row. Returns 0, or a code. */
int schema_put_last_id(struct db *, uint64_t last_id);

#endif /* MERCURY_STORE_SCHEMA_H */
