;; Refuses its settings with a text of 1 MiB.
(module
  (memory (export "memory") 64)
  ;;+ realloc describe check
  (data (i32.const 192) "\01\00\00\00\00\00\01\00\00\00\10\00")
  (func (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (memory.fill (i32.const 65536) (i32.const 97) (i32.const 0x100000))
    (i32.const 192)))
