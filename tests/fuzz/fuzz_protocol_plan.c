/*
 * The plan of a protocol, which a worker gets from control by way of the
 * supervisor: a hostile control could send any bytes. The first byte says of
 * which protocol it is, and whether it is made of a good one by changing some
 * bytes; else they are as they come.
 */
#include "common/exec_plan.h"
#include "common/module_plan.h"
#include "common/proxy_plan.h"
#include "exec/environment.h"
#include "fuzz.h"

#define UPSTREAMS 2
#define CHANGES 8

enum protocol { PROTOCOL_IS_PROXY, PROTOCOL_IS_EXEC, PROTOCOL_IS_MODULE };

enum how { HOW_AS_IT_COMES = 0x80 };

union plan {
	struct proxy_plan proxy;
	struct exec_plan exec;
	struct module_plan module;
	uint8_t bytes[sizeof(struct module_plan) + sizeof(struct exec_plan)];
};

/* Returns its size. */
static size_t
good_proxy(struct proxy_plan *p)
{
	uint32_t i;

	p->connect_timeout_ms = p->check_interval_ms = p->check_timeout_ms = 1;
	p->check_rise = p->check_fall = p->resolve_every_ms = 1;
	p->upstreams_count = UPSTREAMS;
	for (i = 0; i < UPSTREAMS; i++) {
		p->upstreams[i].name[0] = (char)('a' + i);
		p->upstreams[i].host[0] = 'h';
		p->upstreams[i].port = 1;
		p->upstreams[i].weight = 1;
	}
	return proxy_plan_size(UPSTREAMS);
}

static size_t
good_exec(struct exec_plan *p)
{
	p->directory[0] = '/';
	FUZZ_CHECK(exec_texts_add(&p->command, "/bin/cat") == 0 &&
	    exec_texts_add(&p->command, "-") == 0 &&
	    exec_texts_add(&p->environment, "A=b") == 0);
	return sizeof(*p);
}

static size_t
good_module(struct module_plan *p)
{
	static const char texts[] = "a\0one\0b\0two";

	p->path[0] = '/';
	p->options = 2;
	p->size = sizeof(texts);
	memcpy(p->texts, texts, sizeof(texts));
	return sizeof(*p);
}

/* --- what those who use it rely on --- */

static void
use_proxy(const struct proxy_plan *p, size_t size)
{
	struct err err = { 0 };
	size_t sum = 0;
	uint32_t i;

	if (proxy_plan_check(p, size, &err) == -1) {
		FUZZ_CHECK(err.code == ERR_INVALID);
		return;
	}
	for (i = 0; i < p->upstreams_count; i++)
		sum +=
		    strlen(p->upstreams[i].name) + strlen(p->upstreams[i].host);
	for (i = 0; i < RESOLVERS_MAX; i++)
		sum += strlen(p->resolvers[i]);
	FUZZ_CHECK(sum + strlen(p->server_name) < size);
	FUZZ_CHECK(p->check_send.size <= CHECK_TEXT_SIZE);
	FUZZ_CHECK(send_proxy_words[p->send_proxy] != NULL);
}

static void
use_exec(const struct exec_plan *p, size_t size)
{
	const struct environment_facts facts = { .listener = "meters" };
	struct err err = { 0 };
	const char *at = NULL;
	char **environment;
	uint32_t count = 0;

	if (exec_plan_check(p, size, &err) == -1) {
		FUZZ_CHECK(err.code == ERR_INVALID);
		return;
	}
	while ((at = exec_texts_next(&p->command, at)) != NULL)
		count++;
	FUZZ_CHECK(count == p->command.count && count >= 1);
	FUZZ_CHECK(exec_stderr_words[p->stderr_to] != NULL);
	environment = environment_make(&facts, &p->environment);
	FUZZ_CHECK(environment != NULL);
	for (count = 0; environment[count] != NULL; count++)
		FUZZ_CHECK(strchr(environment[count], '=') != NULL);
	FUZZ_CHECK(count >= p->environment.count);
	free(environment);
}

static void
use_module(const struct module_plan *p, size_t size)
{
	struct err err = { 0 };
	const char *at;
	uint32_t i;

	if (module_plan_check(p, size, &err) == -1) {
		FUZZ_CHECK(err.code == ERR_INVALID);
		return;
	}
	at = p->texts;
	for (i = 0; i < 2 * p->options; i++)
		at += strlen(at) + 1;
	FUZZ_CHECK(at == p->texts + p->size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t how = fuzz_byte(&in);
	union plan *plan = calloc(1, sizeof(*plan));
	const enum protocol protocol = (enum protocol)(how % 3);
	const uint8_t *bytes;
	size_t size = 0;
	void *exact;

	FUZZ_CHECK(plan != NULL);
	if (how & HOW_AS_IT_COMES) {
		size = sizeof(*plan);
		bytes = fuzz_bytes(&in, &size);
		memcpy(plan->bytes, bytes, size);
	} else {
		size = protocol == PROTOCOL_IS_PROXY ? good_proxy(&plan->proxy)
		    : protocol == PROTOCOL_IS_EXEC   ? good_exec(&plan->exec)
						   : good_module(&plan->module);
		fuzz_patch(&in, fuzz_byte(&in) % CHANGES, plan->bytes, size);
	}
	exact = fuzz_copy(plan->bytes, size);
	if (protocol == PROTOCOL_IS_PROXY)
		use_proxy(exact, size);
	else if (protocol == PROTOCOL_IS_EXEC)
		use_exec(exact, size);
	else
		use_module(exact, size);
	free(exact);
	free(plan);
	return 0;
}
