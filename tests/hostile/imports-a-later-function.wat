;; Calls a function that version 0.1.9 of an interface may have one day.
(module
  ;;= 0.1.9
  ;;^ call: weather: func() -> string;
  (import "bartizan:policy/call@0.1.0" "weather" (func $weather (param i32)))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (call $weather (i32.const 512))
    (i32.const 128)))
