;; memory.copy and memory.fill of 64 KiB: the instructions that move strings and buffers. One check for many bytes, so
;; no tier should cost anything. The engine calls the C library, whose `rep movsb` an emulator counts as one instruction
;; a byte: only time is to be measured here.
(module
  (memory (export "memory") 64 128)

  (func (export "setup") (param $seed i32)
    (local $address i32)
    (loop $word
      (i32.store (local.get $address) (i32.mul (i32.add (local.get $seed) (local.get $address)) (i32.const 2654435761)))
      (local.set $address (i32.add (local.get $address) (i32.const 4)))
      (br_if $word (i32.lt_u (local.get $address) (i32.const 0x40000)))))

  ;; $length times: copies the first 64 KiB over the second, then fills the first with a byte of both;
  ;; returns the sum of the bytes.
  (func (export "run") (param $length i32) (result i32)
    (local $sum i32) (local $byte i32)
    (loop $step
      (memory.copy (i32.const 0x10000) (i32.const 0) (i32.const 0x10000))
      (local.set $byte (i32.and
        (i32.add
          (i32.add (i32.load8_u (i32.const 0x1ffff)) (i32.load8_u (i32.const 0x10000)))
          (local.get $length))
        (i32.const 255)))
      (memory.fill (i32.const 0) (local.get $byte) (i32.const 0x10000))
      (local.set $sum (i32.add (local.get $sum) (local.get $byte)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $step (local.get $length)))
    (local.get $sum)))
