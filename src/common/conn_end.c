#include "common/conn_end.h"

#include <stddef.h>

const char *
conn_end_name(unsigned int end)
{
	static const char *const words[CONN_END_COUNT] = {
#define END(ID, WORD, HELP) [CONN_END_##ID] = WORD,
		CONN_ENDS(END)
#undef END
	};

	return end < CONN_END_COUNT ? words[end] : NULL;
}
