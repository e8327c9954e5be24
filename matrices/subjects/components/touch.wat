;; touch: GET /<accesses>/<pages> loads and stores that many times, spread over that many pages of 64 KiB.
;;
;; The memory grows by these pages first. Access i is at the fraction of i times the golden ratio of them, so the accesses
;; spread evenly and in no order: twice as many accesses as there are pages of 4 KiB touch each of these. The body is
;; `touched` and the path. A path of another form, more than 2^31 - 1 accesses, and pages that the memory cannot grow by
;; are answered with 400 and the path.
(module
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.set-status-code"
    (func $set_status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $write (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  ;; The outparam, then a result: 0, the response, and the room that an error would take.
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write_and_flush (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop_stream (param i32)))

  ;; 0: result of a call; 64: result of the last one; 1024: the body, 1032: the path in it; 65536: what is touched.
  (memory (export "memory") 1)
  (data (i32.const 1024) "touched ")

  ;; Where the next number of the path begins.
  (global $at (mut i32) (i32.const 1032))
  (global $end (mut i32) (i32.const 1032))

  ;; Room for the one text that a call returns: the path, of at most 2 KiB.
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (if (i32.gt_u (local.get $size) (i32.const 2048)) (then (unreachable)))
    (i32.const 1032))

  ;; A result at 0 is a byte, 0 for success, and the handle at 4. Where a call fails, the instance traps, and the host
  ;; answers 500.
  (func $handle (result i32)
    (if (i32.load8_u (i32.const 0)) (then (unreachable)))
    (i32.load (i32.const 4)))

  ;; `/` and a decimal number; -1 where there is none below 2^31.
  (func $number (result i64)
    (local $value i64) (local $digit i32) (local $count i32)
    (if (i32.eq (global.get $at) (global.get $end)) (then (return (i64.const -1))))
    (if (i32.ne (i32.load8_u (global.get $at)) (i32.const 47)) (then (return (i64.const -1))))
    (global.set $at (i32.add (global.get $at) (i32.const 1)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (global.get $at) (global.get $end)))
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
    (local $accesses i64) (local $pages i64) (local $step i64) (local $place i32) (local $missing i32)
    (local.set $accesses (call $number))
    (local.set $pages (call $number))
    (if (i64.lt_s (local.get $accesses) (i64.const 0)) (then (return (i32.const 0))))
    (if (i64.lt_s (local.get $pages) (i64.const 1)) (then (return (i32.const 0))))
    (if (i32.ne (global.get $at) (global.get $end)) (then (return (i32.const 0))))
    (if (i64.gt_u (local.get $pages) (i64.const 65535)) (then (return (i32.const 0))))
    (local.set $missing
      (i32.sub (i32.wrap_i64 (local.get $pages)) (i32.sub (memory.size) (i32.const 1))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (return (i32.const 0))))))
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

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $answer i32) (local $content i32) (local $stream i32) (local $start i32)
    ;; A host may use an instance again.
    (global.set $at (i32.const 1032))
    (global.set $end (i32.const 1032))
    ;; An option of a text: 1, its address, its bytes.
    (call $path (local.get $request) (i32.const 0))
    (if (i32.load8_u (i32.const 0))
      (then (global.set $end (i32.add (i32.const 1032) (i32.load (i32.const 8))))))
    (local.set $answer (call $response (call $fields)))
    (local.set $start (i32.const 1024))
    (if (i32.eqz (call $touch))
      (then
        (if (call $set_status (local.get $answer) (i32.const 400)) (then (unreachable)))
        (local.set $start (i32.const 1032))))
    (i32.store8 (global.get $end) (i32.const 10))
    (call $body (local.get $answer) (i32.const 0))
    (local.set $content (call $handle))
    (call $set (local.get $out) (i32.const 0) (local.get $answer)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $write (local.get $content) (i32.const 0))
    (local.set $stream (call $handle))
    (call $write_and_flush
      (local.get $stream) (local.get $start)
      (i32.sub (i32.add (global.get $end) (i32.const 1)) (local.get $start)) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (unreachable)))
    (call $drop_stream (local.get $stream))
    ;; No trailers.
    (call $finish (local.get $content) (i32.const 0) (i32.const 0) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (unreachable)))))
