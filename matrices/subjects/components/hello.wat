;; hello: answers each request with status 200 and the body `hello`.
;;
;; It has two pages of memory and does no work: what remains is the cost of a request itself, its instance included.
(module
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $write (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  ;; The outparam, then a result: 0, the response, and the room that an error would take.
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write_and_flush (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop_stream (param i32)))

  ;; 0: result of a call; 64: result of the last one; 1024: the body.
  (memory (export "memory") 2)
  (data (i32.const 1024) "hello\n")

  ;; `component new` requires it. Nothing that is called here returns a text, except with an error, which traps anyway.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))

  ;; A result at 0 is a byte, 0 for success, and the handle at 4. Where a call fails, the instance traps, and the host
  ;; answers 500.
  (func $handle (result i32)
    (if (i32.load8_u (i32.const 0)) (then (unreachable)))
    (i32.load (i32.const 4)))

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $answer i32) (local $content i32) (local $stream i32)
    (local.set $answer (call $response (call $fields)))
    (call $body (local.get $answer) (i32.const 0))
    (local.set $content (call $handle))
    (call $set (local.get $out) (i32.const 0) (local.get $answer)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $write (local.get $content) (i32.const 0))
    (local.set $stream (call $handle))
    (call $write_and_flush (local.get $stream) (i32.const 1024) (i32.const 6) (i32.const 0))
    (if (i32.load8_u (i32.const 0)) (then (unreachable)))
    (call $drop_stream (local.get $stream))
    ;; No trailers.
    (call $finish (local.get $content) (i32.const 0) (i32.const 0) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (unreachable)))))
