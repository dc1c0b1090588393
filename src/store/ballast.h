/*
 * ballast: a file beside the database that is there to be given back when
 * the disk is full: without any room nothing can be deleted either.
 */
#ifndef MERCURY_STORE_BALLAST_H
#define MERCURY_STORE_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

/* How much for a file system of so many bytes. Pure. */
uint64_t ballast_size(uint64_t file_system_bytes);

/* The same for the one that path is on; the least if nobody can tell. */
uint64_t ballast_size_at(const char *path);

/*
 * Make the one of the database at path unless it is there, if the disk has
 * twice the room for it. Returns whether it is there now.
 */
bool ballast_make(const char *path);

/* Give it back. Returns whether there was one. */
bool ballast_release(const char *path);

/* Is there no room for a few pages where path is? */
bool ballast_disk_is_full(const char *path);

#endif /* MERCURY_STORE_BALLAST_H */
