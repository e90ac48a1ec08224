;; Replaces the result without having asked whether it may.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 512) "{\"content\":[]}")
  (data (i32.const 128) "\03\00\00\00\00\02\00\00\0e\00\00\00")
  (func (export "bartizan:policy/replies@0.1.0#check") (result i32) (i32.const 128)))
