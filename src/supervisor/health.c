#include "supervisor/health.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/health_board.h"

static struct {
	struct health_board *board;
	int fd;
} health = { .fd = -1 };

int
health_start(struct err *err)
{
	health.fd = health_board_create(err);
	if (health.fd == -1)
		return -1;
	health.board = health_board_map_write(health.fd, err);
	return health.board == NULL ? -1 : 0;
}

int
health_fd(void)
{
	return health.fd;
}

void
health_beat(void)
{
	health_board_beat(health.board, clock_mono_ms());
}

void
health_stop(void)
{
	const struct health_board *b = health.board;

	if (health.board != NULL)
		health_board_unmap(&b);
	health.board = NULL;
	if (health.fd != -1)
		(void)close(health.fd);
	health.fd = -1;
}
