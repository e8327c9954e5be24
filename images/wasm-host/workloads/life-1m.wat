;; The whole life of an instance, memory of 16 pages of 64 KiB: what an engine's pool is for. As compilers declare
;; it, memory can grow.
(module
  (memory (export "memory") 16 1024)

  ;; Writes one byte in each of the first $touched pages of 4 KiB, then adds $grown pages of 64 KiB one by one
  ;; and writes into each; returns how many were added.
  (func (export "live") (param $touched i32) (param $grown i32) (result i32)
    (local $at i32) (local $added i32) (local $before i32)
    (block $written
      (loop $next
        (br_if $written (i32.eqz (local.get $touched)))
        (i32.store8 (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (local.set $touched (i32.sub (local.get $touched) (i32.const 1)))
        (br $next)))
    (block $grown_enough
      (loop $next
        (br_if $grown_enough (i32.eqz (local.get $grown)))
        (local.set $before (memory.grow (i32.const 1)))
        (br_if $grown_enough (i32.eq (local.get $before) (i32.const -1)))
        (i32.store8 (i32.shl (local.get $before) (i32.const 16)) (i32.const 1))
        (local.set $added (i32.add (local.get $added) (i32.const 1)))
        (local.set $grown (i32.sub (local.get $grown) (i32.const 1)))
        (br $next)))
    (local.get $added)))
