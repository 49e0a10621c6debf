/* The functions that every language's guest of the suite `languages` has, in C.
 * tests/languages says what each is for. A check ends normally, or by a trap that says
 * what does not hold. */
#include "checks.h"

#include <stdlib.h>
#include <string.h>

/* Copies one value from a reader to a writer, item by item. */
static void copy(odeon_reader *from, odeon_writer *to) {
    size_t items = 0;
    switch (odeon_next(from)) {
    case ODEON_IS_NULL: odeon_read_null(from); odeon_write_null(to); break;
    case ODEON_IS_BOOL: odeon_write_bool(to, odeon_read_bool(from)); break;
    case ODEON_IS_UNSIGNED: odeon_write_uint(to, odeon_read_uint(from)); break;
    case ODEON_IS_NEGATIVE: odeon_write_int(to, odeon_read_int(from)); break;
    case ODEON_IS_DOUBLE: odeon_write_double(to, odeon_read_double(from)); break;
    case ODEON_IS_TEXT: odeon_write_text_of(to, odeon_read_text(from)); break;
    case ODEON_IS_BYTES: odeon_write_bytes(to, odeon_read_bytes(from)); break;
    case ODEON_IS_ARRAY:
        odeon_write_array(to, items = odeon_read_array(from));
        break;
    case ODEON_IS_MAP:
        odeon_write_map(to, items = odeon_read_map(from));
        items *= 2;
        break;
    case ODEON_IS_NOTHING: from->problem = "nothing there"; break;
    }
    while (items-- && !from->problem) copy(from, to);
}

/* Reads every message and sends it back as it would write it: {"refused": why} for what
 * it cannot read. */
odeon_reason echo(odeon_reader *argument) {
    (void)argument;
    for (;;) {
        odeon_event event;
        odeon_receive(&event, ODEON_FOREVER);
        if (event.tag == ODEON_MESSAGE) {
            odeon_reader reader = odeon_read(event.message.body);
            odeon_writer writer = {0};
            if (!reader.problem) copy(&reader, &writer);
            if (reader.problem) {
                writer.length = 0;
                odeon_write_map(&writer, 1);
                odeon_write_text(&writer, "refused");
                odeon_write_text(&writer, reader.problem);
            }
            odeon_send_written(event.message.sender, &writer);
        }
        odeon_event_free(&event);
    }
}

static odeon_reason waiter(odeon_reader *argument) {
    (void)argument;
    for (odeon_event event;; odeon_event_free(&event)) odeon_receive(&event, ODEON_FOREVER);
}

static odeon_reason nothing(odeon_reader *argument) {
    (void)argument;
    return odeon_normal();
}

/* A text that ends where C's do. */
char *c_text(odeon_bytes bytes) {
    char *text = calloc(bytes.length + 1, 1);
    memcpy(text, bytes.ptr, bytes.length);
    return text;
}

static odeon_reason fail(odeon_reader *argument) {
    return odeon_error(c_text(odeon_read_text(argument)));
}

static odeon_reason crash(odeon_reader *argument) {
    odeon_panic(c_text(odeon_read_text(argument)));
}

static odeon_reason custom(odeon_reader *argument) {
    odeon_stop(odeon_custom(odeon_read_bytes(argument)));
}

static odeon_reason add(odeon_reader *argument) {
    if (odeon_read_array(argument) != 2) return odeon_error("two numbers are added");
    int64_t a = odeon_read_int(argument), b = odeon_read_int(argument), sum;
    if (argument->problem) return odeon_normal();
    if (__builtin_add_overflow(a, b, &sum)) return odeon_error("the sum is out of range");
    odeon_writer writer = {0};
    odeon_write_int(&writer, sum);
    odeon_give(&writer);
    return odeon_normal();
}

/* ---- What the checks share ---- */

odeon_bytes encoded(const char *text) {
    odeon_writer writer = {0};
    odeon_write_text(&writer, text);
    return odeon_written(&writer);
}

odeon_pid made(odeon_spawned spawned) {
    if (spawned.is_error) odeon_panic(c_text(spawned.error.text));
    return spawned.pid;
}

odeon_pid spawned(const char *function) {
    return made(odeon_spawn(function, (odeon_bytes){0}));
}

odeon_event next(void) {
    odeon_event event;
    ODEON_ASSERT(odeon_receive(&event, LONG_MS));
    return event;
}

void silence(void) {
    odeon_event event;
    ODEON_ASSERT(!odeon_receive(&event, SHORT_MS));
}

static odeon_reason reason_of(odeon_ref monitor) {
    odeon_event event;
    ODEON_ASSERT(odeon_receive_of(&event, monitor, LONG_MS));
    ODEON_ASSERT(event.tag == ODEON_DOWN);
    return event.down.reason;
}

static void ask_number(odeon_pid to, int64_t number) {
    odeon_writer writer = {0};
    odeon_write_int(&writer, number);
    odeon_send_written(to, &writer);
}

/* ---- The checks ---- */

static odeon_reason check_send(odeon_reader *argument) {
    (void)argument;
    odeon_pid child = spawned("echo");
    for (int64_t number = 0; number < 100; number++) ask_number(child, number);
    for (int64_t number = 0; number < 100; number++) {
        odeon_event event = next();
        ODEON_ASSERT(event.tag == ODEON_MESSAGE && odeon_same(event.message.sender, child));
        odeon_reader reader = odeon_read(event.message.body);
        ODEON_ASSERT(odeon_read_int(&reader) == number && !reader.problem);
        odeon_event_free(&event);
    }
    odeon_ref alias = odeon_alias();
    ODEON_ASSERT(odeon_send_to(odeon_to_alias(alias), encoded("by alias")));
    odeon_event event;
    ODEON_ASSERT(odeon_receive_of(&event, alias, LONG_MS));
    ODEON_ASSERT(event.message.via.is_some && odeon_same_ref(event.message.via.value, alias));
    ODEON_ASSERT(odeon_unalias(alias));
    odeon_send_to(odeon_to_alias(alias), encoded("too late"));
    silence();
    return odeon_normal();
}

static odeon_reason check_timeout(odeon_reader *argument) {
    (void)argument;
    odeon_event event;
    ODEON_ASSERT(!odeon_receive(&event, 0));
    uint64_t before = odeon_now();
    ODEON_ASSERT(!odeon_receive(&event, SHORT_MS));
    ODEON_ASSERT(odeon_now() - before >= SHORT_MS * 1000000ull);
    odeon_ref timer;
    ODEON_ASSERT(odeon_timer(1, &timer));
    event = next();
    ODEON_ASSERT(event.tag == ODEON_TIMEOUT && odeon_same_ref(event.timeout, timer));
    ODEON_ASSERT(odeon_timer(LONG_MS, &timer) && odeon_timer_cancel(timer));
    silence();
    return odeon_normal();
}

static odeon_reason check_links(odeon_reader *argument) {
    (void)argument;
    odeon_trap_exit(true);
    odeon_pid child = made(odeon_spawn_link("fail", encoded("on purpose")));
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_EXIT && odeon_same(event.exit.sender, child));
    ODEON_ASSERT(event.exit.reason.tag == ODEON_ERROR);
    ODEON_ASSERT(odeon_is(event.exit.reason.text, "on purpose"));
    child = spawned("waiter");
    ODEON_ASSERT(odeon_link(child));
    odeon_unlink(child);
    odeon_exit(child, (odeon_reason){.tag = ODEON_KILL});
    silence();
    child = spawned("waiter");
    ODEON_ASSERT(odeon_link(child));
    odeon_exit(child, (odeon_reason){.tag = ODEON_SHUTDOWN});
    event = next();
    ODEON_ASSERT(event.tag == ODEON_EXIT && event.exit.reason.tag == ODEON_SHUTDOWN);
    return odeon_normal();
}

static odeon_reason check_monitors(odeon_reader *argument) {
    (void)argument;
    odeon_pid child = spawned("waiter");
    odeon_ref dropped = odeon_monitor(odeon_to(child)), kept = odeon_monitor(odeon_to(child));
    ODEON_ASSERT(odeon_demonitor(dropped));
    odeon_exit(child, (odeon_reason){.tag = ODEON_KILL});
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_DOWN && odeon_same_ref(event.down.monitor, kept));
    ODEON_ASSERT(odeon_same(event.down.object.pid, child));
    ODEON_ASSERT(event.down.reason.tag == ODEON_KILLED);
    ODEON_ASSERT(reason_of(odeon_monitor(odeon_to(child))).tag == ODEON_NOPROC);
    ODEON_ASSERT(!odeon_is_alive(child));
    silence();
    return odeon_normal();
}

static odeon_reason end_of(const char *function, odeon_bytes argument) {
    odeon_spawn_call call = {0};
    call.start.entry.function = odeon_text(function);
    call.start.entry.argument = argument;
    call.options.monitor.is_some = true;
    odeon_spawned spawned = odeon_spawn_with(&call);
    made(spawned);
    ODEON_ASSERT(spawned.monitor.is_some);
    return reason_of(spawned.monitor.value);
}

static odeon_reason check_exits(odeon_reader *argument) {
    (void)argument;
    ODEON_ASSERT(end_of("nothing", (odeon_bytes){0}).tag == ODEON_NORMAL);
    odeon_reason reason = end_of("fail", encoded("in words"));
    ODEON_ASSERT(reason.tag == ODEON_ERROR && odeon_is(reason.text, "in words"));
    reason = end_of("crash", encoded("a loud crash"));
    ODEON_ASSERT(reason.tag == ODEON_TRAP && strstr(c_text(reason.text), "a loud crash"));
    odeon_writer writer = {0};
    odeon_write_bytes(&writer, odeon_text("\x01\x02"));
    reason = end_of("custom", odeon_written(&writer));
    ODEON_ASSERT(reason.tag == ODEON_CUSTOM && odeon_is(reason.text, "\x01\x02"));
    reason = end_of("no_such_function", (odeon_bytes){0});
    ODEON_ASSERT(reason.tag == ODEON_ERROR && strstr(c_text(reason.text), "it has echo"));
    return odeon_normal();
}

static odeon_reason check_names(odeon_reader *argument) {
    (void)argument;
    odeon_pid child = spawned("echo"), found;
    ODEON_ASSERT(odeon_register("echo of c", child) == ODEON_REGISTERED);
    ODEON_ASSERT(odeon_register("echo of c", odeon_me()) == ODEON_TAKEN);
    ODEON_ASSERT(odeon_whereis("echo of c", &found) && odeon_same(found, child));
    ODEON_ASSERT(odeon_send_to(odeon_to_name("echo of c"), encoded("hello")));
    odeon_event event = next();
    odeon_reader reader = odeon_read(event.message.body);
    ODEON_ASSERT(odeon_is(odeon_read_text(&reader), "hello"));
    ODEON_ASSERT(odeon_unregister("echo of c"));
    ODEON_ASSERT(!odeon_whereis("echo of c", &found));
    ODEON_ASSERT(!odeon_send_to(odeon_to_name("echo of c"), encoded("hello")));
    return odeon_normal();
}

static odeon_bytes two_numbers(int64_t a, int64_t b) {
    odeon_writer writer = {0};
    odeon_write_array(&writer, 2);
    odeon_write_int(&writer, a);
    odeon_write_int(&writer, b);
    return odeon_written(&writer);
}

static void check_call(odeon_call call, int64_t expected) {
    odeon_result result = odeon_call_run(&call);
    ODEON_ASSERT(!result.is_error);
    odeon_reader reader = odeon_read(result.bytes);
    ODEON_ASSERT(odeon_read_int(&reader) == expected && !reader.problem);
    odeon_result_free(&result);
}

static odeon_reason check_rpc(odeon_reader *argument) {
    (void)argument;
    check_call(odeon_call_of(NULL, "add", two_numbers(20, 22)), 42);
    odeon_call call = odeon_call_of(NULL, "fail", encoded("called"));
    odeon_result result = odeon_call_run(&call);
    ODEON_ASSERT(result.is_error && result.error.tag == ODEON_CALL_ENDED);
    ODEON_ASSERT(odeon_is(result.error.reason.text, "called"));
    call = odeon_call_of(NULL, "waiter", (odeon_bytes){0});
    call.options.timeout_ms = (odeon_option_u64){true, SHORT_MS};
    result = odeon_call_run(&call);
    ODEON_ASSERT(result.is_error && result.error.tag == ODEON_CALL_TIMEOUT);
    /* In the module of the Rust SDK. */
    call = odeon_call_of(NULL, "add", two_numbers(1, 2));
    call.module.tag = ODEON_MODULE_NAME;
    call.module.name = odeon_text("conformance");
    check_call(call, 3);
    odeon_ref request = odeon_call_begin(&call);
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_CALL_REPLY && odeon_same_ref(event.call_reply.request, request));
    ODEON_ASSERT(!event.call_reply.outcome.is_error);
    odeon_event_free(&event);
    silence();
    return odeon_normal();
}

static odeon_reason check_io(odeon_reader *argument) {
    (void)argument;
    odeon_bytes line = {0};
    ODEON_ASSERT(odeon_get_line("who? ", &line));
    ODEON_ASSERT(odeon_print("hello, %.*s", (int)line.length, (const char *)line.ptr));
    odeon_bytes_free(&line);
    ODEON_ASSERT(!odeon_get_line("", &line));
    ODEON_ASSERT(odeon_put_line("that was all"));
    return odeon_normal();
}

/* {"me": pid, "ref": reference, "text": ...}: what is sent to another language. */
static odeon_bytes letter(odeon_ref reference) {
    odeon_writer writer = {0};
    odeon_write_map(&writer, 3);
    odeon_write_text(&writer, "me");
    odeon_write_pid(&writer, odeon_me());
    odeon_write_text(&writer, "ref");
    odeon_write_ref(&writer, reference);
    odeon_write_text(&writer, "text");
    odeon_write_text(&writer, "z\xc3\xbcg");
    return odeon_written(&writer);
}

static void check_letter(odeon_bytes body, odeon_ref reference) {
    odeon_reader letter = odeon_read(body);
    odeon_reader me = odeon_field(&letter, "me"), ref = odeon_field(&letter, "ref");
    odeon_reader text = odeon_field(&letter, "text");
    ODEON_ASSERT(odeon_same(odeon_read_pid(&me), odeon_me()));
    ODEON_ASSERT(odeon_same_ref(odeon_read_ref(&ref), reference));
    ODEON_ASSERT(odeon_is(odeon_read_text(&text), "z\xc3\xbcg"));
    ODEON_ASSERT(!me.problem && !ref.problem && !text.problem);
}

/* An echo on another node, of this module or another one: there and back. */
static void check_echo_on(const char *node, const char *module) {
    odeon_spawn_call call = {0};
    if (module) {
        call.module.tag = ODEON_MODULE_NAME;
        call.module.name = odeon_text(module);
    }
    call.start.entry.function = odeon_text("echo");
    call.options.node = (odeon_option_bytes){true, odeon_text(node)};
    call.options.name = (odeon_option_bytes){true, odeon_text("far echo")};
    call.options.monitor.is_some = true;
    odeon_spawned far = odeon_spawn_with(&call);
    odeon_pid pid = made(far);
    ODEON_ASSERT(pid.node != odeon_me().node);
    odeon_send(pid, letter(far.monitor.value));
    odeon_event event = next();
    ODEON_ASSERT(event.tag == ODEON_MESSAGE && odeon_same(event.message.sender, pid));
    check_letter(event.message.body, far.monitor.value);
    ODEON_ASSERT(odeon_send_to(odeon_to_name_on("far echo", node), encoded("by name")));
    event = next();
    ODEON_ASSERT(event.tag == ODEON_MESSAGE);
    odeon_exit(pid, (odeon_reason){.tag = ODEON_KILL});
    ODEON_ASSERT(reason_of(far.monitor.value).tag == ODEON_KILLED);
}

static odeon_reason check_far(odeon_reader *argument) {
    const char *node = c_text(odeon_read_text(argument));
    ODEON_ASSERT(!argument->problem);
    check_echo_on(node, NULL);
    check_echo_on(node, "conformance");
    check_call(odeon_call_of(node, "add", two_numbers(-5, 2)), -3);
    silence();
    return odeon_normal();
}

ODEON_ACTORS(
    {"echo", echo}, {"waiter", waiter}, {"nothing", nothing}, {"fail", fail}, {"crash", crash},
    {"custom", custom}, {"add", add}, {"check_send", check_send}, {"check_timeout", check_timeout},
    {"check_links", check_links}, {"check_monitors", check_monitors}, {"check_exits", check_exits},
    {"check_names", check_names}, {"check_rpc", check_rpc}, {"check_io", check_io},
    {"check_far", check_far}, {"find", find}, {"member", member}, {"holder", holder},
    {"check_cluster_names", check_cluster_names}, {"check_groups", check_groups},
    {"check_locks", check_locks}, {"check_cluster", check_cluster},
    {"check_name_lost", check_name_lost})
