  ;; A refusal with these words, at 128.
  (func $deny (param $words i32) (param $length i32) (result i32)
    (i32.store (i32.const 128) (i32.const 1))
    (i32.store (i32.const 132) (local.get $words))
    (i32.store (i32.const 136) (local.get $length))
    (i32.const 128))
