;; wait: a command of WASI preview 1 that writes `up` and then sleeps for a day.
;;
;; A core module: what a host maps for an instance can be looked at while there is one. Where the host lacks a call or a
;; call fails, it traps.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))

  ;; 0: an iovec; 8: bytes written; 16: `up`; 64: a subscription, of which only the time is not 0; 128: an event.
  (memory (export "memory") 2)
  (data (i32.const 0) "\10\00\00\00\03\00\00\00")
  (data (i32.const 16) "up\n")

  (func (export "_start")
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
    ;; Of the monotonic clock, from now on.
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.const 86400000000000))
    (if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192)) (then (unreachable)))))
