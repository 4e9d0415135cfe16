/* A loop inside a handler, as native code of a user's may run one: run() lets the loop of Node turn
 * once without waiting. Built by nested-loop.test.ts. */
#include <node_api.h>
#include <stddef.h>

/* uv.h does not come with Node-API's headers. */
extern int uv_run(struct uv_loop_s* loop, int mode);
enum { kRunWithoutWaiting = 2 /* UV_RUN_NOWAIT */ };

static napi_value Run(napi_env env, napi_callback_info info) {
  struct uv_loop_s* loop = NULL;
  (void)info;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok) uv_run(loop, kRunWithoutWaiting);
  return NULL;
}

NAPI_MODULE_INIT() {
  napi_value run = NULL;
  if (napi_create_function(env, "run", NAPI_AUTO_LENGTH, Run, NULL, &run) == napi_ok) {
    (void)napi_set_named_property(env, exports, "run", run);
  }
  return exports;
}
