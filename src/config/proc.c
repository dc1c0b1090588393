#include "config/proc.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 64

/* Fields of /proc/PID/stat between the name and the start time. */
#define FIELDS_BEFORE_START 19

static FILE *
open_file(pid_t pid, const char *file)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fopen(path, "re");
}

/* Returns 0 when the entry is no process. */
static pid_t
pid_of(const struct dirent *d)
{
	char *end;
	const long pid = strtol(d->d_name, &end, 10);

	return *end == '\0' && pid > 0 ? (pid_t)pid : 0;
}

void
proc_each(proc_fn *fn, void *ctx)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	bool go_on = true;

	if (dir == NULL)
		return;
	while (go_on && (d = readdir(dir)) != NULL)
		if (pid_of(d) != 0)
			go_on = fn(ctx, pid_of(d));
	(void)closedir(dir);
}

void
proc_name(pid_t pid, char out[static PROCESS_NAME_SIZE])
{
	FILE *f = open_file(pid, "comm");
	char *p;

	memset(out, 0, PROCESS_NAME_SIZE);
	if (f == NULL)
		return;
	if (fgets(out, PROCESS_NAME_SIZE, f) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	for (p = out; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	(void)fclose(f);
}

uint64_t
proc_start(pid_t pid)
{
	FILE *f = open_file(pid, "stat");
	char text[1024];
	unsigned long long start;
	const char *p;
	size_t n;
	int i;

	if (f == NULL)
		return UINT64_MAX;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	/* The name stands in brackets and may have any bytes in it. */
	p = strrchr(text, ')');
	for (i = 0; p != NULL && i <= FIELDS_BEFORE_START; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL || sscanf(p, "%llu", &start) != 1)
		return UINT64_MAX;
	return start;
}

bool
proc_variable(pid_t pid, const char *name, char *out, size_t size)
{
	const size_t len = strlen(name);
	FILE *f = open_file(pid, "environ");
	char *entry = NULL;
	size_t room = 0;
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && getdelim(&entry, &room, '\0', f) > 0)
		if (strncmp(entry, name, len) == 0 && entry[len] == '=' &&
		    strlen(entry + len + 1) < size)
			found = true;
	if (found)
		(void)snprintf(out, size, "%s", entry + len + 1);
	free(entry);
	(void)fclose(f);
	return found;
}

bool
proc_is_near(pid_t pid)
{
	char path[PATH_SIZE];
	struct stat ours, its;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat("/proc/self/ns/pid", &ours) == 0 && stat(path, &its) == 0 &&
	    ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

bool
proc_has_socket(pid_t pid, unsigned long long inode)
{
	char path[PATH_SIZE], want[PATH_SIZE], link[PATH_SIZE];
	const struct dirent *d;
	bool found = false;
	ssize_t n;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	(void)snprintf(want, sizeof(want), "socket:[%llu]", inode);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (d = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, want) == 0;
	}
	(void)closedir(dir);
	return found;
}
