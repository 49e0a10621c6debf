/* Messages: the CBOR of docs/messages.md. Nothing here knows the host. */
#include "odeon.h"

#include <stdlib.h>
#include <string.h>

enum { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
/* Values within each other, at most: an actor's stack is small, and the sender is not to
 * be able to use it up. */
enum { DEPTH_MAX = 32 };

/* ---- Writing ---- */

static void put(odeon_writer *writer, const void *ptr, size_t length) {
    if (writer->capacity - writer->length < length) {
        size_t needed = writer->length + length;
        size_t capacity = writer->capacity ? writer->capacity * 2 : 64;
        if (needed < length) odeon_panic("out of memory");
        if (capacity < needed) capacity = needed;
        uint8_t *grown = realloc(writer->ptr, capacity);
        if (!grown) odeon_panic("out of memory");
        writer->ptr = grown;
        writer->capacity = capacity;
    }
    if (length) memcpy(writer->ptr + writer->length, ptr, length);
    writer->length += length;
}

static void put_number(odeon_writer *writer, uint8_t first, uint64_t number, size_t length) {
    uint8_t bytes[9] = {first};
    for (size_t i = length; i > 0; i--, number >>= 8) bytes[i] = (uint8_t)number;
    put(writer, bytes, length + 1);
}

/* The head of an item: its major type, and a number in the fewest bytes. */
static void put_head(odeon_writer *writer, uint8_t major, uint64_t number) {
    uint8_t first = (uint8_t)(major << 5);
    if (number < 24) put_number(writer, first | (uint8_t)number, 0, 0);
    else if (number <= UINT8_MAX) put_number(writer, first | 24, number, 1);
    else if (number <= UINT16_MAX) put_number(writer, first | 25, number, 2);
    else if (number <= UINT32_MAX) put_number(writer, first | 26, number, 4);
    else put_number(writer, first | 27, number, 8);
}

void odeon_write_null(odeon_writer *writer) { put(writer, "\xf6", 1); }

void odeon_write_bool(odeon_writer *writer, bool value) { put(writer, value ? "\xf5" : "\xf4", 1); }

void odeon_write_int(odeon_writer *writer, int64_t value) {
    if (value < 0) put_head(writer, NEGATIVE, ~(uint64_t)value);
    else put_head(writer, UNSIGNED, (uint64_t)value);
}

void odeon_write_uint(odeon_writer *writer, uint64_t value) { put_head(writer, UNSIGNED, value); }

void odeon_write_double(odeon_writer *writer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(writer, 0xfb, bits, 8);
}

void odeon_write_text_of(odeon_writer *writer, odeon_bytes text) {
    put_head(writer, TEXT, text.length);
    put(writer, text.ptr, text.length);
}

void odeon_write_text(odeon_writer *writer, const char *text) {
    odeon_write_text_of(writer, odeon_text(text));
}

void odeon_write_bytes(odeon_writer *writer, odeon_bytes bytes) {
    put_head(writer, BYTES, bytes.length);
    put(writer, bytes.ptr, bytes.length);
}

void odeon_write_array(odeon_writer *writer, size_t items) { put_head(writer, ARRAY, items); }

void odeon_write_map(odeon_writer *writer, size_t entries) { put_head(writer, MAP, entries); }

static void write_id(odeon_writer *writer, uint64_t node, uint64_t serial) {
    odeon_write_map(writer, 2);
    odeon_write_text(writer, "node");
    odeon_write_uint(writer, node);
    odeon_write_text(writer, "serial");
    odeon_write_uint(writer, serial);
}

void odeon_write_pid(odeon_writer *writer, odeon_pid pid) { write_id(writer, pid.node, pid.serial); }

void odeon_write_ref(odeon_writer *writer, odeon_ref reference) {
    write_id(writer, reference.node, reference.serial);
}

odeon_bytes odeon_written(const odeon_writer *writer) {
    return (odeon_bytes){writer->ptr, writer->length};
}

void odeon_writer_free(odeon_writer *writer) {
    free(writer->ptr);
    *writer = (odeon_writer){0};
}

/* ---- Reading ---- */

static bool wrong(odeon_reader *reader, const char *problem) {
    if (!reader->problem) reader->problem = problem;
    reader->at = reader->end;
    return false;
}

/* The head of the next item: its major type, its low bits and its number. */
typedef struct { uint8_t major, info; uint64_t number; } head;

static bool read_head(odeon_reader *reader, head *out) {
    if (reader->problem) return false;
    if (reader->at == reader->end) return wrong(reader, "it ends too early");
    uint8_t first = *reader->at++;
    *out = (head){first >> 5, first & 31, first & 31};
    if (out->info < 24) return true;
    if (out->info > 27) return wrong(reader, "a length that is not of use here");
    size_t length = (size_t)1 << (out->info - 24);
    if ((size_t)(reader->end - reader->at) < length) return wrong(reader, "it ends too early");
    out->number = 0;
    while (length--) out->number = out->number << 8 | *reader->at++;
    return true;
}

static bool is_utf8(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        uint8_t first = *at++;
        if (first < 0x80) continue;
        int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || end - at < more) return false;
        /* The second byte keeps out long forms, surrogates and what is beyond Unicode. */
        uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (*at < low || *at > high) return false;
        for (at++; --more; at++)
            if (*at < 0x80 || *at > 0xbf) return false;
    }
    return true;
}

static bool check(odeon_reader *reader, int depth) {
    head it;
    if (depth > DEPTH_MAX) return wrong(reader, "it is nested too deeply");
    if (!read_head(reader, &it)) return false;
    size_t left = (size_t)(reader->end - reader->at);
    switch (it.major) {
    case NEGATIVE:
        return it.number <= INT64_MAX || wrong(reader, "an integer below -2^63");
    case BYTES:
    case TEXT:
        if (it.number > left) return wrong(reader, "it ends too early");
        if (it.major == TEXT && !is_utf8(reader->at, reader->at + it.number))
            return wrong(reader, "a text that is not UTF-8");
        reader->at += it.number;
        return true;
    case ARRAY:
    case MAP:
        /* Each item takes a byte at least. */
        if (it.number > left) return wrong(reader, "it ends too early");
        for (uint64_t items = it.number * (it.major == MAP ? 2 : 1); items; items--)
            if (!check(reader, depth + 1)) return false;
        return true;
    case TAG: return wrong(reader, "a tag, which messages do not have");
    case SIMPLE:
        if ((it.info >= 20 && it.info <= 23) || it.info == 26 || it.info == 27) return true;
        return wrong(reader, "a simple value, which messages do not have");
    default: return true;
    }
}

odeon_reader odeon_read(odeon_bytes body) {
    odeon_reader whole = {body.ptr, (const uint8_t *)body.ptr + body.length, NULL};
    static const uint8_t null = 0xf6;
    if (!body.length) return (odeon_reader){&null, &null + 1, NULL};
    odeon_reader checked = whole;
    if (check(&checked, 1) && checked.at != checked.end) wrong(&checked, "bytes behind the value");
    return checked.problem ? checked : whole;
}

odeon_kind odeon_next(const odeon_reader *reader) {
    static const odeon_kind kinds[] = {ODEON_IS_UNSIGNED, ODEON_IS_NEGATIVE, ODEON_IS_BYTES,
                                       ODEON_IS_TEXT, ODEON_IS_ARRAY, ODEON_IS_MAP};
    if (reader->problem || reader->at == reader->end) return ODEON_IS_NOTHING;
    uint8_t first = *reader->at;
    if (first >> 5 < TAG) return kinds[first >> 5];
    if (first == 0xf4 || first == 0xf5) return ODEON_IS_BOOL;
    return first == 0xfa || first == 0xfb ? ODEON_IS_DOUBLE : ODEON_IS_NULL;
}

bool odeon_read_null(odeon_reader *reader) {
    odeon_kind kind = odeon_next(reader);
    /* The empty array is how typed languages write a value without content. */
    if (kind != ODEON_IS_NULL && !(kind == ODEON_IS_ARRAY && *reader->at == 0x80))
        return wrong(reader, "expected null");
    reader->at++;
    return true;
}

bool odeon_read_bool(odeon_reader *reader) {
    if (odeon_next(reader) != ODEON_IS_BOOL) return wrong(reader, "expected a boolean");
    return *reader->at++ == 0xf5;
}

int64_t odeon_read_int(odeon_reader *reader) {
    head it;
    odeon_kind kind = odeon_next(reader);
    if (kind != ODEON_IS_UNSIGNED && kind != ODEON_IS_NEGATIVE)
        return wrong(reader, "expected an integer");
    if (!read_head(reader, &it)) return 0;
    if (it.number > INT64_MAX) return wrong(reader, "an integer out of range");
    return kind == ODEON_IS_NEGATIVE ? -1 - (int64_t)it.number : (int64_t)it.number;
}

uint64_t odeon_read_uint(odeon_reader *reader) {
    head it;
    odeon_kind kind = odeon_next(reader);
    if (kind == ODEON_IS_NEGATIVE) return wrong(reader, "an integer out of range");
    if (kind != ODEON_IS_UNSIGNED) return wrong(reader, "expected an integer");
    return read_head(reader, &it) ? it.number : 0;
}

double odeon_read_double(odeon_reader *reader) {
    head it;
    odeon_kind kind = odeon_next(reader);
    if (kind == ODEON_IS_NOTHING || (kind != ODEON_IS_UNSIGNED && kind != ODEON_IS_NEGATIVE &&
                                     kind != ODEON_IS_DOUBLE))
        return wrong(reader, "expected a number");
    if (!read_head(reader, &it)) return 0;
    if (kind == ODEON_IS_UNSIGNED) return (double)it.number;
    if (kind == ODEON_IS_NEGATIVE) return -1.0 - (double)it.number;
    if (it.info == 27) {
        double value;
        memcpy(&value, &it.number, sizeof value);
        return value;
    }
    float value;
    uint32_t bits = (uint32_t)it.number;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static odeon_bytes read_bytes_of(odeon_reader *reader, odeon_kind kind, const char *problem) {
    head it;
    if (odeon_next(reader) != kind || !read_head(reader, &it)) {
        wrong(reader, problem);
        return (odeon_bytes){0};
    }
    odeon_bytes bytes = {reader->at, (size_t)it.number};
    reader->at += it.number;
    return bytes;
}

odeon_bytes odeon_read_text(odeon_reader *reader) {
    return read_bytes_of(reader, ODEON_IS_TEXT, "expected a text");
}

odeon_bytes odeon_read_bytes(odeon_reader *reader) {
    return read_bytes_of(reader, ODEON_IS_BYTES, "expected bytes");
}

static size_t read_count(odeon_reader *reader, odeon_kind kind, const char *problem) {
    head it;
    if (odeon_next(reader) == kind && read_head(reader, &it)) return (size_t)it.number;
    return wrong(reader, problem);
}

size_t odeon_read_array(odeon_reader *reader) {
    if (odeon_next(reader) == ODEON_IS_NULL) {
        reader->at++;
        return 0;
    }
    return read_count(reader, ODEON_IS_ARRAY, "expected an array");
}

size_t odeon_read_map(odeon_reader *reader) {
    return read_count(reader, ODEON_IS_MAP, "expected a map");
}

void odeon_skip(odeon_reader *reader) { check(reader, 1); }

odeon_reader odeon_field(const odeon_reader *map, const char *name) {
    odeon_reader reader = *map;
    if (odeon_next(&reader) != ODEON_IS_MAP) {
        wrong(&reader, "expected a map");
        return reader;
    }
    for (size_t entries = odeon_read_map(&reader); entries; entries--) {
        if (odeon_next(&reader) == ODEON_IS_TEXT) {
            if (odeon_is(odeon_read_text(&reader), name)) return reader;
        } else {
            odeon_skip(&reader);
        }
        odeon_skip(&reader);
    }
    return odeon_read((odeon_bytes){0});
}

static odeon_pid read_id(odeon_reader *reader) {
    odeon_reader node = odeon_field(reader, "node"), serial = odeon_field(reader, "serial");
    odeon_pid id = {odeon_read_uint(&node), odeon_read_uint(&serial)};
    odeon_skip(reader);
    if (node.problem || serial.problem || id.node >> 53 || id.serial >> 53) {
        wrong(reader, "expected a pid or a reference");
        return (odeon_pid){0};
    }
    return id;
}

odeon_pid odeon_read_pid(odeon_reader *reader) { return read_id(reader); }

odeon_ref odeon_read_ref(odeon_reader *reader) {
    odeon_pid id = read_id(reader);
    return (odeon_ref){id.node, id.serial};
}
