// TCP_INFO (tcp(7)) and TCP_CONNECTION_INFO (tcp(4) of macOS) as an array of numbers, over the
// table of tcp_info.def. Both layouts are decoded from bytes, so each can be tested on either
// system. Not here: what follows from the numbers.
#ifndef HAWSER_SOCKET_TCP_INFO_H_
#define HAWSER_SOCKET_TCP_INFO_H_

#include <cstddef>
#include <cstdint>

namespace hawser {

enum class TcpInfoLayout : uint8_t { kLinux, kDarwin };

// A row's place in tcp_info.def.
enum class TcpInfoField : int {
#define HAWSER_TCP_INFO(name, type, linux_source, darwin_source, help) name,
#include "socket/tcp_info.def"
#undef HAWSER_TCP_INFO
  kCount,
};

inline constexpr int kTcpInfoFieldCount = static_cast<int>(TcpInfoField::kCount);

// Room for more than either kernel returns today (248 and 112 bytes).
inline constexpr size_t kTcpInfoMaxBytes = 512;

// Decodes what a kernel of that layout returned. Writes kTcpInfoFieldCount values; a field that the
// layout lacks or that lies beyond `length` is NaN, and Infinity stands for "no limit".
void DecodeTcpInfo(TcpInfoLayout layout, const void* bytes, size_t length, double* out);

// getsockopt(2) of a TCP socket. Writes kTcpInfoFieldCount values and returns their count, or
// -errno
// (-EOPNOTSUPP, -ENOPROTOOPT or -EINVAL on a socket that is not TCP).
int GetTcpInfo(int descriptor, double* out);

// What a look at a connection with something pending needs, in this order. The first is a negative
// errno where the connection could not be asked; a field that this system lacks is NaN.
inline constexpr TcpInfoField kTcpSampleFields[] = {
    TcpInfoField::state,
    TcpInfoField::unacknowledgedSegments,
    TcpInfoField::unsentBytes,
    TcpInfoField::sendBufferBytes,
    TcpInfoField::probes,
    TcpInfoField::bytesAcknowledged,
    TcpInfoField::sendWindowBytes,
    TcpInfoField::sinceDataReceivedMs,
    TcpInfoField::sinceAcknowledgmentMs,
};
inline constexpr int kTcpSampleFieldCount = sizeof(kTcpSampleFields) / sizeof(kTcpSampleFields[0]);

// One getsockopt(2), without decoding what nobody asks for. Writes kTcpSampleFieldCount values.
void SampleTcpInfo(int descriptor, double* out);

// Bytes in the send buffer that the peer has not acknowledged, sent or not, a FIN counted as one:
// SIOCOUTQ (tcp(7)), on macOS SO_NWRITE. -errno on failure.
int UnacknowledgedBytes(int descriptor);

}  // namespace hawser

#endif  // HAWSER_SOCKET_TCP_INFO_H_
