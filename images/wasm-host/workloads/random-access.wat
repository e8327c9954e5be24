;; One load and one store per step at an unforeseeable word of 4 MiB: a hash table's buckets, an interpreter's heap.
;; Addresses come from registers, so accesses overlap and the check's throughput counts.
(module
  ;; Room to grow, as compilers declare it: with a fixed size an engine may check against a constant.
  (memory (export "memory") 64 128)

  ;; Writes every word: a page that was only read is the kernel's one page of zeros.
  (func (export "setup") (param $seed i32)
    (local $address i32)
    (loop $word
      (i32.store (local.get $address) (i32.add (local.get $seed) (local.get $address)))
      (local.set $address (i32.add (local.get $address) (i32.const 4)))
      (br_if $word (i32.lt_u (local.get $address) (i32.const 0x400000)))))

  ;; $length steps; returns the sum of the words written.
  (func (export "run") (param $length i32) (result i32)
    (local $x i32) (local $address i32) (local $value i32) (local $sum i32)
    (local.set $x (i32.const 12345))
    (loop $step
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      ;; The upper 22 bits, a multiple of four: below 4 MiB.
      (local.set $address (i32.and (i32.shr_u (local.get $x) (i32.const 10)) (i32.const 0x3ffffc)))
      (local.set $value (i32.add (i32.load (local.get $address)) (local.get $x)))
      (i32.store (local.get $address) (local.get $value))
      (local.set $sum (i32.add (local.get $sum) (local.get $value)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $step (local.get $length)))
    (local.get $sum)))
