/* What the files of this guest share. */
#ifndef CHECKS_H
#define CHECKS_H

#include "odeon.h"

enum { LONG_MS = 10000, SHORT_MS = 30 };

/* A text that ends where C's do. */
char *c_text(odeon_bytes bytes);
/* A body that is this text. */
odeon_bytes encoded(const char *text);
/* The actor of a spawn, which succeeded. */
odeon_pid made(odeon_spawned spawned);
/* An actor of this module on this node. */
odeon_pid spawned(const char *function);
/* The next event, which comes. */
odeon_event next(void);
/* Nothing comes. */
void silence(void);

/* Actors, which main.c names. */
odeon_reason echo(odeon_reader *argument);
odeon_reason find(odeon_reader *argument);
odeon_reason member(odeon_reader *argument);
odeon_reason holder(odeon_reader *argument);
odeon_reason check_cluster_names(odeon_reader *argument);
odeon_reason check_groups(odeon_reader *argument);
odeon_reason check_locks(odeon_reader *argument);
odeon_reason check_cluster(odeon_reader *argument);
odeon_reason check_name_lost(odeon_reader *argument);

#endif
