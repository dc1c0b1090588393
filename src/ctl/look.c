#include "ctl/look.h"

#include <sys/ioctl.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/options.h"

#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24

bool
look_is_screen(FILE *f)
{
	const char *term = getenv("TERM");

	return isatty(fileno(f)) && term != NULL && term[0] != '\0' &&
	    strcmp(term, "dumb") != 0;
}

void
look_size(FILE *f, size_t *width, size_t *height)
{
	struct winsize size = { 0 };

	if (ioctl(fileno(f), TIOCGWINSZ, &size) == -1)
		memset(&size, 0, sizeof(size));
	*width = size.ws_col == 0 ? WIDTH_DEFAULT : size.ws_col;
	*height = size.ws_row == 0 ? HEIGHT_DEFAULT : size.ws_row;
}

struct look
look_at(FILE *f, const struct options *o)
{
	const char *no = getenv("NO_COLOR");
	struct look look = { .wide = o->given & OPTION_OUTPUT };
	size_t height;

	look.colour = look_is_screen(f) && (no == NULL || no[0] == '\0');
	if (!look.wide && isatty(fileno(f)))
		look_size(f, &look.width, &height);
	return look;
}
