/* The checks of names, groups and locks of the cluster, and of its nodes. */
#include "checks.h"

#include <string.h>

#define T odeon_text

/* ---- What runs on the other node ---- */

/* Gives who has a name there, or null. */
odeon_reason find(odeon_reader *argument) {
    odeon_pid pid;
    odeon_writer writer = {0};
    if (odeon_names_whereis(odeon_read_text(argument), &pid)) odeon_write_pid(&writer, pid);
    else odeon_write_null(&writer);
    odeon_give(&writer);
    return odeon_normal();
}

/* Joins a group of a scope, and is an echo then. */
odeon_reason member(odeon_reader *argument) {
    ODEON_ASSERT(odeon_read_array(argument) == 2);
    odeon_bytes scope = odeon_read_text(argument), group = odeon_read_text(argument);
    ODEON_ASSERT(odeon_groups_start(scope).kind == ODEON_DONE);
    ODEON_ASSERT(odeon_groups_join(scope, group, odeon_me()).kind == ODEON_DONE);
    return echo(argument);
}

/* Holds a lock, and is an echo then. */
odeon_reason holder(odeon_reader *argument) {
    odeon_lock lock = {.resource = odeon_read_text(argument)};
    ODEON_ASSERT(odeon_lock_set(&lock).kind == ODEON_DONE);
    return echo(argument);
}

/* ---- What the checks share ---- */

static odeon_pid spawned_on(const char *node, const char *function, odeon_bytes argument) {
    odeon_spawn_call call = {0};
    call.start.entry.function = T(function);
    call.start.entry.argument = argument;
    if (node) call.options.node = (odeon_option_bytes){true, T(node)};
    return made(odeon_spawn_with(&call));
}

static void done(odeon_outcome outcome) {
    if (outcome.kind != ODEON_DONE) odeon_panic("a request was refused");
}

/* Who sent the next event, which is this text. */
static odeon_pid heard(const char *text) {
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_MESSAGE);
    odeon_reader reader = odeon_read(event.message.body);
    ODEON_ASSERT(odeon_is(odeon_read_text(&reader), text));
    odeon_pid sender = event.message.sender;
    odeon_event_free(&event);
    return sender;
}

static bool is_found(const char *name, odeon_pid wanted) {
    odeon_pid pid;
    return odeon_names_whereis(T(name), &pid) && odeon_same(pid, wanted);
}

static bool are(odeon_pids pids, size_t count, odeon_pid each) {
    if (pids.length != count) return false;
    for (size_t i = 0; i < count; i++)
        if (!odeon_same(pids.ptr[i], each)) return false;
    odeon_pids_free(&pids);
    return true;
}

static odeon_pids members(const char *scope, const char *group) {
    odeon_pids members;
    done(odeon_groups_members(T(scope), T(group), &members));
    return members;
}

static odeon_pids local_members(const char *scope, const char *group) {
    odeon_pids members;
    done(odeon_groups_local_members(T(scope), T(group), &members));
    return members;
}

static odeon_pid closest(const char *scope, const char *group) {
    odeon_option_pid member;
    done(odeon_groups_closest(T(scope), T(group), &member));
    ODEON_ASSERT(member.is_some);
    return member.value;
}

/* The next event, which is that this one joined or left, once. */
static void changed(odeon_ref monitor, const char *scope, const char *group, bool joined,
                    odeon_pid pid) {
    odeon_event event;
    ODEON_ASSERT(odeon_receive_of(&event, monitor, LONG_MS));
    ODEON_ASSERT(event.tag == ODEON_GROUP_CHANGE);
    ODEON_ASSERT(odeon_same_ref(event.group_change.monitor, monitor));
    ODEON_ASSERT(odeon_is(event.group_change.scope, scope));
    ODEON_ASSERT(odeon_is(event.group_change.group, group));
    ODEON_ASSERT(event.group_change.joined == joined);
    ODEON_ASSERT(event.group_change.members.length == 1);
    ODEON_ASSERT(odeon_same(event.group_change.members.ptr[0], pid));
    odeon_event_free(&event);
}

static void kill(odeon_pid pid) { odeon_exit(pid, (odeon_reason){.tag = ODEON_KILL}); }

/* ---- On one node ---- */

odeon_reason check_cluster_names(odeon_reader *argument) {
    (void)argument;
    odeon_pid one = spawned("echo"), other = spawned("echo"), found;
    odeon_bytes bytes = {"b\xff\0", 3};
    done(odeon_names_register(T("a"), one, NULL));
    odeon_outcome refused = odeon_names_register(T("a"), other, NULL);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_TAKEN && odeon_same(refused.pid, one));
    ODEON_ASSERT(odeon_names_register(bytes, one, NULL).kind == ODEON_REFUSED_HAS_NAME);
    ODEON_ASSERT(odeon_names_register((odeon_bytes){0}, other, NULL).kind == ODEON_REFUSED_EMPTY);
    char longest[256];
    memset(longest, 'a', sizeof longest);
    refused = odeon_names_register((odeon_bytes){longest, sizeof longest}, other, NULL);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_LONG);
    odeon_registration how = {ODEON_OLDEST_NOTIFY, {true, LONG_MS}};
    done(odeon_names_register(bytes, other, &how));
    ODEON_ASSERT(odeon_names_whereis(bytes, &found) && odeon_same(found, other));

    odeon_names all = odeon_names_list((odeon_option_bytes){0}, 10);
    ODEON_ASSERT(all.length == 2 && odeon_is(all.ptr[0].name, "a"));
    ODEON_ASSERT(odeon_same(all.ptr[0].pid, one) && odeon_same(all.ptr[1].pid, other));
    odeon_names rest = odeon_names_list((odeon_option_bytes){true, all.ptr[0].name}, 10);
    ODEON_ASSERT(rest.length == 1 && memcmp(rest.ptr[0].name.ptr, bytes.ptr, 3) == 0);
    odeon_names_free(&all);
    odeon_names_free(&rest);
    ODEON_ASSERT(odeon_names_list((odeon_option_bytes){0}, 1).length == 1);

    ODEON_ASSERT(odeon_names_send(T("a"), encoded("hello"), &found) && odeon_same(found, one));
    ODEON_ASSERT(odeon_same(heard("hello"), one));
    done(odeon_names_unregister(T("a"), ODEON_FOREVER));
    done(odeon_names_unregister(T("a"), LONG_MS));
    ODEON_ASSERT(!odeon_names_whereis(T("a"), &found));
    ODEON_ASSERT(!odeon_names_send(T("a"), encoded("hello"), NULL));
    done(odeon_names_re_register(bytes, one, NULL));
    ODEON_ASSERT(odeon_names_whereis(bytes, &found) && odeon_same(found, one));
    silence();
    return odeon_normal();
}

odeon_reason check_groups(odeon_reader *argument) {
    (void)argument;
    odeon_pid child = spawned("echo");
    odeon_pids none;
    odeon_outcome refused = odeon_groups_members(T("c"), T("echoes"), &none);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_NO_SCOPE);
    ODEON_ASSERT(!odeon_groups_send(T("c"), T("echoes"), encoded("nobody"), NULL));
    done(odeon_groups_start(T("c")));
    odeon_list scopes = odeon_groups_scopes();
    ODEON_ASSERT(scopes.length == 1 && odeon_is(scopes.ptr[0], "c"));
    odeon_list_free(&scopes);
    done(odeon_groups_join(T("c"), T("echoes"), child));

    /* What was before is in what the monitor begins with, and no event. */
    odeon_monitored all, one;
    done(odeon_groups_monitor(T("c"), (odeon_option_bytes){0}, &all));
    ODEON_ASSERT(all.groups.length == 1 && odeon_is(all.groups.ptr[0].group, "echoes"));
    ODEON_ASSERT(all.groups.ptr[0].members.length == 1);
    ODEON_ASSERT(odeon_same(all.groups.ptr[0].members.ptr[0], child));
    done(odeon_groups_monitor(T("c"), (odeon_option_bytes){true, T("others")}, &one));
    odeon_ref of_all = all.monitor, of_one = one.monitor;
    odeon_monitored_free(&all);
    odeon_monitored_free(&one);
    silence();
    done(odeon_groups_join(T("c"), T("echoes"), child));
    changed(of_all, "c", "echoes", true, child);
    silence();

    ODEON_ASSERT(are(members("c", "echoes"), 2, child));
    ODEON_ASSERT(are(local_members("c", "echoes"), 2, child));
    odeon_list groups;
    done(odeon_groups_local_list(T("c"), &groups));
    ODEON_ASSERT(groups.length == 1 && odeon_is(groups.ptr[0], "echoes"));
    odeon_list_free(&groups);
    odeon_option_pid chosen;
    done(odeon_groups_random(T("c"), T("echoes"), &chosen));
    ODEON_ASSERT(chosen.is_some && odeon_same(chosen.value, child));
    done(odeon_groups_random(T("c"), T("others"), &chosen));
    ODEON_ASSERT(!chosen.is_some);
    uint64_t count;
    ODEON_ASSERT(odeon_groups_send(T("c"), T("echoes"), encoded("twice"), &count) && count == 2);
    ODEON_ASSERT(odeon_same(heard("twice"), child) && odeon_same(heard("twice"), child));

    odeon_pid two[] = {child, child};
    done(odeon_groups_leave_all(T("c"), T("echoes"), (odeon_pids){two, 2}));
    refused = odeon_groups_leave(T("c"), T("echoes"), child);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_NOT_JOINED);
    /* The event of that waits, and is dropped along. */
    ODEON_ASSERT(odeon_groups_demonitor(of_all) && !odeon_groups_demonitor(of_all));
    done(odeon_groups_join_all(T("c"), T("others"), (odeon_pids){two, 1}));
    changed(of_one, "c", "others", true, child);
    ODEON_ASSERT(odeon_groups_demonitor(of_one));
    done(odeon_groups_list(T("c"), &groups));
    ODEON_ASSERT(groups.length == 1 && odeon_is(groups.ptr[0], "others"));
    done(odeon_groups_stop(T("c")));
    ODEON_ASSERT(odeon_groups_scopes().length == 0);
    silence();
    return odeon_normal();
}

static void count(void *context) { ++*(int *)context; }

odeon_reason check_locks(odeon_reader *argument) {
    (void)argument;
    odeon_lock mine = {.resource = T("c's")};
    odeon_lock another = {.resource = T("c's"), .requester = T("another")};
    another.wait_ms = (odeon_option_u64){true, 0};
    int runs = 0;
    done(odeon_lock_set(&mine));
    done(odeon_lock_set(&mine));
    odeon_outcome refused = odeon_lock_set(&another);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_HELD && odeon_same(refused.pid, odeon_me()));
    refused = odeon_lock_trans(&another, count, &runs);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_HELD && runs == 0);
    another.wait_ms.value = SHORT_MS;
    ODEON_ASSERT(odeon_lock_set(&another).kind == ODEON_REFUSED_TIMEOUT);
    done(odeon_lock_delete(&mine));
    done(odeon_lock_trans(&another, count, &runs));
    ODEON_ASSERT(runs == 1);
    done(odeon_lock_trans(&mine, count, &runs));
    ODEON_ASSERT(runs == 2);
    mine.nodes.is_some = true;
    odeon_bytes far[] = {T("nobody@nowhere")};
    mine.nodes.value = (odeon_list){far, 1};
    refused = odeon_lock_set(&mine);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_CONNECTION);
    ODEON_ASSERT(strstr(c_text(refused.text), "nobody@nowhere"));
    odeon_bytes_free(&refused.text);
    ODEON_ASSERT(odeon_lock_set(&(odeon_lock){0}).kind == ODEON_REFUSED_EMPTY);
    silence();
    return odeon_normal();
}

/* ---- Between two nodes ---- */

/* Who has a name, as the other node knows it. */
static bool is_found_on(const char *node, const char *name, odeon_pid wanted) {
    odeon_call call = odeon_call_of(node, "find", encoded(name));
    odeon_result result = odeon_call_run(&call);
    ODEON_ASSERT(!result.is_error);
    odeon_reader reader = odeon_read(result.bytes);
    bool found = odeon_next(&reader) == ODEON_IS_MAP && odeon_same(odeon_read_pid(&reader), wanted);
    odeon_result_free(&result);
    return found;
}

static void check_nodes(const char *node) {
    odeon_watch_nodes(ODEON_WATCH_VISIBLE);
    ODEON_ASSERT(odeon_is_distributed() && odeon_nodes(ODEON_CONNECTED).length == 0);
    ODEON_ASSERT(odeon_connect(node) && !odeon_connect("nobody@nowhere"));
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_NODE_UP && odeon_is(event.node_change.node, node));
    ODEON_ASSERT(!event.node_change.hidden && !event.node_change.reason.is_some);
    odeon_event_free(&event);
    odeon_list nodes = odeon_nodes(ODEON_VISIBLE);
    ODEON_ASSERT(nodes.length == 1 && odeon_is(nodes.ptr[0], node));
    odeon_list_free(&nodes);
    ODEON_ASSERT(odeon_nodes(ODEON_HIDDEN).length == 0);
}

static void check_names_with(const char *node) {
    odeon_pid far = spawned_on(node, "echo", (odeon_bytes){0}), me = odeon_me();
    odeon_bytes its_node;
    ODEON_ASSERT(odeon_node_of(far, &its_node) && odeon_is(its_node, node));
    odeon_bytes_free(&its_node);
    done(odeon_names_register(T("moving"), far, NULL));
    ODEON_ASSERT(is_found("moving", far) && is_found_on(node, "moving", far));
    ODEON_ASSERT(odeon_names_send(T("moving"), encoded("by name"), NULL));
    ODEON_ASSERT(odeon_same(heard("by name"), far));
    done(odeon_names_re_register(T("moving"), me, NULL));
    ODEON_ASSERT(is_found_on(node, "moving", me));
    done(odeon_names_unregister(T("moving"), ODEON_FOREVER));
    ODEON_ASSERT(!is_found_on(node, "moving", me));
    kill(far);
}

static odeon_bytes both_members(void) {
    odeon_writer writer = {0};
    odeon_write_array(&writer, 2);
    odeon_write_text(&writer, "both");
    odeon_write_text(&writer, "members");
    return odeon_written(&writer);
}

static void check_groups_with(const char *node) {
    done(odeon_groups_start(T("both")));
    odeon_monitored monitored;
    done(odeon_groups_monitor(T("both"), (odeon_option_bytes){true, T("members")}, &monitored));
    odeon_pid far = spawned_on(node, "member", both_members());
    changed(monitored.monitor, "both", "members", true, far);
    ODEON_ASSERT(are(members("both", "members"), 1, far));
    ODEON_ASSERT(local_members("both", "members").length == 0);
    ODEON_ASSERT(odeon_same(closest("both", "members"), far));
    odeon_pid near = spawned_on(NULL, "member", both_members());
    changed(monitored.monitor, "both", "members", true, near);
    ODEON_ASSERT(odeon_same(closest("both", "members"), near));
    uint64_t local;
    ODEON_ASSERT(odeon_groups_send(T("both"), T("members"), encoded("to all"), &local));
    odeon_pid one = heard("to all"), other = heard("to all");
    ODEON_ASSERT(local == 1 && !odeon_same(one, other));
    ODEON_ASSERT(odeon_same(one, far) || odeon_same(other, far));
    kill(far);
    changed(monitored.monitor, "both", "members", false, far);
    ODEON_ASSERT(are(members("both", "members"), 1, near));
    ODEON_ASSERT(odeon_groups_demonitor(monitored.monitor));
    kill(near);
    silence();
}

static void check_locks_with(const char *node) {
    odeon_pid far = spawned_on(node, "holder", encoded("disk"));
    odeon_send(far, encoded("is it held?"));
    ODEON_ASSERT(odeon_same(heard("is it held?"), far));
    odeon_lock lock = {.resource = T("disk"), .wait_ms = {true, 0}};
    odeon_outcome refused = odeon_lock_set(&lock);
    ODEON_ASSERT(refused.kind == ODEON_REFUSED_HELD && odeon_same(refused.pid, far));
    kill(far);
    lock.wait_ms.value = LONG_MS;
    done(odeon_lock_set(&lock));
    done(odeon_lock_delete(&lock));
}

odeon_reason check_cluster(odeon_reader *argument) {
    const char *node = c_text(odeon_read_text(argument));
    check_nodes(node);
    check_names_with(node);
    check_groups_with(node);
    check_locks_with(node);
    ODEON_ASSERT(odeon_disconnect(node) && !odeon_disconnect(node));
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_NODE_DOWN && event.node_change.reason.is_some);
    odeon_event_free(&event);
    odeon_unwatch_nodes(ODEON_WATCH_VISIBLE);
    ODEON_ASSERT(odeon_connect(node));
    silence();
    return odeon_normal();
}

/* Runs on two nodes that meet when both have the name. */
odeon_reason check_name_lost(odeon_reader *argument) {
    (void)argument;
    odeon_registration how = {.resolver = ODEON_NOTIFY_ALL};
    odeon_pid me = odeon_me(), found;
    done(odeon_names_register(T("contested"), me, &how));
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_NAME_LOST && odeon_is(event.name_lost.name, "contested"));
    ODEON_ASSERT(event.name_lost.both && event.name_lost.other.node != me.node);
    odeon_event_free(&event);
    ODEON_ASSERT(!odeon_names_whereis(T("contested"), &found) || !odeon_same(found, me));
    silence();
    return odeon_normal();
}
