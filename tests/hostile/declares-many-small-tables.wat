;; Wants ten tables which together are larger than all tables may be.
(module
  (table 3000 funcref) (table 3000 funcref) (table 3000 funcref) (table 3000 funcref) (table 3000 funcref)
  (table 3000 funcref) (table 3000 funcref) (table 3000 funcref) (table 3000 funcref) (table 3000 funcref)
  ;;+ memory realloc describe configure check
)
