;; Has a summary of 3 MiB, which is more than it may hand over at once.
(module
  (memory (export "memory") 64)
  ;;+ realloc description configure check
  (func (export "bartizan:policy/plugin@0.1.0#describe") (result i32)
    (drop (call $description))
    (memory.fill (i32.const 4096) (i32.const 97) (i32.const 0x300000))
    (i32.store (i32.const 32) (i32.const 4096))
    (i32.store (i32.const 36) (i32.const 0x300000))
    (i32.const 16)))
