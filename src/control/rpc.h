/*
 * rpc: the JSON-RPC 2.0 envelope, in and out. Pure.
 */
#ifndef MERCURY_CONTROL_RPC_H
#define MERCURY_CONTROL_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* JSON-RPC's own codes, and the one for everything else. */
enum rpc_code {
	RPC_PARSE = -32700,
	RPC_REQUEST = -32600,
	RPC_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_SERVER = -32000 /* data.reason says which */
};

#define RPC_TEXT_SIZE 1024

struct rpc_error {
	enum rpc_code code;
	enum err_code reason; /* of RPC_SERVER */
	char text[RPC_TEXT_SIZE];
};

struct rpc_request {
	json_t *root;       /* owns all the rest */
	const char *method; /* borrowed from root */
	json_t *params;     /* an object or NULL, borrowed from root */
	json_t *id;         /* NULL: nobody wants an answer; borrowed */
};

/* Fill *e with an error of the protocol. Always returns -1. */
int rpc_fail(struct rpc_error *e, enum rpc_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fill *e with RPC_SERVER and what err says. Always returns -1. */
int rpc_fail_err(struct rpc_error *e, const struct err *err);

/*
 * Read one request. Returns 0; free it with rpc_request_free(). Returns -1
 * with *e when it is none: req then holds no more than the id to answer to,
 * and has to be freed too.
 */
int rpc_parse(const char *text, size_t len, struct rpc_request *req,
    struct rpc_error *e);

void rpc_request_free(struct rpc_request *);

/*
 * A result or an error as one line with its newline. id (borrowed) may be
 * NULL for null; result is taken. Gives memory for free(), NULL when there
 * is none.
 */
char *rpc_result_line(json_t *id, json_t *result);
char *rpc_error_line(json_t *id, const struct rpc_error *);

/* The same for a notification; params is taken. */
char *rpc_notification_line(const char *method, json_t *params);

#endif /* MERCURY_CONTROL_RPC_H */
