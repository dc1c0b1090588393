#include "common/tls_failure.h"

#include <stddef.h>

const char *
tls_failure_name(unsigned int failure)
{
	static const char *const words[TLS_FAILURE_COUNT] = {
#define FAILURE(ID, WORD, HELP) [TLS_FAILURE_##ID] = WORD,
		TLS_FAILURES(FAILURE)
#undef FAILURE
	};

	return failure < TLS_FAILURE_COUNT ? words[failure] : NULL;
}
