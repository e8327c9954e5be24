;; Reads 256 KiB from start to end, four words per step: scanning a buffer. Nothing but loads and adds, so a check
;; weighs as much as it ever can.
(module
  (memory (export "memory") 64 128)

  (func (export "setup") (param $seed i32)
    (local $address i32)
    (loop $word
      (i32.store (local.get $address) (i32.mul (i32.add (local.get $seed) (local.get $address)) (i32.const 2654435761)))
      (local.set $address (i32.add (local.get $address) (i32.const 4)))
      (br_if $word (i32.lt_u (local.get $address) (i32.const 0x40000)))))

  ;; $length times through the buffer; returns the sum.
  (func (export "run") (param $length i32) (result i32)
    (local $address i32) (local $sum i32)
    (loop $pass
      (local.set $address (i32.const 0))
      (loop $step
        (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $address))))
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $address))))
        (local.set $sum (i32.xor (local.get $sum) (i32.load offset=8 (local.get $address))))
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=12 (local.get $address))))
        (local.set $address (i32.add (local.get $address) (i32.const 16)))
        (br_if $step (i32.lt_u (local.get $address) (i32.const 0x40000))))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $pass (local.get $length)))
    (local.get $sum)))
