// macOS: the constants of socket/options.def, by the names its rows use, and the layout of values
// that are structures here. Included by darwin.h only. Rows of other systems are kAbsent.
#ifndef HAWSER_PLATFORM_DARWIN_OPTIONS_H_
#define HAWSER_PLATFORM_DARWIN_OPTIONS_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/ucred.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hawser::platform {

inline constexpr int kLevelSocket = SOL_SOCKET;
inline constexpr int kLevelTcp = IPPROTO_TCP;
inline constexpr int kLevelUdp = IPPROTO_UDP;
inline constexpr int kLevelIp = IPPROTO_IP;
inline constexpr int kLevelIpv6 = IPPROTO_IPV6;
inline constexpr int kLevelLocal = SOL_LOCAL;

// SO_LINGER itself counts in clock ticks here; SO_LINGER_SEC is what every other system means by
// it.
//
// Numbers instead of names where an older SDK lacks the name, or hides it (RFC 3542's need
// __APPLE_USE_RFC_3542): they are part of the kernel's ABI (bsd/sys/socket.h, bsd/netinet/in.h,
// bsd/netinet6/in6.h of XNU).
inline constexpr int kSoAcceptConn = SO_ACCEPTCONN;
inline constexpr int kSoBindToDevice = 0x1134;
inline constexpr int kSoBroadcast = SO_BROADCAST;
inline constexpr int kSoBusyPoll = kAbsent;
inline constexpr int kSoDomain = kAbsent;
inline constexpr int kSoError = SO_ERROR;
inline constexpr int kSoIncomingCpu = kAbsent;
inline constexpr int kSoKeepAlive = SO_KEEPALIVE;
inline constexpr int kSoLinger = SO_LINGER_SEC;
inline constexpr int kSoMark = kAbsent;
inline constexpr int kSoNetServiceType = SO_NET_SERVICE_TYPE;
inline constexpr int kSoNoSigPipe = SO_NOSIGPIPE;
inline constexpr int kSoNRead = SO_NREAD;
inline constexpr int kSoNWrite = SO_NWRITE;
inline constexpr int kSoOobInline = SO_OOBINLINE;
inline constexpr int kSoPeerCred = kAbsent;
inline constexpr int kSoPriority = kAbsent;
inline constexpr int kSoProtocol = kAbsent;
inline constexpr int kSoRcvBuf = SO_RCVBUF;
inline constexpr int kSoRcvBufForce = kAbsent;
inline constexpr int kSoRcvLowAt = SO_RCVLOWAT;
inline constexpr int kSoReuseAddr = SO_REUSEADDR;
inline constexpr int kSoReusePort = SO_REUSEPORT;
inline constexpr int kSoRxqOvfl = kAbsent;
inline constexpr int kSoSndBuf = SO_SNDBUF;
inline constexpr int kSoSndBufForce = kAbsent;
inline constexpr int kSoTimestampNs = kAbsent;
inline constexpr int kSoType = SO_TYPE;

inline constexpr int kLocalPeerCred = LOCAL_PEERCRED;
inline constexpr int kLocalPeerPid = LOCAL_PEERPID;

inline constexpr int kPersistTimeout = PERSIST_TIMEOUT;
inline constexpr int kTcpCongestion = kAbsent;
inline constexpr int kTcpConnectionTimeout = TCP_CONNECTIONTIMEOUT;
inline constexpr int kTcpConnectionInfo = TCP_CONNECTION_INFO;
inline constexpr int kTcpCork = kAbsent;
inline constexpr int kTcpDeferAccept = kAbsent;
inline constexpr int kTcpFastOpen = TCP_FASTOPEN;
inline constexpr int kTcpFastOpenConnect = kAbsent;
inline constexpr int kTcpInfo = kAbsent;
inline constexpr int kTcpKeepAlive = TCP_KEEPALIVE;
inline constexpr int kTcpKeepCnt = TCP_KEEPCNT;
inline constexpr int kTcpKeepIdle = kAbsent;
inline constexpr int kTcpKeepIntvl = TCP_KEEPINTVL;
inline constexpr int kTcpLinger2 = kAbsent;
inline constexpr int kTcpMaxSeg = TCP_MAXSEG;
inline constexpr int kTcpNoDelay = TCP_NODELAY;
inline constexpr int kTcpNoPush = TCP_NOPUSH;
inline constexpr int kTcpNotSentLowAt = TCP_NOTSENT_LOWAT;
inline constexpr int kTcpQuickAck = kAbsent;
inline constexpr int kTcpRtoMaxMs = kAbsent;
inline constexpr int kTcpRxtConnDropTime = TCP_RXT_CONNDROPTIME;
inline constexpr int kTcpRxtFinDrop = TCP_RXT_FINDROP;
inline constexpr int kTcpSynCnt = kAbsent;
inline constexpr int kTcpUserTimeout = kAbsent;
inline constexpr int kTcpWindowClamp = kAbsent;

inline constexpr int kUdpGro = kAbsent;
inline constexpr int kUdpSegment = kAbsent;

inline constexpr int kIpBindAddressNoPort = kAbsent;
inline constexpr int kIpBoundIf = IP_BOUND_IF;
inline constexpr int kIpDontFrag = 28;
inline constexpr int kIpFreeBind = kAbsent;
inline constexpr int kIpMtu = kAbsent;
inline constexpr int kIpMtuDiscover = kAbsent;
inline constexpr int kIpMulticastAll = kAbsent;
inline constexpr int kIpMulticastIf = IP_MULTICAST_IF;
inline constexpr int kIpMulticastLoop = IP_MULTICAST_LOOP;
inline constexpr int kIpMulticastTtl = IP_MULTICAST_TTL;
inline constexpr int kIpPktInfo = IP_PKTINFO;
inline constexpr int kIpRecvErr = kAbsent;
inline constexpr int kIpRecvTos = 27;
inline constexpr int kIpRecvTtl = IP_RECVTTL;
inline constexpr int kIpTos = IP_TOS;
inline constexpr int kIpTransparent = kAbsent;
inline constexpr int kIpTtl = IP_TTL;

inline constexpr int kIpv6BoundIf = IPV6_BOUND_IF;
inline constexpr int kIpv6DontFrag = 62;
inline constexpr int kIpv6Mtu = kAbsent;
inline constexpr int kIpv6MtuDiscover = kAbsent;
inline constexpr int kIpv6MulticastAll = kAbsent;
inline constexpr int kIpv6MulticastHops = IPV6_MULTICAST_HOPS;
inline constexpr int kIpv6MulticastIf = IPV6_MULTICAST_IF;
inline constexpr int kIpv6MulticastLoop = IPV6_MULTICAST_LOOP;
inline constexpr int kIpv6RecvErr = kAbsent;
inline constexpr int kIpv6RecvHopLimit = 37;
inline constexpr int kIpv6RecvPktInfo = 61;
inline constexpr int kIpv6RecvTclass = IPV6_RECVTCLASS;
inline constexpr int kIpv6Tclass = IPV6_TCLASS;
inline constexpr int kIpv6UnicastHops = IPV6_UNICAST_HOPS;
inline constexpr int kIpv6V6Only = IPV6_V6ONLY;

// LOCAL_PEERCRED (unix(4)): struct xucred, which has no process.
inline constexpr std::size_t kPeerCredentialsBytes = sizeof(xucred);
inline bool ReadPeerCredentials(const void* bytes, std::size_t length, int64_t* process,
                                int64_t* user, int64_t* group) {
  xucred credentials;
  if (length < sizeof(credentials)) return false;
  std::memcpy(&credentials, bytes, sizeof(credentials));
  if (credentials.cr_version != XUCRED_VERSION) return false;
  *process = kAbsent;
  *user = static_cast<int64_t>(credentials.cr_uid);
  *group = credentials.cr_ngroups > 0 ? static_cast<int64_t>(credentials.cr_groups[0]) : kAbsent;
  return true;
}

}  // namespace hawser::platform

#endif  // HAWSER_PLATFORM_DARWIN_OPTIONS_H_
