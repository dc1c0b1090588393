#include "store/epoch_clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/epochs.h"

void
epoch_clock_tick(struct epoch_clocks *now)
{
	struct timespec ts = { 0 };

	now->wall_ms = (int64_t)clock_real_ms();
	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	now->boot_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
epoch_clock_read(struct epoch_clocks *now)
{
	ssize_t n = -1;
	int fd;

	epoch_clock_tick(now);
	memset(now->boot_id, 0, sizeof(now->boot_id));
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, now->boot_id, sizeof(now->boot_id) - 1);
	(void)close(fd);
	if (n != (ssize_t)sizeof(now->boot_id) - 1)
		memset(now->boot_id, 0, sizeof(now->boot_id));
}
