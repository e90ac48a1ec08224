;; Looks for a difference between two machines, or two runs, in the bits of what is not a number.
(module
  ;;+ memory realloc describe configure deny
  (data (i32.const 512) "The bits differ.")
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (local $zero f64)
    (if (result i32)
      (i64.ne
        (i64.reinterpret_f64 (f64.div (local.get $zero) (local.get $zero)))
        (i64.const 0x7ff8000000000000))
      (then (call $deny (i32.const 512) (i32.const 16)))
      (else (i32.const 128)))))
