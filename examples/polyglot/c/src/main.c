/* The stage that sums up what an order costs. */
#include "odeon.h"

#include <stdlib.h>
#include <string.h>

/* What a reader is at, as it is in the message. */
static odeon_bytes raw(const odeon_reader *field) {
    odeon_reader end = *field;
    odeon_skip(&end);
    return (odeon_bytes){field->at, (size_t)(end.at - field->at)};
}

static void write_raw(odeon_writer *to, odeon_bytes item) {
    uint8_t *grown = realloc(to->ptr, to->length + item.length);
    if (!grown) odeon_panic("no memory");
    memcpy(grown + to->length, item.ptr, item.length);
    to->ptr = grown;
    to->capacity = to->length += item.length;
}

static int64_t sum(odeon_reader items) {
    int64_t cents = 0;
    for (size_t left = odeon_read_array(&items); left; left--, odeon_skip(&items)) {
        odeon_reader pieces = odeon_field(&items, "pieces"), price = odeon_field(&items, "cents");
        int64_t count = odeon_read_int(&pieces), each = odeon_read_int(&price);
        ODEON_ASSERT(!pieces.problem && !price.problem && count > 0 && each >= 0);
        if (each > (INT64_MAX - cents) / count) odeon_panic("an order costs too much");
        cents += count * each;
    }
    return cents;
}

/* The array of this field, and one more text. */
static void write_trail(odeon_writer *to, odeon_reader trail) {
    odeon_bytes node = odeon_node_name();
    char here[300] = "C on ";
    strncat(here, node.ptr, node.length < 256 ? node.length : 256);
    odeon_bytes_free(&node);
    size_t stages = odeon_read_array(&trail);
    odeon_write_array(to, stages + 1);
    for (; stages; stages--) {
        write_raw(to, raw(&trail));
        odeon_skip(&trail);
    }
    odeon_write_text(to, here);
}

/* The order, with another sum and one more stage; all other fields as they came. */
static void write_order(odeon_writer *to, const odeon_reader *order) {
    odeon_reader field = *order;
    size_t fields = odeon_read_map(&field);
    odeon_write_map(to, fields);
    for (; fields; fields--) {
        odeon_bytes name = odeon_read_text(&field);
        odeon_write_text_of(to, name);
        if (odeon_is(name, "cents")) odeon_write_int(to, sum(odeon_field(order, "items")));
        else if (odeon_is(name, "trail")) write_trail(to, field);
        else write_raw(to, raw(&field));
        odeon_skip(&field);
    }
}

/* A copy of a text that outlives the message. */
static odeon_bytes kept(odeon_reader field) {
    odeon_bytes text = odeon_read_text(&field);
    void *copy = malloc(text.length);
    ODEON_ASSERT(!field.problem && copy);
    memcpy(copy, text.ptr, text.length);
    return (odeon_bytes){copy, text.length};
}

static odeon_reason stage(odeon_reader *next) {
    odeon_destination to = {.tag = ODEON_TO_NODE_NAME};
    to.node_name.name = kept(odeon_field(next, "name"));
    to.node_name.node = kept(odeon_field(next, "node"));
    for (odeon_event event;; odeon_event_free(&event)) {
        odeon_receive(&event, ODEON_FOREVER);
        if (event.tag != ODEON_MESSAGE) continue;
        odeon_reader order = odeon_read(event.message.body);
        if (order.problem) return odeon_misread(&order);
        odeon_writer writer = {0};
        write_order(&writer, &order);
        odeon_send_to(to, odeon_written(&writer));
        odeon_writer_free(&writer);
    }
}

ODEON_ACTORS({"stage", stage})
