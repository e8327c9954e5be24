;; Control: a dependent chain in registers, no memory at all. What differs here between two tiers is
;; not the cost of memory accesses but a fault of the measurement.
(module
  (func (export "setup") (param $seed i32))

  ;; $length steps of a linear congruence and a shift; returns the last value.
  (func (export "run") (param $length i32) (result i32)
    (local $x i32)
    (local.set $x (i32.const 12345))
    (loop $step
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 13))))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $step (local.get $length)))
    (local.get $x)))
