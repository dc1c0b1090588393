/*
 * listener_files: the files that a listener names: its certificates and those
 * for its upstreams, the program of exec and its directory, the file of a
 * module.
 */
#ifndef MERCURY_CONFIG_LISTENER_FILES_H
#define MERCURY_CONFIG_LISTENER_FILES_H

#include "common/err.h"
#include "common/wanted.h"
#include "config/tls_wants.h"

/*
 * Check them all, and give the listener its material of TLS. *warnings is
 * written over. Returns 0, or -1 with *err, which starts with the key at
 * fault.
 */
int listener_files_read(struct wanted *, struct tls_warnings *warnings,
    struct err *err);

#endif /* MERCURY_CONFIG_LISTENER_FILES_H */
