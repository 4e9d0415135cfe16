// One function per system call on a socket. Each returns a value or -errno, repeats a call that a
// signal interrupted where the manual allows it, and never throws or allocates. No state, no
// policy.
#ifndef HAWSER_SOCKET_CALLS_H_
#define HAWSER_SOCKET_CALLS_H_

#include <net/if.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "socket/address.h"
#include "socket/descriptor.h"

namespace hawser {

// socket(2), non-blocking and close-on-exec. A descriptor or -errno.
int OpenSocket(int domain, int type, int protocol);

// socketpair(2) of Unix sockets, non-blocking and close-on-exec. 0, and two descriptors; or -errno.
int OpenPair(int type, int* descriptors);

// bind(2), listen(2).
int Bind(int descriptor, const SocketAddress& address);
int Listen(int descriptor, int backlog);

// connect(2). 0 when it succeeded at once, -EINPROGRESS when the outcome will be in SO_ERROR, else
// -errno. EINTR means that the connect goes on in the background (POSIX), hence -EINPROGRESS.
int Connect(int descriptor, const SocketAddress& address);

// accept4(2). A descriptor or -errno; -EAGAIN when the queue is empty.
int Accept(int descriptor, SocketAddress* peer);

// recv(2) into one area. Bytes, 0 at the end, or -errno.
ssize_t Receive(int descriptor, void* bytes, size_t size);

// recvfrom(2) of one datagram: bytes as in the datagram (its true length, which may exceed `size`
// when `*truncated` is set), or -errno.
ssize_t ReceiveDatagram(int descriptor, void* bytes, size_t size, SocketAddress* peer,
                        bool* truncated);

// sendmsg(2) of a gather list. Bytes taken or -errno.
ssize_t SendGather(int descriptor, const iovec* parts, int count);

// sendmsg(2) of one datagram; `to` may be null on a connected socket.
ssize_t SendDatagram(int descriptor, const iovec* parts, int count, const SocketAddress* to);

// shutdown(2).
int Shutdown(int descriptor, int how);

// Closes so that the peer sees RST: SO_LINGER with a time of 0 (socket(7)). It resets only when no
// other descriptor shares the socket.
void CloseWithReset(int descriptor);

// getsockname(2), getpeername(2).
int LocalAddressOf(int descriptor, SocketAddress* out);
int PeerAddressOf(int descriptor, SocketAddress* out);

// SO_ERROR as -errno, or 0. Reading it clears it in the kernel.
int TakeSocketError(int descriptor);

// An int-valued getsockopt(2), e.g. SO_TYPE; -errno on failure.
int IntegerOption(int descriptor, int level, int name);

// The domain (AF_*) of a socket from getsockname(2), or -errno (-ENOTSOCK, -EBADF).
int DomainOf(int descriptor);

// Keeps from a TCP listener what begins a connection (SO_ATTACH_FILTER, socket(7)): who knocks
// sends again after a second (RFC 6298 section 2.1), and handshakes that are under way go on. What
// is accepted from then on has inherited it. 0 or -errno; -ENOPROTOOPT where the system has no
// filters.
int RefuseHandshakes(int descriptor);

// Takes that away again, of a listener or of what it has accepted (SO_DETACH_FILTER). 0 or -errno;
// -ENOENT where there is none.
int AdmitHandshakes(int descriptor);

// dup(2) with close-on-exec: a descriptor or -errno.
int Duplicate(int descriptor);

// O_NONBLOCK on, or -errno.
int SetNonBlocking(int descriptor);

// if_nametoindex(3): an index from 1, or -errno (-ENODEV). if_indextoname(3): 0 or -errno; `name`
// has room for IF_NAMESIZE bytes.
int InterfaceIndex(const char* name);
int InterfaceName(int index, char* name);

// One message over a Unix socket with descriptors attached (SCM_RIGHTS, unix(7)). At most
// kDescriptorsPerMessage. Bytes taken or -errno.
inline constexpr int kDescriptorsPerMessage = 16;
ssize_t SendWithDescriptors(int descriptor, const void* bytes, size_t size, const int* passed,
                            int count);

// What one message can bring: SCM_MAX_FD of Linux, and a control mbuf of XNU, which installs all of
// them in the process even where the buffer is too short to say so.
inline constexpr int kDescriptorsThatArrive = 512;

// Reads bytes and the descriptors that came with them. `*count` says how many; each is
// close-on-exec and the caller's. When more came than fit, or than this process may open
// (MSG_CTRUNC), the rest is closed and `*truncated` is set.
ssize_t ReceiveWithDescriptors(int descriptor, void* bytes, size_t size, int* received, int* count,
                               bool* truncated);

}  // namespace hawser

#endif  // HAWSER_SOCKET_CALLS_H_
