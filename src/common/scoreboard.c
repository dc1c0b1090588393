#include "common/scoreboard.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/shared.h"

static const char name[] = "scoreboard";

int
scoreboard_create(struct err *err)
{
	return shared_create(name, sizeof(struct scoreboard), err);
}

struct scoreboard *
scoreboard_map_write(int fd, struct err *err)
{
	struct scoreboard *s = shared_map(fd, name, sizeof(*s), true, err);

	if (s == NULL)
		return NULL;
	atomic_store(&s->version, SCOREBOARD_VERSION);
	atomic_store(&s->pid, (uint32_t)getpid());
	return s;
}

const struct scoreboard *
scoreboard_map_read(int fd, struct err *err)
{
	return shared_map(fd, name, sizeof(struct scoreboard), false, err);
}

void
scoreboard_unmap(const struct scoreboard **s)
{
	shared_unmap(*s, sizeof(**s));
	*s = NULL;
}

void
scoreboard_claim(struct scoreboard_entry *e, uint64_t listener_id)
{
	size_t i;

	if (atomic_load(&e->listener_id) == listener_id)
		return;
	atomic_store(&e->listener_id, 0);
	atomic_store_explicit(&e->held, 0, memory_order_relaxed);
	atomic_store_explicit(&e->probed, 0, memory_order_relaxed);
	atomic_store_explicit(&e->ran, 0, memory_order_relaxed);
	for (i = 0; i < COUNTER_COUNT; i++)
		atomic_store_explicit(&e->counters[i], 0, memory_order_relaxed);
	atomic_store(&e->listener_id, listener_id);
}

/* A table takes no memory before the first probe. */
void
scoreboard_note_probe(struct scoreboard *s, struct scoreboard_entry *e,
    const uint8_t address[static 16])
{
	struct probe_table *table = &s->probes[e - s->entries];

	if (atomic_load_explicit(&e->probed, memory_order_relaxed) == 0)
		probe_table_clear(table);
	probe_table_note(table, address, clock_real_ms());
	atomic_store_explicit(&e->probed, 1, memory_order_release);
}

void
scoreboard_sum_probes(const struct scoreboard *s,
    const struct scoreboard_entry *e, struct probe_sum *sum)
{
	if (atomic_load_explicit(&e->probed, memory_order_acquire) != 0)
		probe_sum_add_table(sum, &s->probes[e - s->entries]);
}

struct exit_table *
scoreboard_exits(struct scoreboard *s, struct scoreboard_entry *e)
{
	struct exit_table *table = &s->exits[e - s->entries];

	if (atomic_load_explicit(&e->ran, memory_order_relaxed) == 0) {
		exit_table_clear(table);
		atomic_store_explicit(&e->ran, 1, memory_order_release);
	}
	return table;
}

void
scoreboard_sum_exits(const struct scoreboard *s,
    const struct scoreboard_entry *e, struct exit_sum *sum)
{
	if (atomic_load_explicit(&e->ran, memory_order_acquire) != 0)
		exit_sum_add_table(sum, &s->exits[e - s->entries]);
}
