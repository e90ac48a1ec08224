;; Has the host write what it gives where the end of it comes before its beginning.
(module
  ;;+ memory describe configure check
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0xffffffff)))
