#include "json/when.h"

#include <stdbool.h>
#include <string.h>

#include "option/value.h"

#define DAY_S 86400

struct date {
	unsigned int year, month, day;
};

/* Read exactly count digits at *p and move behind them. */
static bool
take_digits(const char **p, int count, unsigned int *out)
{
	*out = 0;
	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (unsigned int)(**p - '0');
	}
	return true;
}

/* Move behind one of the characters in set. */
static bool
take_one_of(const char **p, const char *set)
{
	if (**p == '\0' || strchr(set, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

static bool
is_leap(unsigned int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool
is_date(const struct date *d)
{
	static const unsigned int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };

	if (d->month < 1 || d->month > 12 || d->day < 1)
		return false;
	return d->day <=
	    days[d->month - 1] + (d->month == 2 && is_leap(d->year));
}

static bool
take_date(const char **p, struct date *d)
{
	return take_digits(p, 4, &d->year) && take_one_of(p, "-") &&
	    take_digits(p, 2, &d->month) && take_one_of(p, "-") &&
	    take_digits(p, 2, &d->day) && is_date(d);
}

/* Days from 1970-01-01 on; years begin in March, so that leap days end them. */
static int64_t
days_of(const struct date *d)
{
	const int64_t year = (int64_t)d->year - (d->month <= 2);
	const int64_t month = (int64_t)(d->month + 9) % 12;

	return year * 365 + year / 4 - year / 100 + year / 400 +
	    (month * 153 + 2) / 5 + (int64_t)d->day - 1 - 719468;
}

/* "12:30:05.25" into milliseconds of the day; a leap second is the next. */
static bool
take_clock(const char **p, int64_t *ms)
{
	unsigned int hour, minute, second, digit;
	int64_t unit = 100;

	if (!take_digits(p, 2, &hour) || !take_one_of(p, ":") ||
	    !take_digits(p, 2, &minute) || !take_one_of(p, ":") ||
	    !take_digits(p, 2, &second) || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	*ms = ((int64_t)(hour * 60 + minute) * 60 + second) * 1000;
	if (!take_one_of(p, "."))
		return true;
	if (!take_digits(p, 1, &digit))
		return false;
	do {
		*ms += digit * unit;
		unit /= 10;
	} while (**p >= '0' && **p <= '9' && take_digits(p, 1, &digit));
	return true;
}

/* "Z" or "+02:00": by how much the clock there is ahead of UTC. */
static bool
take_offset(const char **p, int64_t *seconds)
{
	const bool behind = **p == '-';
	unsigned int hours, minutes;

	*seconds = 0;
	if (take_one_of(p, "Zz"))
		return true;
	if (!take_one_of(p, "+-") || !take_digits(p, 2, &hours) ||
	    !take_one_of(p, ":") || !take_digits(p, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*seconds = (int64_t)(hours * 60 + minutes) * (behind ? -60 : 60);
	return true;
}

static bool
parse_time(const char *p, int64_t *ms)
{
	int64_t of_day = 0, offset = 0;
	struct date date;

	if (!take_date(&p, &date))
		return false;
	if (*p != '\0' &&
	    (!take_one_of(&p, "Tt ") || !take_clock(&p, &of_day) ||
		!take_offset(&p, &offset) || *p != '\0'))
		return false;
	*ms = (days_of(&date) * DAY_S - offset) * 1000 + of_day;
	return true;
}

int
when_parse(const char *text, uint64_t now_ms, uint64_t *out_ms, struct err *err)
{
	uint64_t ago;
	int64_t at;

	if (parse_time(text, &at)) {
		*out_ms = at < 0 ? 0 : (uint64_t)at;
		return 0;
	}
	if (value_duration(text, 0, WHEN_AGO_MAX_MS, &ago, err) == -1) {
		char quoted[VALUE_QUOTE_SIZE];

		value_quote(text, quoted);
		return err_set(err, ERR_INVALID,
		    "%s is neither so long ago, such as \"1h\", nor a time "
		    "such as \"2026-01-31T12:00:00Z\" or \"2026-01-31\"",
		    quoted);
	}
	*out_ms = ago > now_ms ? 0 : now_ms - ago;
	return 0;
}
