;; touch: GET /<accesses>/<pages> loads and stores that many times, spread over that many pages of 64 KiB, as the component of
;; that name in matrices/subjects/components/ does: its access i is at the fraction of i times the golden ratio of them, so
;; twice as many accesses as there are pages of 4 KiB touch each of these. Takes requests by the three exports of README.md;
;; a path of another form, and pages that the memory cannot grow by, are answered with 400.
(module
  ;; 16: the answers; 1024: the request; 65536: what is touched.
  (memory (export "memory") 1)
  (data (i32.const 16) "content-type: text/plain\n\ntouched\n")
  (data (i32.const 64) "status: 400\n\nno such page\n")

  ;; Where the next number of the path begins.
  (global $at (mut i32) (i32.const 0))

  ;; Room for one request, of at most 63 KiB.
  (func (export "allocate") (param $bytes i32) (result i32)
    (if (i32.gt_u (local.get $bytes) (i32.const 64512)) (then (unreachable)))
    (i32.const 1024))

  ;; `/` and a decimal number; -1 where there is none below 2^31.
  (func $number (result i64)
    (local $value i64) (local $digit i32) (local $count i32)
    (if (i32.ne (i32.load8_u (global.get $at)) (i32.const 47)) (then (return (i64.const -1))))
    (global.set $at (i32.add (global.get $at) (i32.const 1)))
    (block $done
      (loop $next
        (local.set $digit (i32.sub (i32.load8_u (global.get $at)) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (local.set $value
          (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
        (if (i64.gt_u (local.get $value) (i64.const 2147483647)) (then (return (i64.const -1))))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (br $next)))
    (select (local.get $value) (i64.const -1) (local.get $count)))

  ;; Whether the path had its form and the memory grew.
  (func $touch (result i32)
    (local $accesses i64) (local $pages i64) (local $step i64) (local $place i32)
    (local.set $accesses (call $number))
    (local.set $pages (call $number))
    (if (i64.lt_s (local.get $accesses) (i64.const 0)) (then (return (i32.const 0))))
    (if (i64.lt_s (local.get $pages) (i64.const 1)) (then (return (i32.const 0))))
    (if (i64.gt_u (local.get $pages) (i64.const 65535)) (then (return (i32.const 0))))
    (if (i32.eq (memory.grow (i32.wrap_i64 (local.get $pages))) (i32.const -1)) (then (return (i32.const 0))))
    (block $done
      (loop $next
        (br_if $done (i64.eq (local.get $step) (local.get $accesses)))
        ;; 2^32 divided by the golden ratio; of the product's lower 32 bits, as a fraction of the bytes, a multiple of 8.
        (local.set $place
          (i32.add (i32.const 65536)
            (i32.and (i32.const -8)
              (i32.wrap_i64
                (i64.shr_u
                  (i64.mul
                    (i64.and
                      (i64.mul (local.get $step) (i64.const 2654435769))
                      (i64.const 4294967295))
                    (i64.shl (local.get $pages) (i64.const 16)))
                  (i64.const 32))))))
        (i64.store (local.get $place) (i64.add (i64.load (local.get $place)) (i64.const 1)))
        (local.set $step (i64.add (local.get $step) (i64.const 1)))
        (br $next)))
    (i32.const 1))

  ;; `GET ` is before the path. The answer's address in the upper half, its length in the lower.
  (func (export "handle") (param $address i32) (param $bytes i32) (result i64)
    (global.set $at (i32.add (local.get $address) (i32.const 4)))
    (if (result i64) (call $touch)
      (then (i64.const 0x1000000022))
      (else (i64.const 0x400000001a)))))
