package odeon

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// depthMax is how many levels values may lie in each other: a sender is not to be able to use
// up the stack of who reads.
const depthMax = 32

// MessageError is why bytes are not the value that is wanted, or why a value is none that a
// message holds.
type MessageError struct{ Text string }

func (err *MessageError) Error() string { return "message: " + err.Text }

func wrong(format string, values ...any) error {
	return &MessageError{fmt.Sprintf(format, values...)}
}

// Map is a map of a message that is read without a type: its entries in the order in which
// they came. Keys may be any values. It is written as it is.
type Map []Entry

// Entry is one of a Map.
type Entry struct{ Key, Value any }

// Get gives the value of a text's entry, or nil.
func (entries Map) Get(key string) any {
	for _, entry := range entries {
		if entry.Key == key {
			return entry.Value
		}
	}
	return nil
}

// Major types of CBOR.
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// Items of one byte.
const (
	itemFalse     = 0xf4
	itemTrue      = 0xf5
	itemNull      = 0xf6
	itemUndefined = 0xf7
	itemUnit      = 0x80
	itemSingle    = 0xfa
	itemDouble    = 0xfb
)

func appendHead(to []byte, major byte, number uint64) []byte {
	first := major << 5
	switch {
	case number < 24:
		return append(to, first|byte(number))
	case number <= math.MaxUint8:
		return append(to, first|24, byte(number))
	case number <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, first|25), uint16(number))
	case number <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(to, first|26), uint32(number))
	}
	return binary.BigEndian.AppendUint64(append(to, first|27), number)
}

func appendInt(to []byte, number int64) []byte {
	if number < 0 {
		return appendHead(to, majorNegative, uint64(^number))
	}
	return appendHead(to, majorUnsigned, uint64(number))
}

func appendFloat(to []byte, number float64) []byte {
	return binary.BigEndian.AppendUint64(append(to, itemDouble), math.Float64bits(number))
}

func appendText(to []byte, text string) []byte {
	return append(appendHead(to, majorText, uint64(len(text))), text...)
}

func appendBytes(to []byte, bytes []byte) []byte {
	return append(appendHead(to, majorBytes, uint64(len(bytes))), bytes...)
}

// appendID writes a pid or a reference.
func appendID(to []byte, node, serial uint64) []byte {
	to = append(to, "\xa2\x64node"...)
	to = appendHead(to, majorUnsigned, node)
	to = append(to, "\x66serial"...)
	return appendHead(to, majorUnsigned, serial)
}

// head is the start of an item.
type head struct {
	major  byte
	info   byte
	number uint64
}

// reader reads items from bytes that stay where they are.
type reader struct{ rest []byte }

// readerOf checks that a body is one value, whole and sound. After that reading fails for what
// is expected, and for nothing else.
func readerOf(body []byte) (reader, error) {
	if len(body) == 0 {
		return reader{[]byte{itemNull}}, nil
	}
	whole := reader{body}
	if err := whole.skip(1); err != nil {
		return reader{}, err
	}
	if len(whole.rest) > 0 {
		return reader{}, wrong("%d bytes behind the value", len(whole.rest))
	}
	return reader{body}, nil
}

var errEnds = &MessageError{"it ends too early"}

func (from *reader) take(count uint64) ([]byte, error) {
	if count > uint64(len(from.rest)) {
		return nil, errEnds
	}
	taken := from.rest[:count:count]
	from.rest = from.rest[count:]
	return taken, nil
}

func (from *reader) head() (head, error) {
	first, err := from.take(1)
	if err != nil {
		return head{}, err
	}
	it := head{major: first[0] >> 5, info: first[0] & 31}
	if it.info < 24 {
		it.number = uint64(it.info)
		return it, nil
	}
	if it.info > 27 {
		return head{}, wrong("no message holds an item that begins with %#x", first[0])
	}
	bytes, err := from.take(1 << (it.info - 24))
	for _, digit := range bytes {
		it.number = it.number<<8 | uint64(digit)
	}
	return it, err
}

// skip passes over one value, and checks it.
func (from *reader) skip(depth int) error {
	if depth > depthMax {
		return wrong("values lie more than %d levels deep", depthMax)
	}
	it, err := from.head()
	if err != nil {
		return err
	}
	switch it.major {
	case majorNegative:
		if it.number > math.MaxInt64 {
			return wrong("an integer is below -2^63")
		}
	case majorBytes:
		_, err = from.take(it.number)
	case majorText:
		var text []byte
		if text, err = from.take(it.number); err == nil && !utf8.Valid(text) {
			return wrong("a text is not UTF-8")
		}
	case majorArray, majorMap:
		return from.skipItems(it, depth)
	case majorTag:
		return wrong("no message holds a tag")
	case majorSimple:
		if it.info < 20 || it.info > 27 || it.info == 24 || it.info == 25 {
			return wrong("no message holds the simple value %d", it.number)
		}
	}
	return err
}

func (from *reader) skipItems(it head, depth int) error {
	// Each item takes a byte at least.
	if it.number > uint64(len(from.rest)) {
		return errEnds
	}
	count := it.number
	if it.major == majorMap {
		count *= 2
	}
	for range count {
		if err := from.skip(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// isNull tells whether null or undefined comes next.
func (from *reader) isNull() bool {
	return from.rest[0] == itemNull || from.rest[0] == itemUndefined
}

// found says what comes next, for people.
func (from *reader) found() string {
	switch first := from.rest[0]; first >> 5 {
	case majorUnsigned, majorNegative:
		return "an integer"
	case majorBytes:
		return "bytes"
	case majorText:
		return "a text"
	case majorArray:
		return "an array"
	case majorMap:
		return "a map"
	default:
		switch first {
		case itemFalse, itemTrue:
			return "a boolean"
		case itemNull, itemUndefined:
			return "null"
		}
		return "a floating-point number"
	}
}

// expect reads the head of an item of this major type.
func (from *reader) expect(major byte, what string) (uint64, error) {
	if from.rest[0]>>5 != major {
		return 0, wrong("%s was expected, not %s", what, from.found())
	}
	it, err := from.head()
	return it.number, err
}

func (from *reader) text() (string, error) {
	length, err := from.expect(majorText, "a text")
	if err != nil {
		return "", err
	}
	text, err := from.take(length)
	return string(text), err
}

// bytes gives bytes that point into the message.
func (from *reader) bytes() ([]byte, error) {
	length, err := from.expect(majorBytes, "bytes")
	if err != nil {
		return nil, err
	}
	return from.take(length)
}

// integer gives an integer as its magnitude: n, or -1-n where it is negative.
func (from *reader) integer() (negative bool, number uint64, err error) {
	if major := from.rest[0] >> 5; major > majorNegative {
		return false, 0, wrong("an integer was expected, not %s", from.found())
	}
	it, err := from.head()
	return it.major == majorNegative, it.number, err
}

// float gives any number.
func (from *reader) float() (float64, error) {
	switch from.rest[0] {
	case itemSingle:
		it, err := from.head()
		return float64(math.Float32frombits(uint32(it.number))), err
	case itemDouble:
		it, err := from.head()
		return math.Float64frombits(it.number), err
	}
	if from.rest[0]>>5 > majorNegative {
		return 0, wrong("a number was expected, not %s", from.found())
	}
	negative, number, err := from.integer()
	if negative {
		return -1 - float64(number), err
	}
	return float64(number), err
}

// value reads whatever comes: nil, bool, int64 (uint64 beyond), float64, string, []byte, []any
// or Map.
func (from *reader) value() (any, error) {
	switch major := from.rest[0] >> 5; major {
	case majorUnsigned, majorNegative:
		negative, number, err := from.integer()
		switch {
		case negative:
			return -1 - int64(number), err
		case number > math.MaxInt64:
			return number, err
		}
		return int64(number), err
	case majorBytes:
		bytes, err := from.bytes()
		return append([]byte{}, bytes...), err
	case majorText:
		return from.text()
	case majorArray:
		it, err := from.head()
		items := make([]any, it.number)
		for i := range items {
			if items[i], err = from.value(); err != nil {
				return nil, err
			}
		}
		return items, err
	case majorMap:
		it, err := from.head()
		entries := make(Map, it.number)
		for i := range entries {
			if entries[i].Key, err = from.value(); err != nil {
				return nil, err
			}
			if entries[i].Value, err = from.value(); err != nil {
				return nil, err
			}
		}
		return entries, err
	}
	return from.simple()
}

func (from *reader) simple() (any, error) {
	switch first := from.rest[0]; first {
	case itemSingle, itemDouble:
		return from.float()
	default:
		_, err := from.take(1)
		if first == itemNull || first == itemUndefined {
			return nil, err
		}
		return first == itemTrue, err
	}
}
