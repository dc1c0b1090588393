/*
 * module: listeners with protocol module, whose bytes go to a shared object
 * (<mercury/protocol.h>) that is loaded into the worker.
 */
#ifndef MERCURY_MODULE_MODULE_H
#define MERCURY_MODULE_MODULE_H

#include "pool/protocol.h"

extern const struct protocol protocol_module;

#endif /* MERCURY_MODULE_MODULE_H */
