;; Has a name of 60,000 bytes.
(module
  ;;+ memory realloc description configure check
  (func (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (drop (call $description))
    (memory.fill (i32.const 4096) (i32.const 97) (i32.const 60000))
    (i32.store (i32.const 16) (i32.const 4096))
    (i32.store (i32.const 20) (i32.const 60000))
    (i32.const 16)))
