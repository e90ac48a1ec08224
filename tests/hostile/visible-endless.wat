;; Shows four billion entries.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 208) "\00\00\00\00\ff\ff\ff\ff")
  (func (export "bartizan:policy/listings@0.1.0#visible") (param i32 i32) (result i32)
    (i32.const 208)))
