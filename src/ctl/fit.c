#include "ctl/fit.h"

/* Nobody can read less than that of a name. */
#define CUT_MIN 5

/* What the columns take that are not dropped, with the gaps. */
static size_t
taken(const struct fit *c, size_t count)
{
	size_t sum = 0, i;

	for (i = 0; i < count; i++)
		if (c[i].width > 0)
			sum += c[i].width + (sum > 0 ? FIT_GAP : 0);
	return sum;
}

/* Does a go before b? */
static bool
goes_first(const struct fit *a, const struct fit *b)
{
	if (a->is_empty != b->is_empty)
		return a->is_empty;
	return a->rank >= b->rank;
}

/* The column to drop next; NULL: all that are left must stay. */
static struct fit *
least_important(struct fit *c, size_t count)
{
	struct fit *found = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (c[i].width > 0 && c[i].rank > 0 &&
		    (found == NULL || goes_first(&c[i], found)))
			found = &c[i];
	return found;
}

/* The widest of those that can be cut further; NULL: none can. */
static struct fit *
widest(struct fit *c, size_t count)
{
	struct fit *found = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (c[i].snug > 0 && c[i].width > CUT_MIN &&
		    (found == NULL || c[i].width > found->width))
			found = &c[i];
	return found;
}

/* Nothing may go by its rank, and it is still too wide. */
static void
squeeze(struct fit *c, size_t count, size_t width)
{
	struct fit *w;

	while (taken(c, count) > width && (w = widest(c, count)) != NULL)
		w->width--;
	for (; count > 1 && taken(c, count) > width; count--)
		c[count - 1].width = 0;
	if (c[0].width > width)
		c[0].width = width;
}

/* Which of two that were cut gets room first? It should be whole, then. */
static bool
gets_first(const struct fit *a, const struct fit *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->natural - a->width < b->natural - b->width;
}

/* Give what is left to those that were cut, the most important first. */
static void
give_back(struct fit *c, size_t count, size_t width)
{
	size_t left = width - taken(c, count), more, i;
	struct fit *best;

	for (;;) {
		best = NULL;
		for (i = 0; i < count; i++)
			if (c[i].width > 0 && c[i].width < c[i].natural &&
			    (best == NULL || gets_first(&c[i], best)))
				best = &c[i];
		if (best == NULL || left == 0)
			return;
		more = best->natural - best->width;
		if (more > left)
			more = left;
		best->width += more;
		left -= more;
	}
}

void
fit_columns(struct fit *c, size_t count, size_t width)
{
	struct fit *least;
	size_t i;

	for (i = 0; i < count; i++)
		c[i].width = c[i].natural;
	if (width == 0 || taken(c, count) <= width)
		return;
	for (i = 0; i < count; i++)
		if (c[i].snug > 0 && c[i].snug < c[i].natural)
			c[i].width = c[i].snug;
	while (taken(c, count) > width &&
	    (least = least_important(c, count)) != NULL)
		least->width = 0;
	if (taken(c, count) > width)
		squeeze(c, count, width);
	if (taken(c, count) <= width)
		give_back(c, count, width);
}
