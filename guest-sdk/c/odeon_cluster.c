/* Nodes, names, groups and locks of the cluster: what odeon_cluster.h declares. */
#include "odeon_abi.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(it) (it).ptr, (it).length
#define OPTION_BYTES(it) (it).is_some, (it).value.ptr, (it).value.length
#define OPTION(it) (it).is_some, (it).value
#define WAIT(ms) (ms) >= 0, (uint64_t)(ms)

_Static_assert(sizeof(odeon_named) == 24, "the layout of the canonical ABI");
_Static_assert(sizeof(odeon_monitored) == 24, "the layout of the canonical ABI");

/* ---- What was refused ---- */

/* An error of the host's, whose kinds are in the order of its interface. */
typedef struct {
    uint8_t tag;
    union { uint64_t most; odeon_pid pid; odeon_bytes text; };
} refusal;
/* Those of groups know no pid, and are shorter. */
typedef struct {
    uint8_t tag;
    union { uint64_t most; odeon_bytes text; };
} group_refusal;

_Static_assert(sizeof(refusal) == 24, "the layout of the canonical ABI");
_Static_assert(sizeof(group_refusal) == 16, "the layout of the canonical ABI");

typedef struct { bool is_error; refusal error; } result;

static odeon_outcome outcome_of(const result *given, const uint8_t *kinds) {
    odeon_outcome outcome = {0};
    if (!given->is_error) return outcome;
    outcome.kind = kinds[given->error.tag];
    switch (outcome.kind) {
    case ODEON_REFUSED_TAKEN:
    case ODEON_REFUSED_HELD: outcome.pid = given->error.pid; break;
    case ODEON_REFUSED_LIMIT:
    case ODEON_REFUSED_RESOLVER: outcome.text = given->error.text; break;
    default: break;
    }
    return outcome;
}

static odeon_outcome of_name(const result *given) {
    static const uint8_t kinds[] = {
        ODEON_REFUSED_EMPTY, ODEON_REFUSED_LONG, ODEON_REFUSED_TAKEN, ODEON_REFUSED_HAS_NAME,
        ODEON_REFUSED_NO_ACTOR, ODEON_REFUSED_CONNECTION, ODEON_REFUSED_TIMEOUT,
        ODEON_REFUSED_LIMIT, ODEON_REFUSED_RESOLVER};
    return outcome_of(given, kinds);
}

static odeon_outcome of_lock(result *given) {
    static const uint8_t kinds[] = {
        ODEON_REFUSED_EMPTY, ODEON_REFUSED_LONG, ODEON_REFUSED_HELD, ODEON_REFUSED_TIMEOUT,
        ODEON_REFUSED_CONNECTION, ODEON_REFUSED_LIMIT};
    odeon_outcome outcome = outcome_of(given, kinds);
    /* Here the text names the node. */
    if (outcome.kind == ODEON_REFUSED_CONNECTION) outcome.text = given->error.text;
    return outcome;
}

static odeon_outcome of_group(bool is_error, group_refusal error) {
    static const uint8_t kinds[] = {
        ODEON_REFUSED_EMPTY, ODEON_REFUSED_LONG, ODEON_REFUSED_NO_SCOPE, ODEON_REFUSED_NOT_LOCAL,
        ODEON_REFUSED_NOT_JOINED, ODEON_REFUSED_LIMIT};
    result given = {is_error, {.tag = error.tag, .text = error.text}};
    return outcome_of(&given, kinds);
}

/* ---- Nodes ---- */

odeon_bytes odeon_node_name(void) {
    odeon_bytes name;
    odeon_abi_node_name(&name);
    return name;
}

bool odeon_node_of(odeon_pid pid, odeon_bytes *node) {
    odeon_option_bytes found;
    odeon_abi_node_of(pid.node, pid.serial, &found);
    if (found.is_some) *node = found.value;
    return found.is_some;
}

bool odeon_is_distributed(void) { return odeon_abi_is_distributed(); }

odeon_list odeon_nodes(odeon_selection of) {
    odeon_list nodes;
    odeon_abi_nodes(of, &nodes);
    return nodes;
}

bool odeon_connect(const char *node) {
    enum { FAILED = 1 };
    struct { bool is_error; struct { uint8_t tag; odeon_bytes text; } error; } given;
    odeon_abi_connect(node, strlen(node), &given);
    if (given.is_error && given.error.tag == FAILED) odeon_bytes_free(&given.error.text);
    return !given.is_error;
}

bool odeon_disconnect(const char *node) { return odeon_abi_disconnect(node, strlen(node)); }

void odeon_watch_nodes(odeon_watched of) { odeon_abi_watch_nodes(of); }

void odeon_unwatch_nodes(odeon_watched of) { odeon_abi_unwatch_nodes(of); }

/* ---- Names ---- */

static const odeon_registration by_default;

odeon_outcome odeon_names_register(odeon_bytes name, odeon_pid pid, const odeon_registration *how) {
    result given;
    if (!how) how = &by_default;
    odeon_abi_names_register(BYTES(name), pid.node, pid.serial, how->resolver, NULL, 0,
                             OPTION(how->timeout_ms), &given);
    return of_name(&given);
}

odeon_outcome odeon_names_re_register(odeon_bytes name, odeon_pid pid,
                                      const odeon_registration *how) {
    result given;
    if (!how) how = &by_default;
    odeon_abi_names_re_register(BYTES(name), pid.node, pid.serial, how->resolver, NULL, 0,
                                OPTION(how->timeout_ms), &given);
    return of_name(&given);
}

odeon_outcome odeon_names_unregister(odeon_bytes name, int64_t timeout_ms) {
    result given;
    odeon_abi_names_unregister(BYTES(name), WAIT(timeout_ms), &given);
    return of_name(&given);
}

bool odeon_names_whereis(odeon_bytes name, odeon_pid *pid) {
    odeon_option_pid found;
    odeon_abi_names_whereis(BYTES(name), &found);
    if (found.is_some) *pid = found.value;
    return found.is_some;
}

bool odeon_names_send(odeon_bytes name, odeon_bytes body, odeon_pid *owner) {
    struct { bool is_error; union { odeon_pid pid; uint64_t error[2]; }; } given;
    odeon_abi_names_send(BYTES(name), BYTES(body), 0, &given);
    if (!given.is_error && owner) *owner = given.pid;
    return !given.is_error;
}

odeon_names odeon_names_list(odeon_option_bytes after, uint32_t max) {
    odeon_names names;
    odeon_abi_names_list(OPTION_BYTES(after), max, &names);
    return names;
}

void odeon_names_free(odeon_names *names) {
    for (size_t i = 0; i < names->length; i++) {
        odeon_bytes name = names->ptr[i].name;
        odeon_bytes_free(&name);
    }
    if (names->length) free((void *)names->ptr);
    *names = (odeon_names){0};
}

/* ---- Groups ---- */

typedef struct {
    bool is_error;
    union { odeon_pids pids; odeon_list list; odeon_option_pid pid; odeon_monitored monitored;
            group_refusal error; };
} group_result;
/* Where nothing comes back that is longer than the error. */
typedef struct {
    bool is_error;
    union { odeon_pids pids; odeon_list list; group_refusal error; };
} short_group_result;

_Static_assert(sizeof(group_result) == 32, "the layout of the canonical ABI");
_Static_assert(sizeof(short_group_result) == 24, "the layout of the canonical ABI");

odeon_outcome odeon_groups_start(odeon_bytes scope) {
    short_group_result given;
    odeon_abi_groups_start(BYTES(scope), &given);
    return of_group(given.is_error, given.error);
}

odeon_outcome odeon_groups_stop(odeon_bytes scope) {
    short_group_result given;
    odeon_abi_groups_stop(BYTES(scope), &given);
    return of_group(given.is_error, given.error);
}

odeon_list odeon_groups_scopes(void) {
    odeon_list scopes;
    odeon_abi_groups_scopes(&scopes);
    return scopes;
}

odeon_outcome odeon_groups_join_all(odeon_bytes scope, odeon_bytes group, odeon_pids pids) {
    short_group_result given;
    odeon_abi_groups_join(BYTES(scope), BYTES(group), BYTES(pids), &given);
    return of_group(given.is_error, given.error);
}

odeon_outcome odeon_groups_join(odeon_bytes scope, odeon_bytes group, odeon_pid pid) {
    return odeon_groups_join_all(scope, group, (odeon_pids){&pid, 1});
}

odeon_outcome odeon_groups_leave_all(odeon_bytes scope, odeon_bytes group, odeon_pids pids) {
    short_group_result given;
    odeon_abi_groups_leave(BYTES(scope), BYTES(group), BYTES(pids), &given);
    return of_group(given.is_error, given.error);
}

odeon_outcome odeon_groups_leave(odeon_bytes scope, odeon_bytes group, odeon_pid pid) {
    return odeon_groups_leave_all(scope, group, (odeon_pids){&pid, 1});
}

static odeon_outcome members_of(odeon_bytes scope, odeon_bytes group, bool local,
                                odeon_pids *members) {
    short_group_result given;
    odeon_abi_groups_members(BYTES(scope), BYTES(group), local, &given);
    if (!given.is_error) *members = given.pids;
    return of_group(given.is_error, given.error);
}

odeon_outcome odeon_groups_members(odeon_bytes scope, odeon_bytes group, odeon_pids *members) {
    return members_of(scope, group, false, members);
}

odeon_outcome odeon_groups_local_members(odeon_bytes scope, odeon_bytes group,
                                         odeon_pids *members) {
    return members_of(scope, group, true, members);
}

static odeon_outcome groups_of(odeon_bytes scope, bool local, odeon_list *groups) {
    short_group_result given;
    odeon_abi_groups_list(BYTES(scope), local, &given);
    if (!given.is_error) *groups = given.list;
    return of_group(given.is_error, given.error);
}

odeon_outcome odeon_groups_list(odeon_bytes scope, odeon_list *groups) {
    return groups_of(scope, false, groups);
}

odeon_outcome odeon_groups_local_list(odeon_bytes scope, odeon_list *groups) {
    return groups_of(scope, true, groups);
}

static odeon_outcome pick(odeon_bytes scope, odeon_bytes group, uint32_t choice,
                          odeon_option_pid *member) {
    group_result given;
    odeon_abi_groups_pick(BYTES(scope), BYTES(group), choice, &given);
    if (!given.is_error) *member = given.pid;
    return of_group(given.is_error, given.error);
}

odeon_outcome odeon_groups_random(odeon_bytes scope, odeon_bytes group, odeon_option_pid *member) {
    return pick(scope, group, 0, member);
}

odeon_outcome odeon_groups_closest(odeon_bytes scope, odeon_bytes group,
                                   odeon_option_pid *member) {
    return pick(scope, group, 1, member);
}

bool odeon_groups_send(odeon_bytes scope, odeon_bytes group, odeon_bytes body, uint64_t *local) {
    struct { bool is_error; union { uint64_t local; uint64_t error[2]; }; } given;
    odeon_abi_groups_send(BYTES(scope), BYTES(group), BYTES(body), 0, &given);
    if (!given.is_error && local) *local = given.local;
    return !given.is_error;
}

odeon_outcome odeon_groups_monitor(odeon_bytes scope, odeon_option_bytes group,
                                   odeon_monitored *monitored) {
    group_result given;
    odeon_abi_groups_monitor(BYTES(scope), OPTION_BYTES(group), &given);
    if (!given.is_error) *monitored = given.monitored;
    return of_group(given.is_error, given.error);
}

void odeon_monitored_free(odeon_monitored *monitored) {
    for (size_t i = 0; i < monitored->groups.length; i++) {
        odeon_membership one = monitored->groups.ptr[i];
        odeon_bytes_free(&one.group);
        odeon_pids_free(&one.members);
    }
    if (monitored->groups.length) free((void *)monitored->groups.ptr);
    *monitored = (odeon_monitored){0};
}

bool odeon_groups_demonitor(odeon_ref monitor) {
    return odeon_abi_groups_demonitor(monitor.node, monitor.serial);
}

/* ---- Locks ---- */

/* The caller as a requester: two numbers of 20 digits at most. */
typedef struct { char text[41]; } own_text;

static odeon_bytes requester_of(const odeon_lock *lock, own_text *own) {
    if (lock->requester.length) return lock->requester;
    odeon_pid me = odeon_me();
    char *end = own->text + sizeof own->text, *at = end;
    uint64_t numbers[] = {me.serial, me.node};
    for (int i = 0; i < 2; i++) {
        if (i) *--at = '.';
        do *--at = (char)('0' + numbers[i] % 10);
        while (numbers[i] /= 10);
    }
    return (odeon_bytes){at, (size_t)(end - at)};
}

#define LOCK(lock, requester) \
    BYTES((lock)->resource), BYTES(requester), (lock)->nodes.is_some, BYTES((lock)->nodes.value)

odeon_outcome odeon_lock_set(const odeon_lock *lock) {
    own_text own;
    result given;
    odeon_bytes requester = requester_of(lock, &own);
    odeon_abi_set_lock(LOCK(lock, requester), OPTION(lock->wait_ms), &given);
    return of_lock(&given);
}

odeon_outcome odeon_lock_delete(const odeon_lock *lock) {
    own_text own;
    result given;
    odeon_bytes requester = requester_of(lock, &own);
    odeon_abi_delete_lock(LOCK(lock, requester), &given);
    return of_lock(&given);
}

odeon_outcome odeon_lock_trans(const odeon_lock *lock, void (*body)(void *context), void *context) {
    odeon_outcome outcome = odeon_lock_set(lock);
    if (outcome.kind != ODEON_DONE) return outcome;
    body(context);
    /* What was set can be deleted. */
    odeon_outcome deleted = odeon_lock_delete(lock);
    odeon_bytes_free(&deleted.text);
    return outcome;
}
