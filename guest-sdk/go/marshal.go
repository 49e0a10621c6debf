package odeon

import (
	"bytes"
	"reflect"
	"slices"
)

// Marshal gives the body of a value, as docs/messages.md has it:
//
//	nil, nil pointers and interfaces   null
//	bool, integers, floats, string     themselves; a float32 as a float64
//	[]byte, [n]byte                    bytes
//	other slices and arrays            arrays
//	maps                               maps, in the order of their keys' bytes
//	Map                                a map, in its own order
//	structs                            maps, by the names of their exported fields
//	struct{}                           the unit
//	structs that embed Variant         a variant
//	Pid, Ref, Reason                   what the page says of them
//
// A field's name is that of its tag `odeon:"name"`, or its own in the manner of the other
// languages: ReplyTo is "reply_to". A field tagged "-" is left out. Values lie in each other
// 32 levels deep at most.
//
// The error is a *MessageError.
func Marshal(value any) ([]byte, error) { return appendAny(nil, value, 1) }

// Args is the argument of a function that has several parameters.
type Args = []any

func appendAny(to []byte, value any, depth int) ([]byte, error) {
	if depth > depthMax {
		return nil, wrong("values lie more than %d levels deep", depthMax)
	}
	switch it := value.(type) {
	case nil:
		return append(to, itemNull), nil
	case bool:
		return appendBool(to, it), nil
	case int:
		return appendInt(to, int64(it)), nil
	case int64:
		return appendInt(to, it), nil
	case uint64:
		return appendHead(to, majorUnsigned, it), nil
	case float64:
		return appendFloat(to, it), nil
	case string:
		return appendText(to, it), nil
	case []byte:
		return appendBytes(to, it), nil
	case []any:
		return appendItems(to, it, depth)
	case Map:
		return appendEntries(to, it, depth)
	}
	return appendValue(to, reflect.ValueOf(value), depth)
}

func appendBool(to []byte, is bool) []byte {
	if is {
		return append(to, itemTrue)
	}
	return append(to, itemFalse)
}

func appendItems(to []byte, items []any, depth int) (_ []byte, err error) {
	to = appendHead(to, majorArray, uint64(len(items)))
	for _, item := range items {
		if to, err = appendAny(to, item, depth+1); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func appendEntries(to []byte, entries Map, depth int) (_ []byte, err error) {
	to = appendHead(to, majorMap, uint64(len(entries)))
	for _, entry := range entries {
		if to, err = appendAny(to, entry.Key, depth+1); err != nil {
			return nil, err
		}
		if to, err = appendAny(to, entry.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func appendValue(to []byte, value reflect.Value, depth int) ([]byte, error) {
	if depth > depthMax {
		return nil, wrong("values lie more than %d levels deep", depthMax)
	}
	switch value.Kind() {
	case reflect.Bool:
		return appendBool(to, value.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendInt(to, value.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return appendHead(to, majorUnsigned, value.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return appendFloat(to, value.Float()), nil
	case reflect.String:
		return appendText(to, value.String()), nil
	case reflect.Pointer:
		if value.IsNil() {
			return append(to, itemNull), nil
		}
		// No level of its own in the message.
		return appendValue(to, value.Elem(), depth)
	case reflect.Interface:
		if value.IsNil() {
			return append(to, itemNull), nil
		}
		return appendAny(to, value.Elem().Interface(), depth)
	case reflect.Slice, reflect.Array:
		return appendList(to, value, depth)
	case reflect.Map:
		return appendMap(to, value, depth)
	case reflect.Struct:
		return appendStruct(to, value, depth)
	}
	if !value.IsValid() {
		return append(to, itemNull), nil
	}
	return nil, wrong("no message holds a %s", value.Type())
}

func appendList(to []byte, value reflect.Value, depth int) (_ []byte, err error) {
	if value.Type() == reflect.TypeFor[Map]() {
		return appendEntries(to, value.Interface().(Map), depth)
	}
	length := value.Len()
	if value.Type().Elem().Kind() == reflect.Uint8 {
		to = appendHead(to, majorBytes, uint64(length))
		for i := range length {
			to = append(to, byte(value.Index(i).Uint()))
		}
		return to, nil
	}
	to = appendHead(to, majorArray, uint64(length))
	for i := range length {
		if to, err = appendValue(to, value.Index(i), depth+1); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func appendMap(to []byte, value reflect.Value, depth int) ([]byte, error) {
	type entry struct{ key, value []byte }
	entries := make([]entry, 0, value.Len())
	for each := value.MapRange(); each.Next(); {
		key, err := appendValue(nil, each.Key(), depth+1)
		if err != nil {
			return nil, err
		}
		item, err := appendValue(nil, each.Value(), depth+1)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{key, item})
	}
	slices.SortFunc(entries, func(one, other entry) int { return bytes.Compare(one.key, other.key) })
	to = appendHead(to, majorMap, uint64(len(entries)))
	for _, entry := range entries {
		to = append(append(to, entry.key...), entry.value...)
	}
	return to, nil
}

func appendStruct(to []byte, value reflect.Value, depth int) (_ []byte, err error) {
	shape, err := shapeOf(value.Type())
	if err != nil {
		return nil, err
	}
	switch shape.kind {
	case isID:
		return appendID(to, value.Field(0).Uint(), value.Field(1).Uint()), nil
	case isReason:
		return appendReason(to, value.Interface().(Reason))
	case isVariant:
		return appendVariant(to, value, shape, depth)
	}
	if value.NumField() == 0 {
		return append(to, itemUnit), nil
	}
	to = appendHead(to, majorMap, uint64(len(shape.fields)))
	for _, field := range shape.fields {
		to = appendText(to, field.name)
		if to, err = appendValue(to, value.Field(field.index), depth+1); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func appendVariant(to []byte, value reflect.Value, shape *shape, depth int) ([]byte, error) {
	chosen := -1
	for i, field := range shape.fields {
		if value.Field(field.index).IsNil() {
			continue
		}
		if chosen >= 0 {
			return nil, wrong("%s has more than one case", value.Type())
		}
		chosen = i
	}
	if chosen < 0 {
		return nil, wrong("%s has no case", value.Type())
	}
	field := shape.fields[chosen]
	if field.isEmpty {
		return appendText(to, field.name), nil
	}
	to = appendText(appendHead(to, majorMap, 1), field.name)
	return appendValue(to, value.Field(field.index).Elem(), depth+1)
}

func appendReason(to []byte, reason Reason) ([]byte, error) {
	if int(reason.Kind) >= len(reasonNames) {
		return nil, wrong("there is no exit reason %d", reason.Kind)
	}
	name := reasonNames[reason.Kind]
	switch {
	case reason.Kind == KindExitCode:
		to = appendText(appendHead(to, majorMap, 1), name)
		return appendHead(to, majorUnsigned, uint64(reason.Code)), nil
	case reason.Kind == KindCustom:
		to = appendText(appendHead(to, majorMap, 1), name)
		return appendBytes(to, []byte(reason.Text)), nil
	case reason.Kind.hasText():
		to = appendText(appendHead(to, majorMap, 1), name)
		return appendText(to, reason.Text), nil
	}
	return appendText(to, name), nil
}
