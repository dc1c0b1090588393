/*
 * notify: tells systemd how mercuryd stands (sd_notify(3)).
 */
#ifndef MERCURY_SUPERVISOR_NOTIFY_H
#define MERCURY_SUPERVISOR_NOTIFY_H

/* Remember NOTIFY_SOCKET and take it out of the environment of children. */
void notify_open(void);

/* Send states such as "READY=1"; nothing happens without systemd. */
void notify_send(const char *states);

#endif /* MERCURY_SUPERVISOR_NOTIFY_H */
