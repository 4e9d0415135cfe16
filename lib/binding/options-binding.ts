// What the addon has for socket options; implemented in native/binding/options_binding.cc.
// Types only.

export interface OptionsBinding {
  /**
   * getsockopt(2). 0, with the value in `result[0]`, or a negative errno.
   *
   * @param index of the option, as in option-table.ts
   */
  getOption(descriptor: number, index: number, result: unknown[]): number;

  /** setsockopt(2). 0 or a negative errno; -EINVAL also where the value is of another kind. */
  setOption(descriptor: number, index: number, value: unknown): number;

  /**
   * TCP_INFO (tcp(7)), on macOS TCP_CONNECTION_INFO. How many fields were written, or a negative
   * errno. NaN is what the kernel does not tell.
   *
   * @param out at least TCP_INFO_FIELD_COUNT long; its order is TCP_INFO_INDEX
   */
  getTcpInfo(descriptor: number, out: Float64Array): number;
}
