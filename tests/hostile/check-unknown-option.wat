;; Refuses by a rule that is neither there nor absent.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 128) "\01")
  (data (i32.const 140) "\02")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32) (i32.const 128)))
