#include "common/store_board.h"

#include "common/shared.h"

static const char name[] = "board of the store";

int
store_board_create(struct err *err)
{
	return shared_create(name, sizeof(struct store_board), err);
}

struct store_board *
store_board_map_write(int fd, struct err *err)
{
	return shared_map(fd, name, sizeof(struct store_board), true, err);
}

const struct store_board *
store_board_map_read(int fd, struct err *err)
{
	return shared_map(fd, name, sizeof(struct store_board), false, err);
}

void
store_board_unmap(const struct store_board **b)
{
	shared_unmap(*b, sizeof(**b));
	*b = NULL;
}
