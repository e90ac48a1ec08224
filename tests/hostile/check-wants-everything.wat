;; Asks for 4 GiB when it judges a call, and lets it through whether it gets them or not.
(module
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    (drop (memory.grow (i32.const 65534)))
    (i32.const 128)))
