// The entry point of the native tests. Which poller is behind them is a matter of linking.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <signal.h>

int main(int argc, char** argv) {
  // As Node does: a write to a socket whose peer is gone answers EPIPE.
  ::signal(SIGPIPE, SIG_IGN);
  doctest::Context context(argc, argv);
  return context.run();
}
