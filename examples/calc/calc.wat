;; A component without a language: two functions that know nothing of Odeon.
(component
  (core module $code
    (func (export "add") (param i32 i32) (result i32)
      local.get 0
      local.get 1
      i32.add)
    ;; Divides; by zero it traps.
    (func (export "divide") (param i32 i32) (result i32)
      local.get 0
      local.get 1
      i32.div_s))
  (core instance $calc (instantiate $code))
  (func (export "add") (param "a" s32) (param "b" s32) (result s32)
    (canon lift (core func $calc "add")))
  (func (export "divide") (param "a" s32) (param "b" s32) (result s32)
    (canon lift (core func $calc "divide"))))
