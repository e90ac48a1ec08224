;; Shows 60,000 entries of a list that has fewer.
(module
  ;;+ memory realloc describe configure
  (data (i32.const 208) "\00\10\00\00\60\ea\00\00")
  (func (export "bartizan:policy/listings@0.1.0#visible") (param i32 i32) (result i32)
    (i32.const 208)))
