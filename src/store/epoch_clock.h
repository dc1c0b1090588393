/* epoch_clock: what the clocks say, for epochs.h. */
#ifndef MERCURY_STORE_EPOCH_CLOCK_H
#define MERCURY_STORE_EPOCH_CLOCK_H

struct epoch_clocks;

/* Read all three; a boot id that can't be read is left empty. */
void epoch_clock_read(struct epoch_clocks *);

/* The same without the boot id, which is left as it is: it reads no file. */
void epoch_clock_tick(struct epoch_clocks *);

#endif /* MERCURY_STORE_EPOCH_CLOCK_H */
