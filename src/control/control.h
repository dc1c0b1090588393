/*
 * control: the role itself: the supervisor's messages on one side, the
 * clients' requests on the other, and which answer belongs to whom.
 */
#ifndef MERCURY_CONTROL_CONTROL_H
#define MERCURY_CONTROL_CONTROL_H

/*
 * Serve until the supervisor closes the channel (ROLE_CHANNEL_FD). Returns
 * the exit code of the process.
 */
int control_run(void);

#endif /* MERCURY_CONTROL_CONTROL_H */
