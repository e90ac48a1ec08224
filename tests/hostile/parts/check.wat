  ;; Has no objection. The decision, at 128, is 48 zeros.
  (func $check (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (i32.const 128))
