  ;; Has no objection to a reply.
  (func $check-reply (export "bartizan:policy/replies@0.1.0#check") (result i32)
    (i32.const 128))
