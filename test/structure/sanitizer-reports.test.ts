// Which reports of sanitizers fail a run. The samples have the form that gcc 12 writes.
import { expect, test } from "vitest";
import { findingsIn } from "../../scripts/ci/sanitizer-reports.ts";

const head = `
=================================================================
==6702==ERROR: LeakSanitizer: detected memory leaks

`;
const symbolized = `Direct leak of 77 byte(s) in 1 object(s) allocated from:
    #0 0x7f39 in operator new[](unsigned long) asan_new_delete.cpp:98
    #1 0x7f39 in GetOptionCall /home/a/hawser/native/binding/options_binding.cc:180
    #2 0xc45d in v8impl::FunctionCallbackWrapper::Invoke() (/usr/bin/node+0xc45d94)

`;
const stripped = `Indirect leak of 32 byte(s) in 2 object(s) allocated from:
    #0 0x7f39 in malloc asan_malloc_linux.cpp:69
    #1 0x7f39 (/home/a/hawser/build/address/Release/hawser.node+0xa899)

`;
const ofV8 = `Direct leak of 768 byte(s) in 4 object(s) allocated from:
    #0 0x7ff8 in operator new[](unsigned long) asan_new_delete.cpp:98
    #1 0x11a0 in v8::internal::Page::AllocateFreeListCategories() (/usr/bin/node+0x11a06f2)

`;
const ofV8UnderOurs = `Direct leak of 256 byte(s) in 1 object(s) allocated from:
    #0 0x7ff8 in __interceptor_posix_memalign asan_malloc_linux.cpp:145
    #1 0x1167 in v8::internal::MemoryChunk::AllocateSlotSet() (/usr/bin/node+0x116728d)
    #2 0x7ff8 (<unknown module>)
    #3 0xc6ee in napi_make_callback (/usr/bin/node+0xc6ee71)
    #4 0x7ff8 in hawser::Environment::Call() /home/a/hawser/native/binding/environment.cc:100

`;
const ofNodeForUs = `Direct leak of 48 byte(s) in 1 object(s) allocated from:
    #0 0x7f39 in operator new(unsigned long) asan_new_delete.cpp:95
    #1 0xc45d in v8impl::Reference::New(napi_env__*) (/usr/bin/node+0xc45d94)
    #2 0xc6ee in napi_create_reference (/usr/bin/node+0xc6ee71)
    #3 0x7ff8 in hawser::Register() /home/a/hawser/native/binding/addon.cc:40

`;
const tail = "SUMMARY: AddressSanitizer: 845 byte(s) leaked in 5 allocation(s).\n";

test("a leak with a frame of the addon is found, with and without symbols", () => {
  expect(findingsIn(head + ofV8 + symbolized + tail)).toEqual([symbolized]);
  expect(findingsIn(head + stripped + ofV8 + tail)).toEqual([stripped]);
});

test("what V8 allocates under a call of the addon is V8's, what Node-API does is the addon's", () => {
  expect(findingsIn(head + ofV8UnderOurs + ofNodeForUs + tail)).toEqual([ofNodeForUs]);
});

test("leaks of V8 alone are not", () => {
  expect(findingsIn(head + ofV8 + tail)).toEqual([]);
});

test("an error of memory is found wherever it happens", () => {
  const report = `${head.split("==6702")[0]}==1==ERROR: AddressSanitizer: heap-use-after-free on
READ of size 4 at 0x6 thread T0
    #0 0x7f in memcpy (/usr/bin/node+0x1)
`;
  expect(findingsIn(report)).toHaveLength(1);
});

test("undefined behaviour and a data race are found", () => {
  const undefinedBehaviour = "native/a.cc:3:5: runtime error: signed integer overflow: 1 + 2\n";
  expect(findingsIn(undefinedBehaviour)).toHaveLength(1);
  const race = `==================
WARNING: ThreadSanitizer: data race (pid=9)
  Write of size 4 at 0x7f by thread T1:
    #0 hawser::Reactor::Turn() native/reactor/reactor.cc:40
==================
`;
  expect(findingsIn(race)).toHaveLength(1);
});
