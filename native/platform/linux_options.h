// Linux: the constants of socket/options.def, by the names its rows use, and the layout of values
// that are structures here. Included by linux.h only. Rows of other systems are kAbsent.
#ifndef HAWSER_PLATFORM_LINUX_OPTIONS_H_
#define HAWSER_PLATFORM_LINUX_OPTIONS_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>

namespace hawser::platform {

inline constexpr int kLevelSocket = SOL_SOCKET;
inline constexpr int kLevelTcp = IPPROTO_TCP;
inline constexpr int kLevelUdp = IPPROTO_UDP;
inline constexpr int kLevelIp = IPPROTO_IP;
inline constexpr int kLevelIpv6 = IPPROTO_IPV6;
inline constexpr int kLevelLocal = kAbsent;

// Numbers instead of names where the C library's headers may be older than the kernel: they are
// part of its ABI and the same on every architecture (include/uapi/linux/tcp.h, udp.h, in6.h).
inline constexpr int kSoAcceptConn = SO_ACCEPTCONN;
inline constexpr int kSoBindToDevice = SO_BINDTODEVICE;
inline constexpr int kSoBroadcast = SO_BROADCAST;
inline constexpr int kSoBusyPoll = SO_BUSY_POLL;
inline constexpr int kSoDomain = SO_DOMAIN;
inline constexpr int kSoError = SO_ERROR;
inline constexpr int kSoIncomingCpu = SO_INCOMING_CPU;
inline constexpr int kSoKeepAlive = SO_KEEPALIVE;
inline constexpr int kSoLinger = SO_LINGER;
inline constexpr int kSoMark = SO_MARK;
inline constexpr int kSoNetServiceType = kAbsent;
inline constexpr int kSoNoSigPipe = kAbsent;
inline constexpr int kSoNRead = kAbsent;
inline constexpr int kSoNWrite = kAbsent;
inline constexpr int kSoOobInline = SO_OOBINLINE;
inline constexpr int kSoPeerCred = SO_PEERCRED;
inline constexpr int kSoPriority = SO_PRIORITY;
inline constexpr int kSoProtocol = SO_PROTOCOL;
inline constexpr int kSoRcvBuf = SO_RCVBUF;
inline constexpr int kSoRcvBufForce = SO_RCVBUFFORCE;
inline constexpr int kSoRcvLowAt = SO_RCVLOWAT;
inline constexpr int kSoReuseAddr = SO_REUSEADDR;
inline constexpr int kSoReusePort = SO_REUSEPORT;
inline constexpr int kSoRxqOvfl = SO_RXQ_OVFL;
inline constexpr int kSoSndBuf = SO_SNDBUF;
inline constexpr int kSoSndBufForce = SO_SNDBUFFORCE;
inline constexpr int kSoTimestampNs = SO_TIMESTAMPNS;
inline constexpr int kSoType = SO_TYPE;

inline constexpr int kLocalPeerCred = kAbsent;
inline constexpr int kLocalPeerPid = kAbsent;

inline constexpr int kPersistTimeout = kAbsent;
inline constexpr int kTcpCongestion = TCP_CONGESTION;
inline constexpr int kTcpConnectionTimeout = kAbsent;
inline constexpr int kTcpConnectionInfo = kAbsent;
inline constexpr int kTcpCork = TCP_CORK;
inline constexpr int kTcpDeferAccept = TCP_DEFER_ACCEPT;
inline constexpr int kTcpFastOpen = TCP_FASTOPEN;
inline constexpr int kTcpFastOpenConnect = TCP_FASTOPEN_CONNECT;
inline constexpr int kTcpInfo = TCP_INFO;
inline constexpr int kTcpKeepAlive = kAbsent;
inline constexpr int kTcpKeepCnt = TCP_KEEPCNT;
inline constexpr int kTcpKeepIdle = TCP_KEEPIDLE;
inline constexpr int kTcpKeepIntvl = TCP_KEEPINTVL;
inline constexpr int kTcpLinger2 = TCP_LINGER2;
inline constexpr int kTcpMaxSeg = TCP_MAXSEG;
inline constexpr int kTcpNoDelay = TCP_NODELAY;
inline constexpr int kTcpNoPush = kAbsent;
inline constexpr int kTcpNotSentLowAt = TCP_NOTSENT_LOWAT;
inline constexpr int kTcpQuickAck = TCP_QUICKACK;
inline constexpr int kTcpRtoMaxMs = 44;
inline constexpr int kTcpRxtConnDropTime = kAbsent;
inline constexpr int kTcpRxtFinDrop = kAbsent;
inline constexpr int kTcpSynCnt = TCP_SYNCNT;
inline constexpr int kTcpUserTimeout = TCP_USER_TIMEOUT;
inline constexpr int kTcpWindowClamp = TCP_WINDOW_CLAMP;

inline constexpr int kUdpGro = 104;
inline constexpr int kUdpSegment = 103;

inline constexpr int kIpBindAddressNoPort = IP_BIND_ADDRESS_NO_PORT;
inline constexpr int kIpBoundIf = kAbsent;
inline constexpr int kIpDontFrag = kAbsent;
inline constexpr int kIpFreeBind = IP_FREEBIND;
inline constexpr int kIpMtu = IP_MTU;
inline constexpr int kIpMtuDiscover = IP_MTU_DISCOVER;
inline constexpr int kIpMulticastAll = IP_MULTICAST_ALL;
inline constexpr int kIpMulticastIf = IP_MULTICAST_IF;
inline constexpr int kIpMulticastLoop = IP_MULTICAST_LOOP;
inline constexpr int kIpMulticastTtl = IP_MULTICAST_TTL;
inline constexpr int kIpPktInfo = IP_PKTINFO;
inline constexpr int kIpRecvErr = IP_RECVERR;
inline constexpr int kIpRecvTos = IP_RECVTOS;
inline constexpr int kIpRecvTtl = IP_RECVTTL;
inline constexpr int kIpTos = IP_TOS;
inline constexpr int kIpTransparent = IP_TRANSPARENT;
inline constexpr int kIpTtl = IP_TTL;

inline constexpr int kIpv6BoundIf = kAbsent;
inline constexpr int kIpv6DontFrag = IPV6_DONTFRAG;
inline constexpr int kIpv6Mtu = IPV6_MTU;
inline constexpr int kIpv6MtuDiscover = IPV6_MTU_DISCOVER;
inline constexpr int kIpv6MulticastAll = 29;
inline constexpr int kIpv6MulticastHops = IPV6_MULTICAST_HOPS;
inline constexpr int kIpv6MulticastIf = IPV6_MULTICAST_IF;
inline constexpr int kIpv6MulticastLoop = IPV6_MULTICAST_LOOP;
inline constexpr int kIpv6RecvErr = IPV6_RECVERR;
inline constexpr int kIpv6RecvHopLimit = IPV6_RECVHOPLIMIT;
inline constexpr int kIpv6RecvPktInfo = IPV6_RECVPKTINFO;
inline constexpr int kIpv6RecvTclass = IPV6_RECVTCLASS;
inline constexpr int kIpv6Tclass = IPV6_TCLASS;
inline constexpr int kIpv6UnicastHops = IPV6_UNICAST_HOPS;
inline constexpr int kIpv6V6Only = IPV6_V6ONLY;

// SO_PEERCRED (unix(7)).
inline constexpr std::size_t kPeerCredentialsBytes = sizeof(ucred);
inline bool ReadPeerCredentials(const void* bytes, std::size_t length, int64_t* process,
                                int64_t* user, int64_t* group) {
  ucred credentials;
  if (length < sizeof(credentials)) return false;
  std::memcpy(&credentials, bytes, sizeof(credentials));
  *process = credentials.pid;
  *user = static_cast<int64_t>(credentials.uid);
  *group = static_cast<int64_t>(credentials.gid);
  return true;
}

}  // namespace hawser::platform

#endif  // HAWSER_PLATFORM_LINUX_OPTIONS_H_
