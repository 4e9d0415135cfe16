// What the errors of socket options say, on either system.

import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { absentOption, noDescriptor, refusedOption } from "../../lib/socket/option-errors.ts";
import { OPTIONS } from "../../lib/socket/option-table.ts";

describe("errors of socket options", () => {
  it("B54 an option of another system: where it exists, and what there is here", () => {
    const onDarwin = absentOption(
      "setsockopt",
      "TCP_USER_TIMEOUT",
      OPTIONS.TCP_USER_TIMEOUT,
      "darwin",
    );
    expect(onDarwin.message).toBe(
      "setsockopt ENOPROTOOPT TCP_USER_TIMEOUT exists on Linux only; macOS has TCP_RXT_CONNDROPTIME",
    );
    expect(onDarwin).toMatchObject({
      code: "ENOPROTOOPT",
      errno: -constants.errno.ENOPROTOOPT,
      syscall: "setsockopt",
    });
    const onLinux = absentOption("getsockopt", "IP_BOUND_IF", OPTIONS.IP_BOUND_IF, "linux");
    expect(onLinux.message).toBe(
      "getsockopt ENOPROTOOPT IP_BOUND_IF exists on macOS only; Linux has SO_BINDTODEVICE",
    );
    const alone = absentOption("getsockopt", "SO_MARK", OPTIONS.SO_MARK, "darwin");
    expect(alone.message).toBe("getsockopt ENOPROTOOPT SO_MARK exists on Linux only");
  });

  it("B54 a refusal of the kernel's: the option, and why where that is known", () => {
    const error = refusedOption("setsockopt", "SO_MARK", -constants.errno.EPERM);
    expect(error.message).toBe("setsockopt EPERM SO_MARK: this process lacks a privilege for it");
    expect(error.errno).toBe(-constants.errno.EPERM);
    const unknown = refusedOption("getsockopt", "SO_TYPE", -constants.errno.EIO, ". More");
    expect(unknown.message).toBe("getsockopt EIO SO_TYPE. More");
  });

  it("B54 a socket without a descriptor", () => {
    const error = noDescriptor("getsockopt", "EBADF", "the socket is closed");
    expect(error.message).toBe("getsockopt EBADF the socket is closed");
    expect(error.errno).toBe(-constants.errno.EBADF);
  });
});
