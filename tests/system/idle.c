/* idle: in the place of a role, for a test to see what it was given. */
#include <unistd.h>

int
main(void)
{
	for (;;)
		(void)pause();
}
