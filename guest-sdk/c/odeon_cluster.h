/* Nodes, and names, groups and locks of the whole cluster: docs/cluster.md. odeon.h has
 * it along.
 *
 * Names, scopes, groups, resources and requesters are 1 to 255 bytes of any value, a text as
 * odeon_text gives it. Times are in milliseconds; all zero is the default of every struct. */
#ifndef ODEON_CLUSTER_H
#define ODEON_CLUSTER_H

#include "odeon_types.h"

/* What came of a request: ODEON_DONE, which is zero, or why it was refused. */
typedef struct {
    enum {
        ODEON_DONE,
        ODEON_REFUSED_EMPTY,      /* a name, scope, group, resource or requester of no bytes */
        ODEON_REFUSED_LONG,       /* one of more than 255 bytes */
        ODEON_REFUSED_TAKEN,      /* `pid` has the name */
        ODEON_REFUSED_HAS_NAME,   /* the actor has a cluster name already, and may have one */
        ODEON_REFUSED_NO_ACTOR,   /* there is no such actor */
        ODEON_REFUSED_CONNECTION, /* a node is not connected, or was lost meanwhile */
        ODEON_REFUSED_TIMEOUT,    /* the time is over */
        ODEON_REFUSED_LIMIT,      /* a limit of a node; `text` names it */
        ODEON_REFUSED_RESOLVER,   /* the resolver cannot be used; `text` says why */
        ODEON_REFUSED_NO_SCOPE,   /* this node takes no part in the scope */
        ODEON_REFUSED_NOT_LOCAL,  /* only actors of this node can join and leave here */
        ODEON_REFUSED_NOT_JOINED, /* none of the actors is a member */
        ODEON_REFUSED_HELD        /* `pid` has the lock, or is about to */
    } kind;
    odeon_pid pid;
    odeon_bytes text; /* to be freed; there is none with other kinds */
} odeon_outcome;

/* ---- Nodes ---- */

/* The name of this node as name@host, to be freed. */
odeon_bytes odeon_node_name(void);
/* The name of the node that an actor lives on, to be freed; false if it is not known here. */
bool odeon_node_of(odeon_pid pid, odeon_bytes *node);
/* Whether this node takes part in a cluster. */
bool odeon_is_distributed(void);

typedef enum { ODEON_VISIBLE, ODEON_HIDDEN, ODEON_CONNECTED, ODEON_KNOWN } odeon_selection;
/* The names of the nodes that are connected and not hidden, hidden, either, or heard of;
 * in order, without this one, to be freed by odeon_list_free. */
odeon_list odeon_nodes(odeon_selection of);
/* Connects with a node, and waits until that is done; false says that it cannot be. */
bool odeon_connect(const char *node);
/* Ends a connection; false if there is none. */
bool odeon_disconnect(const char *node);

typedef enum { ODEON_WATCH_VISIBLE, ODEON_WATCH_HIDDEN, ODEON_WATCH_ALL } odeon_watched;
/* From now on an ODEON_NODE_UP or ODEON_NODE_DOWN comes for each node of this kind that
 * comes or goes, once for each call. */
void odeon_watch_nodes(odeon_watched of);
/* Ends every watch of this kind. */
void odeon_unwatch_nodes(odeon_watched of);

/* ---- Names that are known on every connected node ---- */

/* What happens when parts of a cluster meet that each gave the name: one owner, by chance or
 * the later one, or both lose it; it is ended by a kill, or told by ODEON_NAME_LOST. */
typedef enum {
    ODEON_RANDOM_EXIT, ODEON_RANDOM_NOTIFY, ODEON_NOTIFY_ALL, ODEON_OLDEST_EXIT,
    ODEON_OLDEST_NOTIFY
} odeon_resolver;
typedef struct { odeon_resolver resolver; odeon_option_u64 timeout_ms; } odeon_registration;

/* Gives an actor a name that nobody has, and waits until every connected node knows.
 * `how` may be NULL. */
odeon_outcome odeon_names_register(odeon_bytes name, odeon_pid pid, const odeon_registration *how);
/* The same, whoever has the name, who is not told. */
odeon_outcome odeon_names_re_register(odeon_bytes name, odeon_pid pid,
                                      const odeon_registration *how);
/* Frees a name, whoever has it, and waits until every node knows. Done if nobody has it. */
odeon_outcome odeon_names_unregister(odeon_bytes name, int64_t timeout_ms);
/* Who has a name, as far as this node knows; false if nobody. Costs no traffic. */
bool odeon_names_whereis(odeon_bytes name, odeon_pid *pid);
/* Sends to whoever has a name, who is put into `owner` unless that is NULL. False if nobody is
 * known to have it, or the body is over the limit. */
bool odeon_names_send(odeon_bytes name, odeon_bytes body, odeon_pid *owner);

typedef struct { odeon_bytes name; odeon_pid pid; } odeon_named;
typedef struct { const odeon_named *ptr; size_t length; } odeon_names;
/* Names that this node knows, in the order of their bytes: those after the given one, or
 * from the first on where it is absent; `max` of them at most, and 1,024 at most. Fewer are
 * the last ones. To be freed by odeon_names_free. */
odeon_names odeon_names_list(odeon_option_bytes after, uint32_t max);
void odeon_names_free(odeon_names *names);

/* ---- Groups of actors of all nodes ---- */

/* This node takes part in a scope of groups. Done if it did already. */
odeon_outcome odeon_groups_start(odeon_bytes scope);
/* It takes no more part: its members have left, and monitors of the scope are gone. */
odeon_outcome odeon_groups_stop(odeon_bytes scope);
/* The scopes that it takes part in. */
odeon_list odeon_groups_scopes(void);
/* An actor of this node joins a group, once more if it is a member. */
odeon_outcome odeon_groups_join(odeon_bytes scope, odeon_bytes group, odeon_pid pid);
/* Several join, each as often as it is given: all or none. */
odeon_outcome odeon_groups_join_all(odeon_bytes scope, odeon_bytes group, odeon_pids pids);
/* An actor of this node leaves a group, once. */
odeon_outcome odeon_groups_leave(odeon_bytes scope, odeon_bytes group, odeon_pid pid);
/* Several leave, each as often as it is given, as far as they are members. */
odeon_outcome odeon_groups_leave_all(odeon_bytes scope, odeon_bytes group, odeon_pids pids);
/* The members on all nodes, as often as they joined; to be freed by odeon_pids_free. */
odeon_outcome odeon_groups_members(odeon_bytes scope, odeon_bytes group, odeon_pids *members);
/* Those on this node. */
odeon_outcome odeon_groups_local_members(odeon_bytes scope, odeon_bytes group,
                                         odeon_pids *members);
/* The groups of a scope that have members, anywhere or on this node. */
odeon_outcome odeon_groups_list(odeon_bytes scope, odeon_list *groups);
odeon_outcome odeon_groups_local_list(odeon_bytes scope, odeon_list *groups);
/* A member at random; absent if there is none. */
odeon_outcome odeon_groups_random(odeon_bytes scope, odeon_bytes group, odeon_option_pid *member);
/* The same of this node if it has members, else of any. */
odeon_outcome odeon_groups_closest(odeon_bytes scope, odeon_bytes group,
                                   odeon_option_pid *member);
/* Sends to every member as often as it joined, to each node once. How many are on this node
 * is put into `local` unless that is NULL. False if this node takes no part in the scope, or
 * the body is over the limit. */
bool odeon_groups_send(odeon_bytes scope, odeon_bytes group, odeon_bytes body, uint64_t *local);

typedef struct { odeon_bytes group; odeon_pids members; } odeon_membership;
/* A monitor, and the members of each group before its first event. */
typedef struct {
    odeon_ref monitor;
    struct { const odeon_membership *ptr; size_t length; } groups;
} odeon_monitored;
/* From now on every join and leave of a group, or of all groups of the scope where it is
 * absent, is an ODEON_GROUP_CHANGE of the monitor. To be freed by odeon_monitored_free, which
 * does not end it. */
odeon_outcome odeon_groups_monitor(odeon_bytes scope, odeon_option_bytes group,
                                   odeon_monitored *monitored);
void odeon_monitored_free(odeon_monitored *monitored);
/* Ends a monitor, and drops its events that wait; false if there is none. */
bool odeon_groups_demonitor(odeon_ref monitor);

/* ---- Locks of the whole cluster ---- */

/* What is locked, for whom, where, and how long it is waited for. */
typedef struct {
    odeon_bytes resource;
    /* Actors that say the same hold it together; without bytes it is the caller alone. */
    odeon_bytes requester;
    /* Where; if absent, at this node and all that are visibly connected with it. */
    struct { bool is_some; odeon_list value; } nodes;
    /* As long as it takes where absent; 0 only asks. */
    odeon_option_u64 wait_ms;
} odeon_lock;

/* Holds a lock until it is deleted or the actor ends. Refused: nothing is held. */
odeon_outcome odeon_lock_set(const odeon_lock *lock);
/* Holds it no longer: at its nodes, or wherever the actor does. */
odeon_outcome odeon_lock_delete(const odeon_lock *lock);
/* Does something while holding a lock. Refused: nothing was done. */
odeon_outcome odeon_lock_trans(const odeon_lock *lock, void (*body)(void *context), void *context);

#endif
