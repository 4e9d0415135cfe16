#include "binding/slots_binding.h"

#include <errno.h>

#include "binding/arguments.h"
#include "binding/environment.h"
#include "platform/heap.h"

namespace hawser {
namespace {

// Every function answers a number: a value, or -errno. Before open() it is -ENXIO.
using Body = int (*)(const Napi::CallbackInfo& info, Reactor* reactor);

template <Body body>
Napi::Value Wrap(const Napi::CallbackInfo& info) {
  auto* environment = static_cast<Environment*>(info.Data());
  Reactor* reactor = environment->reactor();
  int result = reactor == nullptr ? -ENXIO : body(info, reactor);
  // A connect that ended at once, a resume: the slot is carried, and a turn is due.
  environment->ScheduleCarried();
  return Napi::Number::New(info.Env(), result);
}

// The numbers by which TypeScript names domains, types and kinds; the systems' own differ.
int DomainOfArgument(int32_t value) {
  switch (value) {
    case 1:
      return AF_UNIX;
    case 4:
      return AF_INET;
    case 6:
      return AF_INET6;
    default:
      return -1;
  }
}

bool KindOfArgument(int32_t value, SlotKind* kind) {
  if (value < 1 || value > 3) return false;
  *kind = static_cast<SlotKind>(value);
  return true;
}

// SOCK_STREAM, SOCK_DGRAM and SOCK_SEQPACKET have the numbers 1, 2 and 5 on both systems. A
// sequenced socket is no stream here: a gather write would join its messages. It listens and
// accepts as one.
bool FitsKind(int type, int domain, SlotKind kind) {
  if (type == SOCK_SEQPACKET) return domain == AF_UNIX && kind != SlotKind::kStream;
  return type == (kind == SlotKind::kDatagram ? SOCK_DGRAM : SOCK_STREAM);
}

bool IsDomain(int domain) { return domain == AF_UNIX || domain == AF_INET || domain == AF_INET6; }

// Puts an open descriptor into a slot, and the slot's name into two words. It stays the caller's
// where this fails.
int AdoptInto(Reactor* reactor, Descriptor* descriptor, SlotKind kind, int32_t* out) {
  SlotName name;
  int status = reactor->Adopt(descriptor->get(), kind, &name);
  if (status < 0) return status;
  (void)descriptor->Release();
  out[0] = name.index;
  out[1] = name.generation;
  return 0;
}

void CountCall(Reactor* reactor, records::counter::Index calls, records::counter::Index bytes,
               ssize_t result) {
  reactor->memory().Count(calls);
  if (result > 0) reactor->memory().Count(bytes, static_cast<double>(result));
}

// What a send made outside the flush answers. After EAGAIN the slot waits for room.
int SendResult(Reactor* reactor, SlotName name, ssize_t sent) {
  CountCall(reactor, records::counter::k_sends, records::counter::k_bytesSent, sent);
  if (sent == -EWOULDBLOCK) sent = -EAGAIN;
  if (sent == -EAGAIN) (void)reactor->AwaitWritable(name);
  return static_cast<int>(sent);
}

// openSlot(domain, type, protocol, kind, name: Int32Array)
int OpenSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  int domain = DomainOfArgument(IntegerArgument(info, 0, -1));
  int32_t type = IntegerArgument(info, 1, -1);
  SlotKind kind;
  int32_t* out = ReadWords(info, 4, 2);
  if (domain < 0 || out == nullptr || !KindOfArgument(IntegerArgument(info, 3, 0), &kind) ||
      !FitsKind(type, domain, kind)) {
    return -EINVAL;
  }
  SlotName name;
  int status = reactor->OpenSlot(domain, type, IntegerArgument(info, 2, 0), kind, &name);
  if (status < 0) return status;
  out[0] = name.index;
  out[1] = name.generation;
  return 0;
}

// adopt(descriptor, kind, name: Int32Array): takes a duplicate, and leaves the caller's alone.
// -EPROTOTYPE: a socket of another kind; -ENOTCONN: a stream without a peer; -EINVAL: no listener.
int Adopt(const Napi::CallbackInfo& info, Reactor* reactor) {
  int32_t descriptor = IntegerArgument(info, 0, -1);
  SlotKind kind;
  int32_t* out = ReadWords(info, 2, 2);
  if (out == nullptr || !KindOfArgument(IntegerArgument(info, 1, 0), &kind)) return -EINVAL;
  if (descriptor < 0) return -EBADF;
  int type = IntegerOption(descriptor, SOL_SOCKET, SO_TYPE);
  if (type < 0) return type;
  int domain = DomainOf(descriptor);
  if (domain < 0) return domain;
  if (!IsDomain(domain) || !FitsKind(type, domain, kind)) return -EPROTOTYPE;
  if (kind != SlotKind::kDatagram || type == SOCK_SEQPACKET) {
    int listens = IntegerOption(descriptor, SOL_SOCKET, SO_ACCEPTCONN);
    if (listens > 0 && kind != SlotKind::kListener) return -EPROTOTYPE;
    if (listens == 0 && kind == SlotKind::kListener) return -EINVAL;
  }
  if (kind == SlotKind::kStream) {
    SocketAddress peer;
    int connected = PeerAddressOf(descriptor, &peer);
    if (connected < 0) return connected;
  }
  int copy = Duplicate(descriptor);
  if (copy < 0) return copy;
  Descriptor owned(copy);
  return AdoptInto(reactor, &owned, kind, out);
}

// pair(name: Int32Array(4)): socketpair(2), two connected Unix streams
int Pair(const Napi::CallbackInfo& info, Reactor* reactor) {
  int32_t* out = ReadWords(info, 0, 4);
  if (out == nullptr) return -EINVAL;
  int descriptors[2];
  int status = OpenPair(SOCK_STREAM, descriptors);
  if (status < 0) return status;
  Descriptor first(descriptors[0]);
  Descriptor second(descriptors[1]);
  status = AdoptInto(reactor, &first, SlotKind::kStream, out);
  if (status < 0) return status;
  status = AdoptInto(reactor, &second, SlotKind::kStream, out + 2);
  if (status < 0) (void)reactor->CloseSlot({out[0], out[1]}, false);
  return status;
}

// bind(slot, generation, address, isPath), connect(the same)
int WithAddress(const Napi::CallbackInfo& info, Reactor* reactor, SocketAddress* address) {
  int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
  if (descriptor < 0) return descriptor;
  int domain = DomainOf(descriptor);
  if (domain < 0) return domain;
  int status = ReadAddress(info, 2, BooleanArgument(info, 3), domain, address);
  return status < 0 ? status : descriptor;
}

int BindSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  SocketAddress address;
  int descriptor = WithAddress(info, reactor, &address);
  return descriptor < 0 ? descriptor : Bind(descriptor, address);
}

int ConnectSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  SocketAddress address;
  int descriptor = WithAddress(info, reactor, &address);
  if (descriptor < 0) return descriptor;
  return reactor->StartConnect(SlotArgument(info, 0), address);
}

// connectDatagram(slot, generation, address, isPath): only names the peer; nothing is sent.
int ConnectDatagram(const Napi::CallbackInfo& info, Reactor* reactor) {
  SocketAddress address;
  int descriptor = WithAddress(info, reactor, &address);
  return descriptor < 0 ? descriptor : Connect(descriptor, address);
}

// listen(slot, generation, backlog, credits)
int ListenSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->StartListen(SlotArgument(info, 0), IntegerArgument(info, 2, 511),
                              IntegerArgument(info, 3, -1));
}

int Watch(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->Watch(SlotArgument(info, 0));
}

int Pause(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->Pause(SlotArgument(info, 0));
}

int Resume(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->Resume(SlotArgument(info, 0));
}

// setInBlocks(slot, generation, on)
int SetInBlocks(const Napi::CallbackInfo& info, Reactor* reactor) {
  platform::KeepFreedMemory();
  return reactor->SetInBlocks(SlotArgument(info, 0), BooleanArgument(info, 2));
}

// setReadiness(slot, generation, on)
int SetReadiness(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->SetReadiness(SlotArgument(info, 0), BooleanArgument(info, 2));
}

// setCredits(slot, generation, credits)
int SetCredits(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->SetCredits(SlotArgument(info, 0), IntegerArgument(info, 2, 0));
}

// refuseNew(slot, generation): a listener hears of no new handshake
int RefuseNew(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->RefuseNew(SlotArgument(info, 0));
}

// closeWhenEmpty(slot, generation): accepts what is queued, closes, and tells End
int CloseWhenEmpty(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->CloseWhenEmpty(SlotArgument(info, 0));
}

// setReferenced(slot, generation, referenced)
int SetReferenced(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->SetReferenced(SlotArgument(info, 0), BooleanArgument(info, 2));
}

// close(slot, generation, reset)
int CloseSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->CloseSlot(SlotArgument(info, 0), BooleanArgument(info, 2));
}

// release(slot, generation): the descriptor, which is the caller's now
int Release(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->Release(SlotArgument(info, 0));
}

// duplicate(slot, generation): a descriptor of the same socket, which is the caller's
int DuplicateSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
  return descriptor < 0 ? descriptor : Duplicate(descriptor);
}

int DescriptorOfSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  return reactor->DescriptorOf(SlotArgument(info, 0));
}

// peer(slot, generation, address: Uint8Array(24)): as accept and connect saw it
int Peer(const Napi::CallbackInfo& info, Reactor* reactor) {
  BytesArgument out;
  if (!ReadBytes(info, 2, &out) || out.size < sizeof(FlatAddress)) return -EINVAL;
  FlatAddress flat;
  int status = reactor->PeerOf(SlotArgument(info, 0), &flat);
  if (status < 0) return status;
  std::memcpy(out.data, &flat, sizeof(flat));
  return 0;
}

// name(slot, generation, ofPeer, address: Uint8Array(24), path: Uint8Array): getsockname or
// getpeername. The length of a Unix path, or 0.
int Name(const Napi::CallbackInfo& info, Reactor* reactor) {
  BytesArgument out;
  BytesArgument path_out;
  if (!ReadBytes(info, 3, &out) || out.size < sizeof(FlatAddress) ||
      !ReadBytes(info, 4, &path_out)) {
    return -EINVAL;
  }
  int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
  if (descriptor < 0) return descriptor;
  SocketAddress address;
  int status = BooleanArgument(info, 2) ? PeerAddressOf(descriptor, &address)
                                        : LocalAddressOf(descriptor, &address);
  if (status < 0) return status;
  FlatAddress flat = ToFlatAddress(address);
  std::memcpy(out.data, &flat, sizeof(flat));
  UnixPath path = PathOf(address);
  if (path.size > path_out.size) return -ENAMETOOLONG;
  if (path.size > 0) std::memcpy(path_out.data, path.data, path.size);
  return static_cast<int>(path.size);
}

// shutdown(slot, generation, how): now, whatever is queued. POSIX gives SHUT_RD, SHUT_WR and
// SHUT_RDWR names only; both systems number them 0, 1 and 2.
int ShutdownSlot(const Napi::CallbackInfo& info, Reactor* reactor) {
  static_assert(SHUT_RD == 0 && SHUT_WR == 1 && SHUT_RDWR == 2);
  int32_t how = IntegerArgument(info, 2, -1);
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
  return descriptor < 0 ? descriptor : Shutdown(descriptor, how);
}

// sendDatagram(slot, generation, bytes, address or undefined, isPath): bytes taken
int SendOneDatagram(const Napi::CallbackInfo& info, Reactor* reactor) {
  BytesArgument bytes;
  if (!ReadBytes(info, 2, &bytes)) return -EINVAL;
  SlotName name = SlotArgument(info, 0);
  int descriptor = reactor->DescriptorOf(name);
  if (descriptor < 0) return descriptor;
  iovec part{bytes.data, bytes.size};
  if (info.Length() < 4 || info[3].IsUndefined()) {
    return SendResult(reactor, name, SendDatagram(descriptor, &part, 1, nullptr));
  }
  int domain = DomainOf(descriptor);
  if (domain < 0) return domain;
  SocketAddress to;
  int status = ReadAddress(info, 3, BooleanArgument(info, 4), domain, &to);
  if (status < 0) return status;
  return SendResult(reactor, name, SendDatagram(descriptor, &part, 1, &to));
}

// sendDescriptors(slot, generation, bytes, descriptors: Int32Array, count): bytes taken
int SendDescriptors(const Napi::CallbackInfo& info, Reactor* reactor) {
  BytesArgument bytes;
  int32_t count = IntegerArgument(info, 4, -1);
  if (count < 0 || count > kDescriptorsPerMessage || !ReadBytes(info, 2, &bytes)) return -EINVAL;
  const int32_t* words = ReadWords(info, 3, static_cast<size_t>(count));
  if (words == nullptr) return -EINVAL;
  SlotName name = SlotArgument(info, 0);
  int descriptor = reactor->DescriptorOf(name);
  if (descriptor < 0) return descriptor;
  int passed[kDescriptorsPerMessage];
  for (int32_t i = 0; i < count; i++) passed[i] = words[i];
  return SendResult(reactor, name,
                    SendWithDescriptors(descriptor, bytes.data, bytes.size, passed, count));
}

// receiveDescriptors(slot, generation, bytes, result: Int32Array(2 + 16)): bytes read; result[0] is
// the number of descriptors, result[1] is 1 when some were cut, the descriptors follow
int ReceiveDescriptors(const Napi::CallbackInfo& info, Reactor* reactor) {
  BytesArgument bytes;
  int32_t* result = ReadWords(info, 3, 2 + kDescriptorsPerMessage);
  if (result == nullptr || !ReadBytes(info, 2, &bytes)) return -EINVAL;
  int descriptor = reactor->DescriptorOf(SlotArgument(info, 0));
  if (descriptor < 0) return descriptor;
  int received[kDescriptorsPerMessage];
  int count = 0;
  bool truncated = false;
  ssize_t got =
      ReceiveWithDescriptors(descriptor, bytes.data, bytes.size, received, &count, &truncated);
  CountCall(reactor, records::counter::k_receives, records::counter::k_bytesReceived, got);
  if (got < 0) return static_cast<int>(got == -EWOULDBLOCK ? -EAGAIN : got);
  result[0] = count;
  result[1] = truncated ? 1 : 0;
  for (int i = 0; i < count; i++) result[2 + i] = received[i];
  return static_cast<int>(got);
}

template <Body body>
void Add(Napi::Env env, Napi::Object exports, Environment* environment, const char* name) {
  exports.Set(name, Napi::Function::New(env, Wrap<body>, name, environment));
}

}  // namespace

void RegisterSlots(Napi::Env env, Napi::Object exports, Environment* environment) {
  Add<OpenSlot>(env, exports, environment, "openSlot");
  Add<Adopt>(env, exports, environment, "adopt");
  Add<Pair>(env, exports, environment, "pair");
  Add<DuplicateSlot>(env, exports, environment, "duplicate");
  Add<BindSlot>(env, exports, environment, "bind");
  Add<ConnectSlot>(env, exports, environment, "connect");
  Add<ConnectDatagram>(env, exports, environment, "connectDatagram");
  Add<ListenSlot>(env, exports, environment, "listen");
  Add<Watch>(env, exports, environment, "watch");
  Add<Pause>(env, exports, environment, "pause");
  Add<Resume>(env, exports, environment, "resume");
  Add<SetInBlocks>(env, exports, environment, "setInBlocks");
  Add<SetReadiness>(env, exports, environment, "setReadiness");
  Add<SetCredits>(env, exports, environment, "setCredits");
  Add<RefuseNew>(env, exports, environment, "refuseNew");
  Add<CloseWhenEmpty>(env, exports, environment, "closeWhenEmpty");
  Add<SetReferenced>(env, exports, environment, "setReferenced");
  Add<CloseSlot>(env, exports, environment, "close");
  Add<Release>(env, exports, environment, "release");
  Add<DescriptorOfSlot>(env, exports, environment, "descriptorOf");
  Add<Peer>(env, exports, environment, "peer");
  Add<Name>(env, exports, environment, "name");
  Add<ShutdownSlot>(env, exports, environment, "shutdown");
  Add<SendOneDatagram>(env, exports, environment, "sendDatagram");
  Add<SendDescriptors>(env, exports, environment, "sendDescriptors");
  Add<ReceiveDescriptors>(env, exports, environment, "receiveDescriptors");
}

}  // namespace hawser
