#include "gateway/process_meter.h"

#include <stdlib.h>
#include <string.h>

void
process_meter_begin(struct process_meter *m)
{
	struct process_role *r;

	m->next_count = 0;
	for (r = m->roles; r < m->roles + PROCESS_METER_ROLES; r++) {
		r->running = 0;
		r->restarts = 0;
		r->memory_bytes = 0;
	}
}

/* Returns its index, or -1 when there is no room for one more. */
static int
role_index(struct process_meter *m, const char *name)
{
	struct process_role *r;

	for (r = m->roles; r < m->roles + PROCESS_METER_ROLES; r++) {
		if (r->name[0] == '\0')
			(void)strlcpy(r->name, name, sizeof(r->name));
		if (strncmp(r->name, name, sizeof(r->name) - 1) == 0)
			return (int)(r - m->roles);
	}
	return -1;
}

/* Room for one more process, or NULL. */
static struct process_sample *
next_sample(struct process_meter *m)
{
	const size_t size = m->next_size == 0 ? 64 : 2 * m->next_size;
	struct process_sample *p;

	if (m->next_count == m->next_size) {
		p = reallocarray(m->next, size, sizeof(*p));
		if (p == NULL)
			return NULL;
		m->next = p;
		m->next_size = size;
	}
	return &m->next[m->next_count++];
}

void
process_meter_add(struct process_meter *m, const char *role, uint32_t pid,
    uint32_t restarts)
{
	const int index = role_index(m, role);
	struct process_sample *s;

	if (index == -1)
		return;
	m->roles[index].restarts += restarts;
	if (pid == 0)
		return;
	m->roles[index].running++;
	s = next_sample(m);
	if (s != NULL)
		*s = (struct process_sample){ .pid = pid,
			.role = (unsigned int)index };
}

static int
by_pid(const void *a, const void *b)
{
	const struct process_sample *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* What was known of those that were there the last time. */
static void
carry_over(struct process_meter *m)
{
	struct process_sample *s;
	size_t i, k = 0;

	for (i = 0; i < m->next_count; i++) {
		s = &m->next[i];
		while (k < m->count && m->samples[k].pid < s->pid)
			k++;
		if (k < m->count && m->samples[k].pid == s->pid &&
		    m->samples[k].role == s->role)
			*s = m->samples[k];
	}
}

/* The processes of this look are those that are known now. */
static void
take_next(struct process_meter *m)
{
	free(m->samples);
	m->samples = m->next;
	m->count = m->next_count;
	m->next = NULL;
	m->next_count = m->next_size = 0;
}

static void
look_at(struct process_meter *m, struct process_sample *s, usage_fn look_up)
{
	struct usage u = { -1, -1 };
	uint64_t cpu_ms;

	look_up(s->pid, &u);
	m->last_pid = s->pid;
	if (u.memory_bytes >= 0)
		s->memory_bytes = (uint64_t)u.memory_bytes;
	if (u.cpu_ms < 0)
		return;
	cpu_ms = (uint64_t)u.cpu_ms;
	/* Less than before: it is another process of that pid. */
	m->roles[s->role].cpu_ms +=
	    cpu_ms < s->cpu_ms ? cpu_ms : cpu_ms - s->cpu_ms;
	s->cpu_ms = cpu_ms;
}

/* The first one behind that which was looked at last, or the first of all. */
static size_t
first_in_turn(const struct process_meter *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (m->samples[i].pid > m->last_pid)
			return i;
	return 0;
}

void
process_meter_end(struct process_meter *m, usage_fn look_up)
{
	size_t i, at, looks;

	if (m->next_count > 0)
		qsort(m->next, m->next_count, sizeof(*m->next), by_pid);
	carry_over(m);
	take_next(m);
	looks = m->count < PROCESS_METER_LOOKS ? m->count : PROCESS_METER_LOOKS;
	for (at = first_in_turn(m); looks > 0; looks--, at++)
		look_at(m, &m->samples[at % m->count], look_up);
	for (i = 0; i < m->count; i++)
		m->roles[m->samples[i].role].memory_bytes +=
		    m->samples[i].memory_bytes;
}

void
process_meter_free(struct process_meter *m)
{
	free(m->samples);
	free(m->next);
	memset(m, 0, sizeof(*m));
}
