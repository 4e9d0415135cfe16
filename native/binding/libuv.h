// The few functions of libuv that hawser calls, declared here because a Node-API addon is built
// without uv.h. All are part of libuv 1.x's stable ABI and exported by every Node. Sizes of the
// structures are asked at run time (uv_handle_size), so their layout is never assumed.
//
// Only loop_bridge.cc includes this file.
#ifndef HAWSER_BINDING_LIBUV_H_
#define HAWSER_BINDING_LIBUV_H_

#include <cstddef>

extern "C" {

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
typedef struct uv_idle_s uv_idle_t;

typedef void (*uv_close_cb)(uv_handle_t* handle);
typedef void (*uv_poll_cb)(uv_poll_t* handle, int status, int events);
typedef void (*uv_idle_cb)(uv_idle_t* handle);

// uv_handle_type: the position in UV_HANDLE_TYPE_MAP, fixed for all of libuv 1.x.
enum { HAWSER_UV_IDLE = 6, HAWSER_UV_POLL = 8 };
// uv_poll_event
enum { HAWSER_UV_READABLE = 1 };

size_t uv_handle_size(int type);
void uv_handle_set_data(uv_handle_t* handle, void* data);
void* uv_handle_get_data(const uv_handle_t* handle);
void uv_ref(uv_handle_t* handle);
void uv_unref(uv_handle_t* handle);
void uv_close(uv_handle_t* handle, uv_close_cb callback);
int uv_poll_init(uv_loop_t* loop, uv_poll_t* handle, int descriptor);
int uv_poll_start(uv_poll_t* handle, int events, uv_poll_cb callback);
int uv_poll_stop(uv_poll_t* handle);
int uv_idle_init(uv_loop_t* loop, uv_idle_t* handle);
int uv_idle_start(uv_idle_t* handle, uv_idle_cb callback);
int uv_idle_stop(uv_idle_t* handle);

}  // extern "C"

#endif  // HAWSER_BINDING_LIBUV_H_
