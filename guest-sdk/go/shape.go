package odeon

import (
	"reflect"
	"strings"
	"unicode"
)

// Variant makes a struct that embeds it one of several cases: its other fields are pointers,
// of which exactly one is not nil. The field's name is the case; one that points to struct{}
// has no content.
//
//	type Order struct {
//		odeon.Variant
//		Add  *int64    // {"Add": 5}
//		Stop *struct{} // "Stop"
//	}
type Variant struct{}

// shape is how a struct lies in messages.
type shape struct {
	kind   shapeKind
	fields []field
}

type shapeKind uint8

const (
	isRecord shapeKind = iota
	isVariant
	isID
	isReason
)

type field struct {
	name  string
	index int
	// isEmpty: a case without content.
	isEmpty bool
}

// shapes keeps what is known of types. Within an actor nothing runs at the same time.
var shapes = map[reflect.Type]*shape{}

func shapeOf(of reflect.Type) (*shape, error) {
	if known, is := shapes[of]; is {
		return known, nil
	}
	made, err := newShape(of)
	if err != nil {
		return nil, err
	}
	shapes[of] = made
	return made, nil
}

func newShape(of reflect.Type) (*shape, error) {
	switch of {
	case reflect.TypeFor[Pid](), reflect.TypeFor[Ref]():
		return &shape{kind: isID}, nil
	case reflect.TypeFor[Reason]():
		return &shape{kind: isReason}, nil
	}
	made := &shape{}
	for i := range of.NumField() {
		it := of.Field(i)
		if it.Anonymous && it.Type == reflect.TypeFor[Variant]() {
			made.kind = isVariant
		}
	}
	for i := range of.NumField() {
		it := of.Field(i)
		name := it.Tag.Get("odeon")
		if !it.IsExported() || name == "-" || it.Type == reflect.TypeFor[Variant]() {
			continue
		}
		known := field{name: name, index: i}
		if made.kind == isVariant {
			if it.Type.Kind() != reflect.Pointer {
				return nil, wrong("%s.%s: a case is a pointer", of, it.Name)
			}
			known.isEmpty = it.Type.Elem() == reflect.TypeFor[struct{}]()
			if name == "" {
				known.name = it.Name
			}
		} else if name == "" {
			known.name = snake(it.Name)
		}
		made.fields = append(made.fields, known)
	}
	return made, nil
}

// snake gives "reply_to" of ReplyTo, and "node_id" of NodeID.
func snake(name string) string {
	var text strings.Builder
	letters := []rune(name)
	for i, letter := range letters {
		begins := unicode.IsUpper(letter) && i > 0 &&
			(!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1]))
		if begins && letters[i-1] != '_' {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToLower(letter))
	}
	return text.String()
}
