;; sleep: a CGI program of WASI preview 1 that waits for 20 ms, asleep, whatever the request, and answers. Its instance stays
;; alive meanwhile: requests side by side need slots side by side.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))

  ;; 0: the one subscription, 48 bytes: its number, the kind of a clock (0), the monotonic clock (1), the time in nanoseconds.
  ;; 64: the event; 128: how many; 136: the answer's place and length, and how much was written; 160: the answer.
  (memory (export "memory") 1)
  (data (i32.const 16) "\01")
  (data (i32.const 160) "content-type: text/plain\n\nslept\n")

  (func (export "_start")
    (i64.store (i32.const 24) (i64.const 20000000))
    (if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then (call $exit (i32.const 1))))
    (i32.store (i32.const 136) (i32.const 160))
    (i32.store (i32.const 140) (i32.const 32))
    (if (call $write (i32.const 1) (i32.const 136) (i32.const 1) (i32.const 144)) (then (call $exit (i32.const 1))))))
