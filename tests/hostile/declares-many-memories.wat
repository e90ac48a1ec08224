;; Wants seven memories which together are larger than all memory may be.
(module
  ;;+ memory realloc describe configure check
  (memory 200) (memory 200) (memory 200) (memory 200) (memory 200) (memory 200)
)
