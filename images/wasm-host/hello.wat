;; hello: the smallest module that `--serve` takes. README.md has the three exports. Two pages of memory and no work: what
;; is left is what a request costs the host, an instance included.
(module
  (memory (export "memory") 2 64)
  ;; A CGI response: header lines, an empty line, the body. 32 bytes.
  (data (i32.const 16) "content-type: text/plain\n\nhello\n")

  ;; Room for the request, behind the answer; a large one makes the memory grow.
  (func (export "allocate") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.shr_u (i32.add (i32.add (local.get $bytes) (i32.const 1024)) (i32.const 0xffff)) (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (unreachable)))))
    (i32.const 1024))

  ;; The answer's address in the upper half, its length in the lower.
  (func (export "handle") (param $at i32) (param $bytes i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 32))))
