;; Refuses its settings with a text that clears the terminal and forges a line of the log.
(module
  ;;+ memory realloc describe check
  (data (i32.const 192) "\01\00\00\00\00\10\00\00\18\00\00\00")
  (data (i32.const 4096) "\1b[2J\1b[H\0aINFO all is well")
  (func (export "bartizan:policy/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (i32.const 192)))
