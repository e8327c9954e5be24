;; Writes 256 KiB from start to end, four words per step: filling a buffer by hand.
(module
  (memory (export "memory") 64 128)

  (func (export "setup") (param $seed i32)
    (local $address i32)
    (loop $word
      (i32.store (local.get $address) (local.get $seed))
      (local.set $address (i32.add (local.get $address) (i32.const 4)))
      (br_if $word (i32.lt_u (local.get $address) (i32.const 0x40000)))))

  ;; $length times through the buffer; returns the last value and a word it wrote, mixed.
  (func (export "run") (param $length i32) (result i32)
    (local $address i32) (local $value i32)
    (loop $pass
      (local.set $address (i32.const 0))
      (loop $step
        (local.set $value (i32.add (local.get $value) (i32.const 0x9e3779b9)))
        (i32.store (local.get $address) (local.get $value))
        (i32.store offset=4 (local.get $address) (local.get $address))
        (i32.store offset=8 (local.get $address) (local.get $value))
        (i32.store offset=12 (local.get $address) (local.get $length))
        (local.set $address (i32.add (local.get $address) (i32.const 16)))
        (br_if $step (i32.lt_u (local.get $address) (i32.const 0x40000))))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $pass (local.get $length)))
    (i32.xor
      (i32.mul (local.get $value) (i32.const 31))
      (i32.load (i32.and (local.get $value) (i32.const 0x3fffc))))))
