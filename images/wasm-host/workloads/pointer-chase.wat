;; Each load's address is what the load before it gave: a linked list, a tree, an object graph. Nothing
;; overlaps, so a check counts with its latency. One node a cache line, all nodes on one cycle in random
;; order, so that no prefetcher foresees it. 16 KiB stays in the first-level cache; 32 MiB does not stay
;; in the second, nor in a virtual machine's share of the third.
(module
  (memory (export "memory") 512 576)
  ;; Where the last run stopped: a run goes on from there, or it would only ever see the same few nodes.
  (global $at (mut i32) (i32.const 0))

  ;; Makes $bytes (a multiple of 64) one cycle: Sattolo's shuffle. Every page is written.
  (func (export "setup") (param $bytes i32)
    (local $node i32) (local $other i32) (local $x i32) (local $kept i32)
    (loop $each
      (i32.store (local.get $node) (local.get $node))
      (local.set $node (i32.add (local.get $node) (i32.const 64)))
      (br_if $each (i32.lt_u (local.get $node) (local.get $bytes))))
    (local.set $x (i32.const 12345))
    (loop $swap
      (local.set $node (i32.sub (local.get $node) (i32.const 64)))
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      ;; A node below this one.
      (local.set $other (i32.shl
        (i32.rem_u (i32.shr_u (local.get $x) (i32.const 8)) (i32.shr_u (local.get $node) (i32.const 6)))
        (i32.const 6)))
      (local.set $kept (i32.load (local.get $node)))
      (i32.store (local.get $node) (i32.load (local.get $other)))
      (i32.store (local.get $other) (local.get $kept))
      (br_if $swap (i32.gt_u (local.get $node) (i32.const 64))))
    (global.set $at (i32.const 0)))

  ;; $length links; returns the node reached.
  (func (export "run") (param $length i32) (result i32)
    (local $node i32)
    (local.set $node (global.get $at))
    (loop $link
      (local.set $node (i32.load (local.get $node)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $link (local.get $length)))
    (global.set $at (local.get $node))
    (local.get $node)))
