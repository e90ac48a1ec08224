  ;; Takes any settings. The answer, at 192, is twelve zeros.
  (func $configure (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (i32.const 192))
