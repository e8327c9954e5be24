;; The canary: the smallest module that exercises every promise of a tier. A memory with a data segment (copy-on-write
;; image), a table with an element segment, stores and loads anywhere in the memory, growth. Sixteen pages: enough that
;; both ends lie in different huge pages' worth of small pages, small enough to fit wherever an engine fits.
(module
  (type $answer (func (result i32)))
  ;; A maximum is always declared: without one V8 reserves 4 GiB where guard regions are off.
  (memory (export "memory") 16 64)
  (table 10 10 funcref)
  (data (i32.const 64) "poolproof")
  (elem (i32.const 9) $forty-two)

  (func $forty-two (type $answer) (i32.const 42))

  ;; Through the table's last slot.
  (func (export "answer") (result i32) (call_indirect (type $answer) (i32.const 9)))

  ;; First bytes of the data segment: "pool", little-endian.
  (func (export "data") (result i32) (i32.load (i32.const 64)))

  ;; Writes its own address into every page of 4 KiB from the second on and into the last word, reads
  ;; all of them back, and returns how many agreed. A page of its own per word: all become resident.
  (func (export "touch") (result i32)
    (local $address i32) (local $end i32) (local $good i32)
    (local.set $end (i32.shl (memory.size) (i32.const 16)))
    (local.set $address (i32.const 4096))
    (loop $write
      (i32.store (local.get $address) (local.get $address))
      (local.set $address (i32.add (local.get $address) (i32.const 4096)))
      (br_if $write (i32.lt_u (local.get $address) (local.get $end))))
    (i32.store (i32.sub (local.get $end) (i32.const 4)) (local.get $end))
    (local.set $address (i32.const 4096))
    (loop $read
      (local.set $good (i32.add (local.get $good)
        (i32.eq (i32.load (local.get $address)) (local.get $address))))
      (local.set $address (i32.add (local.get $address) (i32.const 4096)))
      (br_if $read (i32.lt_u (local.get $address) (local.get $end))))
    (i32.add (local.get $good)
      (i32.eq (i32.load (i32.sub (local.get $end) (i32.const 4))) (local.get $end))))

  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size)))
