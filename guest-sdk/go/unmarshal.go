package odeon

import (
	"math"
	"reflect"
)

// Unmarshal reads a body into what target points to, by the table of Marshal. Into an any come
// nil, bool, int64 (uint64 beyond it), float64, string, []byte, []any and Map.
//
// Nothing becomes another value than was sent: an integer that a type does not hold is an error.
// Only a number that is to be a float may have come as an integer, since JavaScript writes 5.0
// so. Fields that a struct does not have are passed over; one that is missing is an error unless
// it is a pointer or an any, which then is nil.
//
// The error is a *MessageError.
func Unmarshal(body []byte, target any) error {
	value := reflect.ValueOf(target)
	if value.Kind() != reflect.Pointer || value.IsNil() {
		return wrong("Unmarshal needs a pointer, not %T", target)
	}
	from, err := readerOf(body)
	if err != nil {
		return err
	}
	if whole, is := target.(*any); is {
		*whole, err = from.value()
		return err
	}
	return from.into(value.Elem())
}

func (from *reader) into(value reflect.Value) error {
	switch value.Kind() {
	case reflect.Pointer:
		if from.isNull() {
			value.SetZero()
			return from.skip(1)
		}
		made := reflect.New(value.Type().Elem())
		if err := from.into(made.Elem()); err != nil {
			return err
		}
		value.Set(made)
		return nil
	case reflect.Interface:
		if value.NumMethod() > 0 {
			return wrong("nothing is read as a %s", value.Type())
		}
		it, err := from.value()
		if it == nil || err != nil {
			value.SetZero()
			return err
		}
		value.Set(reflect.ValueOf(it))
		return nil
	case reflect.Slice:
		return from.intoSlice(value)
	case reflect.Array:
		return from.intoArray(value)
	case reflect.Map:
		return from.intoMap(value)
	case reflect.Struct:
		return from.intoStruct(value)
	}
	return from.intoPlain(value)
}

func (from *reader) intoPlain(value reflect.Value) error {
	switch value.Kind() {
	case reflect.Bool:
		if first := from.rest[0]; first != itemTrue && first != itemFalse {
			return wrong("a boolean was expected, not %s", from.found())
		}
		value.SetBool(from.rest[0] == itemTrue)
		return from.skip(1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return from.intoInt(value)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		negative, number, err := from.integer()
		if err != nil {
			return err
		}
		if negative || value.OverflowUint(number) {
			return wrong("the integer is out of range of %s", value.Type())
		}
		value.SetUint(number)
		return nil
	case reflect.Float32, reflect.Float64:
		number, err := from.float()
		if err != nil {
			return err
		}
		if value.OverflowFloat(number) {
			return wrong("the number is out of range of %s", value.Type())
		}
		value.SetFloat(number)
		return nil
	case reflect.String:
		text, err := from.text()
		value.SetString(text)
		return err
	}
	return wrong("no message holds a %s", value.Type())
}

func (from *reader) intoInt(value reflect.Value) error {
	negative, number, err := from.integer()
	if err != nil {
		return err
	}
	signed := int64(number)
	if negative {
		signed = -1 - signed
	}
	if number > math.MaxInt64 || value.OverflowInt(signed) {
		return wrong("the integer is out of range of %s", value.Type())
	}
	value.SetInt(signed)
	return nil
}

func (from *reader) intoSlice(value reflect.Value) error {
	if value.Type() == reflect.TypeFor[Map]() {
		if from.rest[0]>>5 != majorMap {
			return wrong("a map was expected, not %s", from.found())
		}
		it, err := from.value()
		value.Set(reflect.ValueOf(it))
		return err
	}
	if value.Type().Elem().Kind() == reflect.Uint8 {
		bytes, err := from.bytes()
		value.SetBytes(append([]byte{}, bytes...))
		return err
	}
	count, err := from.expect(majorArray, "an array")
	if err != nil {
		return err
	}
	// Not all at once: an item may be much larger than what it takes in a message.
	made := reflect.MakeSlice(value.Type(), 0, int(min(count, 64)))
	item := reflect.New(value.Type().Elem()).Elem()
	for range count {
		item.SetZero()
		if err := from.into(item); err != nil {
			return err
		}
		made = reflect.Append(made, item)
	}
	value.Set(made)
	return nil
}

func (from *reader) intoArray(value reflect.Value) error {
	if value.Type().Elem().Kind() == reflect.Uint8 {
		bytes, err := from.bytes()
		if err == nil && len(bytes) != value.Len() {
			err = wrong("%d bytes were expected, not %d", value.Len(), len(bytes))
		}
		if err != nil {
			return err
		}
		for i, it := range bytes {
			value.Index(i).SetUint(uint64(it))
		}
		return nil
	}
	count, err := from.expect(majorArray, "an array")
	if err != nil {
		return err
	}
	if count != uint64(value.Len()) {
		return wrong("an array of %d was expected, not of %d", value.Len(), count)
	}
	for i := range value.Len() {
		if err := from.into(value.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (from *reader) intoMap(value reflect.Value) error {
	count, err := from.expect(majorMap, "a map")
	if err != nil {
		return err
	}
	of := value.Type()
	made := reflect.MakeMap(of)
	for range count {
		key, item := reflect.New(of.Key()).Elem(), reflect.New(of.Elem()).Elem()
		if err := from.into(key); err != nil {
			return err
		}
		if !key.Comparable() {
			return wrong("%s can be no key of a map", key.Type())
		}
		if err := from.into(item); err != nil {
			return err
		}
		made.SetMapIndex(key, item)
	}
	value.Set(made)
	return nil
}

func (from *reader) intoStruct(value reflect.Value) error {
	shape, err := shapeOf(value.Type())
	if err != nil {
		return err
	}
	switch shape.kind {
	case isID:
		return from.intoID(value)
	case isReason:
		return from.intoReason(value)
	case isVariant:
		return from.intoVariant(value, shape)
	}
	if value.NumField() == 0 && (from.isNull() || from.rest[0] == itemUnit) {
		return from.skip(1)
	}
	return from.intoRecord(value, shape)
}

func (from *reader) intoRecord(value reflect.Value, shape *shape) error {
	count, err := from.expect(majorMap, "a map")
	if err != nil {
		return err
	}
	came := make([]bool, len(shape.fields))
	for range count {
		at := -1
		if from.rest[0]>>5 == majorText {
			name, err := from.text()
			if err != nil {
				return err
			}
			at = shape.find(name)
		} else if err := from.skip(1); err != nil {
			return err
		}
		if at < 0 {
			if err := from.skip(1); err != nil {
				return err
			}
			continue
		}
		if err := from.into(value.Field(shape.fields[at].index)); err != nil {
			return within(value.Type().Name()+"."+shape.fields[at].name, err)
		}
		came[at] = true
	}
	for at, is := range came {
		if is {
			continue
		}
		absent := value.Field(shape.fields[at].index)
		if kind := absent.Kind(); kind != reflect.Pointer && kind != reflect.Interface {
			return wrong("%s.%s is missing", value.Type().Name(), shape.fields[at].name)
		}
		absent.SetZero()
	}
	return nil
}

func (shape *shape) find(name string) int {
	for at := range shape.fields {
		if shape.fields[at].name == name {
			return at
		}
	}
	return -1
}

// within says where in a message an error is.
func within(where string, err error) error {
	if problem, is := err.(*MessageError); is {
		return &MessageError{where + ": " + problem.Text}
	}
	return err
}

func (from *reader) intoID(value reflect.Value) error {
	var id struct{ Node, Serial uint64 }
	if err := from.into(reflect.ValueOf(&id).Elem()); err != nil {
		return within(value.Type().Name(), err)
	}
	value.Field(0).SetUint(id.Node)
	value.Field(1).SetUint(id.Serial)
	return nil
}

// name reads which case of a variant comes, and whether its content follows.
func (from *reader) name() (name string, content bool, err error) {
	if from.rest[0]>>5 == majorMap {
		count, err := from.expect(majorMap, "a variant")
		if err != nil || count != 1 {
			return "", false, wrong("a variant was expected, not a map of %d", count)
		}
		content = true
	}
	name, err = from.text()
	return name, content, err
}

func (from *reader) intoVariant(value reflect.Value, shape *shape) error {
	name, content, err := from.name()
	if err != nil {
		return err
	}
	at := shape.find(name)
	if at < 0 {
		return wrong("%s has no case %q", value.Type().Name(), name)
	}
	field := shape.fields[at]
	if !content && !field.isEmpty {
		return wrong("%s.%s is without its content", value.Type().Name(), name)
	}
	made := reflect.New(value.Field(field.index).Type().Elem())
	if content {
		if err := from.into(made.Elem()); err != nil {
			return within(value.Type().Name()+"."+name, err)
		}
	}
	value.SetZero()
	value.Field(field.index).Set(made)
	return nil
}

func (from *reader) intoReason(value reflect.Value) error {
	name, content, err := from.name()
	if err != nil {
		return err
	}
	for kind, known := range reasonNames {
		reason := Reason{Kind: ReasonKind(kind)}
		switch {
		case known != name:
			continue
		case content != (reason.Kind.hasText() || reason.Kind == KindExitCode):
			return wrong("an exit reason was expected")
		case reason.Kind == KindExitCode:
			err = from.into(reflect.ValueOf(&reason.Code).Elem())
		case reason.Kind == KindCustom:
			var bytes []byte
			bytes, err = from.bytes()
			reason.Text = string(bytes)
		case content:
			reason.Text, err = from.text()
		}
		value.Set(reflect.ValueOf(reason))
		return err
	}
	return wrong("there is no exit reason %q", name)
}
